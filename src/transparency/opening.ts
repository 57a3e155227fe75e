// Entries about a person: a hiding commitment for everybody, an opening for the person, and a tag by which only the
// person finds the entry. Writers (an issuer, a department) hold one key per person, unrelated to other writers' keys.
import {
  CtidError,
  canonicalJson,
  concatBytes,
  equalBytes,
  framed,
  fromUtf8,
  type JsonObject,
  parseJsonObject,
  type RandomBytes,
  systemRandom,
  toHex,
  utf8,
} from '../base/index.ts'
import { hkdfSha256, hmacSha256, open, seal } from '../crypto/index.ts'
import { encodeEntry, type PersonalEntry, type PersonalType } from './entry.ts'

const TAG = 'CTID-LOG-TAG-V1'
const COMMITMENT = 'CTID-LOG-COMMITMENT-V1'

/** What opens one entry: 32 random bytes and the payload that was committed to. The person holds it. */
export type Opening = { readonly randomness: Uint8Array; readonly payload: JsonObject }

/**
 * The key that a person gives to one writer at enrolment: `HKDF(audit key, "CTID-LOG-WRITER-V1", writer)`, 32 bytes.
 * Writers cannot compute each other's keys, so they cannot link what they logged about one person.
 */
export function writerKey(auditKey: Uint8Array, writer: string): Uint8Array {
  return hkdfSha256(auditKey, { info: framed('CTID-LOG-WRITER-V1', writer), length: 32 })
}

/** Tag of the writer's `counter`-th entry about the person: `HMAC(writer key, "CTID-LOG-TAG-V1", counter)`, 32 bytes. */
export function auditTag(key: Uint8Array, counter: number): Uint8Array {
  return hmacSha256(key, framed(TAG, counterBytes(counter)))
}

export type PersonalEntryOptions = {
  /** How many entries this writer has logged about this person before. Never used twice. */
  readonly counter: number
  /** Unix seconds. Round it (to the hour, say): a precise time helps whoever knows when somebody was somewhere. */
  readonly time: number
  readonly random?: RandomBytes
}

/**
 * Makes an entry about a person. Commitment: `HMAC(randomness, "CTID-LOG-COMMITMENT-V1", type, time, tag, payload)`
 * with 32 fresh random bytes as key: hiding, since the key is never published, and binding, since SHA-256 resists collisions.
 */
export function makePersonalEntry(
  type: PersonalType,
  payload: JsonObject,
  key: Uint8Array,
  options: PersonalEntryOptions,
): { readonly entry: Uint8Array; readonly opening: Opening } {
  const { counter, time, random = systemRandom } = options
  const opening = { randomness: random(32), payload }
  const tag = auditTag(key, counter)
  const unsigned = { form: 'personal', type, time, tag, commitment: new Uint8Array(32) } as const
  const entry = encodeEntry({ ...unsigned, commitment: commitmentOf(unsigned, opening) })
  return { entry, opening }
}

/**
 * Checks that an opening fits an entry and returns the payload.
 *
 * @throws {CtidError} `ERR_LOG_OPENING`
 */
export function openEntry(entry: PersonalEntry, opening: Opening): JsonObject {
  if (opening.randomness.length !== 32 || !equalBytes(entry.commitment, commitmentOf(entry, opening))) {
    throw new CtidError('ERR_LOG_OPENING')
  }
  return opening.payload
}

function commitmentOf(entry: PersonalEntry, { randomness, payload }: Opening): Uint8Array {
  // The header of the entry without its commitment, so that an opening fits one entry only.
  const header = encodeEntry({ ...entry, commitment: new Uint8Array(32) }).subarray(0, 41)
  return hmacSha256(randomness, framed(COMMITMENT, header, utf8(canonicalJson(payload))))
}

/**
 * Seals an opening for the person, so that it can lie anywhere under the entry's tag. Deleting it is erasure: what
 * stays in the log is a commitment that nobody can open.
 */
export async function sealOpening(
  opening: Opening,
  key: Uint8Array,
  { tag, random = systemRandom }: { readonly tag: Uint8Array; readonly random?: RandomBytes },
): Promise<Uint8Array> {
  const plain = concatBytes(opening.randomness, utf8(canonicalJson(opening.payload)))
  return seal(mailKey(key), plain, { context: framed('CTID-LOG-OPENING-V1', tag), random })
}

/** The inverse of {@link sealOpening}. Throws `ERR_CRYPTO_DECRYPT`, `ERR_LOG_OPENING`. */
export async function unsealOpening(sealed: Uint8Array, key: Uint8Array, tag: Uint8Array): Promise<Opening> {
  const plain = await open(mailKey(key), sealed, { context: framed('CTID-LOG-OPENING-V1', tag) })
  if (plain.length < 34) throw new CtidError('ERR_LOG_OPENING')
  return { randomness: plain.slice(0, 32), payload: parseJsonObject(fromUtf8(plain.subarray(32))) }
}

function mailKey(key: Uint8Array): Uint8Array {
  return hkdfSha256(key, { info: utf8('CTID-LOG-MAIL-V1'), length: 32 })
}

export type OwnEntry = {
  readonly index: number
  readonly writer: string
  readonly counter: number
  readonly entry: PersonalEntry
}

export type FindOptions = {
  /** Names of the writers that were given keys. */
  readonly writers: readonly string[]
  /** How many counters may have been skipped (a writer that crashed between counting and logging). Default 16. */
  readonly window?: number
}

/** Searches a log for the entries about the holder of `auditKey`, in log order. One map look-up per entry. */
export function ownEntryFinder(
  auditKey: Uint8Array,
  { writers, window = 16 }: FindOptions,
): (entry: PersonalEntry, index: number) => OwnEntry | undefined {
  const expected = new Map<string, { writer: string; counter: number }>()
  const keys = new Map(writers.map((writer) => [writer, writerKey(auditKey, writer)]))
  const next = new Map<string, number>()
  const expectUpTo = (writer: string, limit: number) => {
    const key = keys.get(writer)
    if (key === undefined) return
    for (let counter = next.get(writer) ?? 0; counter < limit; counter++) {
      expected.set(toHex(auditTag(key, counter)), { writer, counter })
    }
    next.set(writer, Math.max(limit, next.get(writer) ?? 0))
  }
  for (const writer of writers) expectUpTo(writer, window)
  return (entry, index) => {
    const tag = toHex(entry.tag)
    const found = expected.get(tag)
    if (found === undefined) return undefined
    expected.delete(tag)
    expectUpTo(found.writer, found.counter + 1 + window)
    return { index, ...found, entry }
  }
}

function counterBytes(counter: number): Uint8Array {
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(counter))
  return out
}
