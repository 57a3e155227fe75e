// Entries about a person: only that person finds and opens them; for everybody else two entries are two random strings.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeEntry,
  makePersonalEntry,
  openEntry,
  ownEntryFinder,
  type PersonalEntry,
  parseEntry,
  sealOpening,
  unsealOpening,
  writerKey,
} from '#ctid/transparency'

const person = new Uint8Array(32).fill(1)
const other = new Uint8Array(32).fill(2)
const payload = { asked: 'transport', purpose: 'refund', at: 1_800_000_000 }
const personal = (bytes: Uint8Array) => parseEntry(bytes) as PersonalEntry
const make = (auditKey: Uint8Array, writer: string, counter: number) =>
  makePersonalEntry('conversion', payload, writerKey(auditKey, writer), { counter, time: 1_800_000_000 })

describe('commitments', () => {
  it('open to the payload that was committed to, and to no other', () => {
    const { entry, opening } = make(person, 'health', 0)
    expect(entry).toHaveLength(73)
    expect(openEntry(personal(entry), opening)).toEqual(payload)
    const refused = expect.objectContaining({ code: 'ERR_LOG_OPENING' })
    expect(() => openEntry(personal(entry), { ...opening, payload: { ...payload, purpose: 'x' } })).toThrow(
      refused,
    )
    expect(() => openEntry(personal(entry), { ...opening, randomness: new Uint8Array(32) })).toThrow(refused)
    expect(() => openEntry(personal(make(person, 'health', 0).entry), opening)).toThrow(refused)
    expect(() => openEntry({ ...personal(entry), time: 1 }, opening)).toThrow(refused)
    expect(() => openEntry({ ...personal(entry), type: 'appeal' }, opening)).toThrow(refused)
  })

  it('cannot be tested against guesses of the payload: the same payload gives another commitment each time', () => {
    const all = Array.from({ length: 50 }, () =>
      Buffer.from(make(person, 'health', 0).entry.slice(41)).toString('hex'),
    )
    expect(new Set(all).size).toBe(50)
    const guess = createHash('sha256').update(JSON.stringify(payload)).digest('hex')
    expect(all).not.toContain(guess)
  })

  it('are sealed for the person, bound to their entry', async () => {
    const { entry, opening } = make(person, 'health', 3)
    const key = writerKey(person, 'health')
    const { tag } = personal(entry)
    const sealed = await sealOpening(opening, key, { tag })
    expect(openEntry(personal(entry), await unsealOpening(sealed, key, tag))).toEqual(payload)
    await expect(unsealOpening(sealed, writerKey(other, 'health'), tag)).rejects.toMatchObject({
      code: 'ERR_CRYPTO_DECRYPT',
    })
    await expect(unsealOpening(sealed, key, new Uint8Array(32))).rejects.toMatchObject({
      code: 'ERR_CRYPTO_DECRYPT',
    })
  })
})

describe('audit tags', () => {
  it('let the person list every entry about them, across writers and skipped counters, and nobody else', () => {
    const log: Uint8Array[] = []
    const mine: number[] = []
    for (let i = 0; i < 200; i++) {
      if (i % 9 === 4) mine.push(log.length)
      // Every ninth entry is about the person, in turn from two writers; the health writer skips every second counter.
      const [who, writer, counter] =
        i % 9 === 4
          ? ([person, i % 2 ? 'health' : 'issuer', i % 2 ? (i - 4) / 9 + 1 : (i - 4) / 18] as const)
          : ([other, 'health', i] as const)
      log.push(make(who, writer, Math.floor(counter)).entry)
    }
    const search = (key: Uint8Array, writers: string[]) => {
      const find = ownEntryFinder(key, { writers })
      return log.flatMap((bytes, index) => find(personal(bytes), index)?.index ?? [])
    }
    expect(search(person, ['health', 'issuer'])).toEqual(mine)
    expect(search(new Uint8Array(32).fill(3), ['health', 'issuer'])).toEqual([])
    // A writer's key finds that writer's entries only: writers cannot link each other's.
    expect(writerKey(person, 'health')).not.toEqual(writerKey(person, 'issuer'))
    expect(search(writerKey(person, 'health'), ['issuer'])).toEqual([])
  })

  it('are found behind 15 that were skipped in a row, and not behind 16', () => {
    const found = (...counters: number[]) => {
      const find = ownEntryFinder(person, { writers: ['health'] })
      return counters.filter((n) => find(personal(make(person, 'health', n).entry), 0) !== undefined)
    }
    expect(found(15, 31, 3)).toEqual([15, 31, 3])
    expect(found(16)).toEqual([])
    expect(found(0, 17)).toEqual([0])
  })
})

describe('entry encoding', () => {
  it('refuses wrong lengths, unknown types, and JSON that is not canonical', () => {
    const refused = expect.objectContaining({ code: 'ERR_LOG_ENTRY' })
    const { entry } = make(person, 'health', 0)
    expect(() => parseEntry(entry.slice(0, 72))).toThrow(refused)
    expect(() => parseEntry(Uint8Array.of(0xff, ...entry.slice(1)))).toThrow(refused)
    const rules = encodeEntry({ form: 'public', type: 'rule-set', time: 5, body: { b: 1, hash: 'x' } })
    expect(parseEntry(rules)).toMatchObject({ type: 'rule-set', body: { b: 1, hash: 'x' } })
    const loose = Buffer.concat([rules.slice(0, 9), Buffer.from('{"hash":"x","b":1}')])
    expect(() => parseEntry(loose)).toThrow(refused)
    expect(() => encodeEntry({ form: 'public', type: 'rule-set', time: 5, body: {} })).toThrow(refused)
    expect(() => encodeEntry({ form: 'public', type: 'rule-set', time: -1, body: { hash: 'x' } })).toThrow(
      refused,
    )
  })

  it('any bytes are an entry that encodes back to themselves, or refused with a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          expect(encodeEntry(parseEntry(bytes))).toEqual(new Uint8Array(bytes))
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(LOG|JSON)_/) })
        }
      }),
      { seed: 7, numRuns: 500 },
    )
  })
})
