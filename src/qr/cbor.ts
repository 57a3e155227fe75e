// CBOR (RFC 8949) as this room uses it: deterministic when written, and read strictly with a size limit first.
import { decode, encode, rfc8949EncodeOptions, Tokenizer, Type } from 'cborg'
import { CtidError } from '../base/index.ts'

export type CborLabel = number | string
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<CborLabel, CborValue>
export type CborMap = ReadonlyMap<CborLabel, CborValue>

export type ReadCborOptions = {
  /** Longest accepted input in bytes. */
  readonly maxBytes: number
  /**
   * `shortest` (default): definite lengths, shortest heads, as we write. `any`: also what other producers may
   * write (indefinite lengths, longer heads, floats). Duplicate map keys and trailing bytes are refused in both.
   */
  readonly encoding?: 'shortest' | 'any'
}

const SHORTEST = {
  useMaps: true,
  strict: true,
  rejectDuplicateMapKeys: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  allowBigInt: false,
}
const ANY = { ...SHORTEST, strict: false, allowIndefinite: true, allowBigInt: true }

/** Encodes deterministically (RFC 8949 section 4.2.1): shortest heads, definite lengths, sorted keys. */
export function writeCbor(value: CborValue): Uint8Array<ArrayBuffer> {
  return encode(value, rfc8949EncodeOptions)
}

/** The shortest head of a byte string of this length (RFC 8949 section 3.1), at most 2^32 − 1. */
export function bytesHead(length: number): Uint8Array<ArrayBuffer> {
  if (length < 24) return Uint8Array.of(0x40 | length)
  if (length < 0x100) return Uint8Array.of(0x58, length)
  if (length < 0x10000) return Uint8Array.of(0x59, length >> 8, length & 255)
  return Uint8Array.of(0x5a, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255)
}

/**
 * Reads one CBOR item without tags. Maps become `Map`, so that a key may be an integer and none can reach a
 * prototype.
 *
 * @throws {CtidError} `ERR_QR_TOO_LARGE`, `ERR_QR_CBOR`
 */
export function readCbor(bytes: Uint8Array, options: ReadCborOptions): CborValue {
  if (bytes.length > options.maxBytes) throw new CtidError('ERR_QR_TOO_LARGE')
  try {
    return decode(bytes, options.encoding === 'any' ? ANY : SHORTEST) as CborValue
  } catch {
    throw new CtidError('ERR_QR_CBOR')
  }
}

/** As {@link readCbor}, and the item must be a map, else `ERR_QR_CBOR`. */
export function readCborMap(bytes: Uint8Array, options: ReadCborOptions): CborMap {
  const value = readCbor(bytes, options)
  if (!(value instanceof Map)) throw new CtidError('ERR_QR_CBOR')
  return value as CborMap
}

// What our claims are made of. With shortest heads (`strict`) and sorted labels, nothing else is left that could be written in
// two ways: no integer as a float, no text that is not UTF-8.
const INSIDE: ReadonlySet<Type> = new Set([Type.uint, Type.negint, Type.bytes, Type.array])

class ClaimsTokenizer extends Tokenizer {
  override next() {
    const isFirst = this.pos() === 0
    const token = super.next()
    if (isFirst ? token.type !== Type.map : !INSIDE.has(token.type)) throw new CtidError('ERR_QR_CBOR')
    return token
  }
}

/**
 * Reads a claims map of ours: integers, byte strings and arrays of them under integer labels. It must be byte for byte what
 * {@link writeCbor} makes of its content (RFC 8949 section 4.2.1), so that one meaning has one form.
 *
 * @throws {CtidError} `ERR_QR_TOO_LARGE`, `ERR_QR_CBOR`
 */
export function readClaims(bytes: Uint8Array, maxBytes: number): ReadonlyMap<number, CborValue> {
  if (bytes.length > maxBytes) throw new CtidError('ERR_QR_TOO_LARGE')
  let claims: ReadonlyMap<number, CborValue>
  try {
    claims = decode(bytes, { ...SHORTEST, tokenizer: new ClaimsTokenizer(bytes, SHORTEST) })
  } catch {
    throw new CtidError('ERR_QR_CBOR')
  }
  let before: unknown
  for (const label of claims.keys()) {
    if (!isAfter(label, before)) throw new CtidError('ERR_QR_CBOR')
    before = label
  }
  return claims
}

// Order of the encoded bytes: 0, 1, 2 … and then -1, -2, -3 …
function isAfter(label: unknown, before: unknown): boolean {
  if (typeof label !== 'number') return false
  if (typeof before !== 'number') return true
  return before >= 0 ? label < 0 || label > before : label < before
}
