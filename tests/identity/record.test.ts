// Legal records: strict parsing, errors without values, one canonical identity per document and no more.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalIdentity,
  type DocumentReference,
  parseLegalRecord,
  syntheticCompanies,
  syntheticDocuments,
  syntheticPeople,
} from '#ctid/identity'
import { framed, fromUtf8, toHex } from '../../src/base/index.ts'
import vectors from '../vectors/identity.json' with { type: 'json' }

const PERSON = { documentType: 'resident-id', documentNumber: '11010519491231002X', name: '王小明' }

describe('parseLegalRecord', () => {
  it('fills in what the number tells', () => {
    expect(parseLegalRecord({ ...PERSON, validUntil: '2036-02-29' })).toEqual({
      ...PERSON,
      issuingState: 'CHN',
      birthDate: '1949-12-31',
      sex: 'F',
      validUntil: '2036-02-29',
    })
  })

  it.each([
    ['not an object', null, 'ERR_IDENTITY_RECORD', 'not an object'],
    ['an array', [], 'ERR_IDENTITY_RECORD', 'not an object'],
    ['an unknown member', { ...PERSON, phone: '1' }, 'ERR_IDENTITY_RECORD', 'unknown member'],
    ['an unknown type', { ...PERSON, documentType: 'library-card' }, 'ERR_IDENTITY_RECORD', 'documentType'],
    ['a number as number', { ...PERSON, documentNumber: 1 }, 'ERR_IDENTITY_RECORD', 'documentNumber'],
    ['no name', { ...PERSON, name: undefined }, 'ERR_IDENTITY_RECORD', 'name'],
    [
      'a passport without a state',
      { ...PERSON, documentType: 'passport' },
      'ERR_IDENTITY_RECORD',
      'issuingState',
    ],
    [
      'a resident ID of another state',
      { ...PERSON, issuingState: 'USA' },
      'ERR_IDENTITY_ISSUING_STATE',
      undefined,
    ],
    ['another birth date', { ...PERSON, birthDate: '1949-12-30' }, 'ERR_IDENTITY_CONTRADICTION', 'birthDate'],
    ['another sex', { ...PERSON, sex: 'M' }, 'ERR_IDENTITY_CONTRADICTION', 'sex'],
    ['a day that is none', { ...PERSON, validUntil: '2035-02-29' }, 'ERR_IDENTITY_DATE', 'validUntil'],
    [
      'a company with a birth date',
      { documentType: 'uscc', documentNumber: '91350100M000100Y43', name: '样例', birthDate: '1990-01-01' },
      'ERR_IDENTITY_CONTRADICTION',
      'birthDate',
    ],
  ])('refuses %s', (_what, input, code, detail) => {
    expect(() => parseLegalRecord(input)).toThrowError(expect.objectContaining({ code, detail }))
  })

  it('never repeats a value in an error', () => {
    const secret = '11010519491231999X'
    for (const field of ['documentNumber', 'name', 'birthDate', 'sex', 'validUntil', 'issuingState']) {
      try {
        parseLegalRecord({ ...PERSON, [field]: field === 'name' ? `${secret}\u0000` : secret })
        expect.unreachable()
      } catch (error) {
        expect(String((error as Error).stack)).not.toContain(secret)
      }
    }
  })

  it('refuses oversize input at once', () => {
    expect(() => parseLegalRecord({ ...PERSON, documentNumber: '1'.repeat(1_000_000) })).toThrowError(
      expect.objectContaining({ code: 'ERR_IDENTITY_DOCUMENT_NUMBER' }),
    )
  })
})

