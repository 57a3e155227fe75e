// Names: one spelling for every way of typing, rare characters kept, dangerous ones refused.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normaliseName } from '#ctid/identity'

describe('one spelling', () => {
  it.each([
    '阿依古丽·买买提',
    '阿依古丽•买买提',
    '阿依古丽・买买提',
    '阿依古丽･买买提',
    '阿依古丽‧买买提',
    '阿依古丽 · 买买提',
    '阿依古丽．买买提',
    '阿依古丽.买买提',
    '阿依古丽\u0387买买提',
  ])('middle dot as typed in %s', (typed) => {
    expect(normaliseName(typed)).toEqual({ name: '阿依古丽·买买提', warnings: [] })
  })

  it('width, spaces and composition', () => {
    expect(normaliseName('ＳＭＩＴＨ　ＪＯＨＮ').name).toBe('SMITH JOHN')
    expect(normaliseName('  王 小　明 ').name).toBe('王小明')
    expect(normaliseName('Nguye\u0302\u0303n').name).toBe('Nguyễn'.normalize('NFC'))
    expect(normaliseName('J. R. Smith').name).toBe('J. R. Smith')
  })

  it('is idempotent', () => {
    const alphabet = fc.constantFrom(...'王李阿·•.．　 aÁＡe\u0301𬭼', '\ue81e', '\ue000')
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 12 }), (typed) => {
        let once: string
        try {
          once = normaliseName(typed).name
        } catch {
          return
        }
        expect(normaliseName(once).name).toBe(once)
      }),
      { seed: 9303, numRuns: 500 },
    )
  })
})

describe('rare characters', () => {
  it('keeps characters outside the Basic Multilingual Plane and says so', () => {
    expect(normaliseName('王𬭼')).toEqual({ name: '王𬭼', warnings: ['supplementary-plane'] })
  })

  it('maps the private-use code points of GB 18030-2000 to the standard ones', () => {
    expect(normaliseName('王\ue81e')).toEqual({ name: '王龴', warnings: ['gb18030-mapped'] })
    expect(normaliseName('王\ue816')).toEqual({
      name: '王𠂇',
      warnings: ['gb18030-mapped', 'supplementary-plane'],
    })
  })

  it('agrees with the platform’s GB 18030 decoder on the characters of GB 18030-2005', () => {
    const decoder = new TextDecoder('gb18030')
    const bytes = {
      '\ue81e': [0xfe, 0x59],
      '\ue826': [0xfe, 0x61],
      '\ue82b': [0xfe, 0x66],
      '\ue82c': [0xfe, 0x67],
      '\ue832': [0xfe, 0x6d],
      '\ue843': [0xfe, 0x7e],
      '\ue854': [0xfe, 0x90],
      '\ue864': [0xfe, 0xa0],
    }
    for (const [privateUse, code] of Object.entries(bytes)) {
      expect(normaliseName(`王${privateUse}`).name).toBe(`王${decoder.decode(new Uint8Array(code))}`)
    }
  })

  it('keeps the variation selector that chooses the form of a character', () => {
    expect(normaliseName('葛\u{e0100}').name).toBe('葛\u{e0100}')
  })

  it('warns of any other private-use character', () => {
    expect(normaliseName('王\ue000').warnings).toEqual(['private-use'])
  })
})

describe('refusals', () => {
  it.each([
    '',
    '   ',
    '·',
    '王\u0000',
    '王\u200b明',
    '\u202e王',
    '王\ud800',
    '1234',
    '王'.repeat(201),
    '·王',
    '王··明',
    '王\n明',
    // Letters and marks that show nothing, and code points that Unicode keeps for no character.
    '\u3164',
    'Li\u3164',
    'Li\uffa0',
    'Li\u034f',
    '王\uffff',
    // 150 letters that NFC writes as 300.
    '\u0958'.repeat(150),
  ])('%j', (typed) => {
    expect(() => normaliseName(typed)).toThrowError(expect.objectContaining({ code: 'ERR_IDENTITY_NAME' }))
  })
})
