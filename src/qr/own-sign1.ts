// COSE_Sign1 messages of our own. They have one encoding only, so they are compared with it and cut apart, not parsed: half the
// time of reading a code went into what is the same in every one.
import { CtidError } from '../base/index.ts'
import type { CborMap } from './cbor.ts'
import { COSE_ALG, COSE_KID, decodeSign1, ES256, type Sign1 } from './cose.ts'

/** `no kid`: the holder's message. `kid`: an attestation, whose issuer's key has an identifier of 8 bytes. */
export type OwnForm = 'no kid' | 'kid'

// Tag 18, an array of four, and the protected header as a byte string: {1: -7}, or {1: -7, 4: eight bytes}.
const START: Readonly<Record<OwnForm, Uint8Array>> = {
  'no kid': Uint8Array.of(0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26),
  kid: Uint8Array.of(0xd2, 0x84, 0x4d, 0xa2, 0x01, 0x26, 0x04, 0x48),
}
const KID_LENGTH = { 'no kid': 0, kid: 8 } as const
/** Where the protected header begins: after tag, array and the head of its own byte string. */
const HEADER_AT = 3
const EMPTY_MAP = 0xa0
const NOTHING: CborMap = new Map()

/**
 * Reads a message of our own: tag 18, protected header {alg: ES256} with or without an 8-byte kid, nothing unprotected, a 64-byte
 * signature, every head the shortest. What it returns are views of `bytes`. The kid is empty for `no kid`.
 *
 * @throws {CtidError} `ERR_QR_TOO_LARGE`, `ERR_QR_CBOR`, `ERR_QR_COSE`
 */
export function readOwnSign1(bytes: Uint8Array, form: OwnForm, maxBytes: number): [Sign1, Uint8Array] {
  if (bytes.length > maxBytes) throw new CtidError('ERR_QR_TOO_LARGE')
  return cutApart(bytes, form) ?? refused(bytes, maxBytes)
}

function cutApart(bytes: Uint8Array, form: OwnForm): [Sign1, Uint8Array] | undefined {
  const start = START[form]
  for (let i = 0; i < start.length; i++) if (bytes[i] !== start[i]) return undefined
  const headerEnd = start.length + KID_LENGTH[form]
  if (bytes[headerEnd] !== EMPTY_MAP) return undefined
  const payload = byteString(bytes, headerEnd + 1)
  if (!payload) return undefined
  const signature = byteString(bytes, payload.end)
  if (signature?.length !== 64 || signature.end !== bytes.length) return undefined
  const kid = bytes.subarray(start.length, headerEnd)
  const protectedHeader = new Map<number, number | Uint8Array>([[COSE_ALG, ES256]])
  if (form === 'kid') protectedHeader.set(COSE_KID, kid)
  const message = {
    protectedBytes: bytes.subarray(HEADER_AT, headerEnd),
    protectedHeader,
    unprotectedHeader: NOTHING,
    payload: bytes.subarray(payload.end - payload.length, payload.end),
    signature: bytes.subarray(signature.end - 64),
    tagged: true,
  }
  return [message, kid]
}

// A byte string under its shortest head: its length, and where it ends.
function byteString(bytes: Uint8Array, at: number): { length: number; end: number } | undefined {
  const head = bytes[at] ?? 0
  const [one = 0, two = 0] = [bytes[at + 1], bytes[at + 2]]
  if (head >= 0x40 && head < 0x58) return { length: head - 0x40, end: at + 1 + head - 0x40 }
  if (head === 0x58 && one >= 24) return { length: one, end: at + 2 + one }
  const length = one * 256 + two
  return head === 0x59 && length >= 256 ? { length, end: at + 3 + length } : undefined
}

// The general reader says what is wrong. What it reads all the same has another header than ours.
function refused(bytes: Uint8Array, maxBytes: number): never {
  decodeSign1(bytes, { maxBytes })
  throw new CtidError('ERR_QR_COSE', { detail: 'header profile' })
}