describe('canonicalIdentity', () => {
  it('matches the published vectors', () => {
    for (const { typed, canonical } of vectors.identities) {
      const record = parseLegalRecord({ ...typed, name: '样例' })
      expect(toHex(canonicalIdentity(record))).toBe(canonical)
    }
  })

  it.each([
    '11010519491231002X',
    '11010519491231002x',
    '１１０１０５１９４９１２３１００２Ｘ',
    '110105 19491231 002X',
    '110105491231002',
    ' 110105　49 1231 002 ',
  ])('is the same for the spelling %s', (documentNumber) => {
    const record = parseLegalRecord({ ...PERSON, documentNumber })
    expect(canonicalIdentity(record)).toEqual(
      framed('ctid/id/v1', 'resident-id', 'CHN', '11010519491231002X'),
    )
    // Even a record that skipped the parser cannot make a second identity.
    expect(canonicalIdentity({ documentType: 'resident-id', issuingState: 'CHN', documentNumber })).toEqual(
      canonicalIdentity(record),
    )
  })

  it.each([
    ['a type that there is not', { ...PERSON, documentType: 'toString' }, 'ERR_IDENTITY_RECORD'],
    ['no number', { ...PERSON, documentNumber: undefined }, 'ERR_IDENTITY_DOCUMENT_NUMBER'],
    [
      'a number that is no text',
      { ...PERSON, documentNumber: 110105491231002 },
      'ERR_IDENTITY_DOCUMENT_NUMBER',
    ],
    [
      'a list of texts',
      { ...PERSON, documentNumber: [...'110105491231002'] },
      'ERR_IDENTITY_DOCUMENT_NUMBER',
    ],
  ])('refuses %s from callers without types', (_title, document, code) => {
    expect(() => canonicalIdentity({ issuingState: 'CHN', ...document } as never)).toThrowError(
      expect.objectContaining({ code }),
    )
  })

  it('does not depend on the name, sex or validity', () => {
    const a = parseLegalRecord(PERSON)
    const b = parseLegalRecord({ ...PERSON, name: '李改名', validUntil: '2030-01-01' })
    expect(canonicalIdentity(a)).toEqual(canonicalIdentity(b))
  })

  it('is injective: the fields can be read back', () => {
    const people = syntheticPeople({ seed: 'injective', count: 200 })
    const seen = new Set<string>()
    for (const record of people) {
      const bytes = canonicalIdentity(record)
      expect(readBack(bytes)).toEqual([
        'ctid/id/v1',
        record.documentType,
        record.issuingState,
        record.documentNumber,
      ])
      seen.add(toHex(bytes))
    }
    expect(seen.size).toBe(people.length)
  })

  it('keeps any two different documents apart, also passports whose fields could run together', () => {
    const passport = fc.record({
      documentType: fc.constant('passport' as const),
      issuingState: fc.constantFrom('CHN', 'USA', 'DEU', 'GBR'),
      documentNumber: fc.stringMatching(/^[A-Z]{0,2}\d{5,7}$/),
    })
    const same = (a: DocumentReference, b: DocumentReference) =>
      a.issuingState === b.issuingState && a.documentNumber === b.documentNumber
    fc.assert(
      fc.property(passport, passport, (a, b) => {
        expect(toHex(canonicalIdentity(a)) === toHex(canonicalIdentity(b))).toBe(same(a, b))
      }),
      { seed: 2, numRuns: 300 },
    )
  })
})

describe('synthetic town', () => {
  it('is reproducible, distinct and covers every kind of document and name', () => {
    const people = syntheticPeople({ seed: 'town', count: 120 })
    expect(syntheticPeople({ seed: 'town', count: 120 })).toEqual(people)
    expect(syntheticPeople({ seed: 'other', count: 120 })).not.toEqual(people)
    expect(new Set(people.map((p) => p.documentType))).toEqual(
      new Set(['resident-id', 'residence-permit', 'passport']),
    )
    expect(people.some((p) => p.name.includes('·'))).toBe(true)
    expect(people.some((p) => /[\u{10000}-\u{3ffff}]/u.test(p.name))).toBe(true)
    expect(people.some((p) => (p.birthDate ?? '') > '2012')).toBe(true)
    const typed = syntheticDocuments({ seed: 'town', count: 120 })
    expect(typed.some((p) => /^\d{15}$/.test(p.documentNumber))).toBe(true)
  })

  it('uses numbers that no authority issues', () => {
    for (const p of syntheticPeople({ seed: 'marks', count: 100 })) {
      if (p.documentType === 'resident-id') expect(p.documentNumber.slice(2, 6)).toBe('0199')
      if (p.documentType === 'passport') expect(p.documentNumber.slice(0, 3)).toBe('SYN')
    }
    for (const c of syntheticCompanies({ seed: 'marks', count: 50 }))
      expect(c.documentNumber.slice(4, 8)).toBe('0199')
  })
})

function readBack(bytes: Uint8Array): string[] {
  const parts: string[] = []
  for (let i = 0; i < bytes.length; ) {
    const length = (bytes[i] as number) * 256 + (bytes[i + 1] as number)
    parts.push(fromUtf8(bytes.subarray(i + 2, i + 2 + length)))
    i += 2 + length
  }
  return parts
}
