// C2SP signed notes: text that several keys sign, one line each. Key types: Ed25519 (0x01) and cosignature/v1 (0x04).
import {
  CtidError,
  concatBytes,
  equalBytes,
  fromUtf8,
  type MaybePromise,
  toHex,
  uintBytes,
  utf8,
} from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { ed25519PublicKey, ed25519Signer, verifyEd25519 } from './ed25519.ts'

/** Signature type bytes of C2SP signed-note: a log's plain signature, a witness's timestamped one. */
export const LOG_SIGNATURE = 0x01
export const COSIGNATURE = 0x04
export type SignatureType = typeof LOG_SIGNATURE | typeof COSIGNATURE

/** A key that signs notes, as verifiers know it. */
export type NoteKey = {
  /** A URL without scheme, no spaces, no plus sign. */
  readonly name: string
  /** Four bytes in hexadecimal: `SHA-256(name ‖ 0x0A ‖ type ‖ key)[0..4]`. An identifier, not a fingerprint. */
  readonly id: string
  readonly type: SignatureType
  readonly publicKey: Uint8Array
}

/** Signs note texts. `time` (Unix seconds) is signed along by cosignatures and ignored by others. */
export type NoteSigner = {
  readonly key: NoteKey
  sign(text: string, time: number): MaybePromise<Uint8Array>
}

export type NoteSignature = { readonly name: string; readonly id: string; readonly bytes: Uint8Array }

/** A note taken apart, nothing verified. */
export type Note = { readonly text: string; readonly signatures: readonly NoteSignature[] }

/** A signature that verified; `time` only for cosignatures. */
export type VerifiedSignature = { readonly key: NoteKey; readonly time?: number }

const MAX_NOTE_LENGTH = 1 << 20
// As Go's note package; the specification asks for 16 at least.
const MAX_SIGNATURES = 100
const KEY_NAME = /^[^\s+\p{White_Space}]+$/u

/** A key from its parts. Throws `ERR_LOG_NOTE` on a bad name or length. */
export function noteKey(name: string, type: SignatureType, publicKey: Uint8Array): NoteKey {
  if (!KEY_NAME.test(name) || publicKey.length !== 32) throw new CtidError('ERR_LOG_NOTE', { detail: 'key' })
  const id = toHex(sha256(concatBytes(utf8(`${name}\n`), uintBytes(type, 1), publicKey)).subarray(0, 4))
  return { name, id, type, publicKey }
}

/** `name+id+base64(type ‖ key)`, the text form that policies and command lines carry. */
export function formatNoteKey(key: NoteKey): string {
  return `${key.name}+${key.id}+${toBase64(concatBytes(uintBytes(key.type, 1), key.publicKey))}`
}

/**
 * Reads the text form of a public key.
 *
 * @throws {CtidError} `ERR_LOG_NOTE` when malformed, of an unknown type, or when the id does not fit the key
 */
export function parseNoteKey(text: string): NoteKey {
  const [name = '', id = '', ...rest] = text.split('+')
  const bytes = decode(rest.join('+'), 'key')
  const type = bytes[0]
  if (type !== LOG_SIGNATURE && type !== COSIGNATURE)
    throw new CtidError('ERR_LOG_NOTE', { detail: 'key type' })
  const key = noteKey(name, type, bytes.subarray(1))
  if (key.id !== id) throw new CtidError('ERR_LOG_NOTE', { detail: 'key id' })
  return key
}

/** Signer from a 32-byte Ed25519 seed. */
export function noteSigner(name: string, type: SignatureType, seed: Uint8Array): NoteSigner {
  const key = noteKey(name, type, ed25519PublicKey(seed))
  const sign = ed25519Signer(seed)
  if (type === LOG_SIGNATURE) return { key, sign: (text) => sign(utf8(text)) }
  return {
    key,
    sign: async (text, time) => concatBytes(timestamp(time), await sign(cosignedMessage(text, time))),
  }
}

/** Signer from `PRIVATE+KEY+name+id+base64(type ‖ seed)`, the form of Go's note package. Throws `ERR_LOG_NOTE`. */
export function parseNoteSigner(text: string): NoteSigner {
  const [first, second, name = '', id, ...rest] = text.trim().split('+')
  const bytes = decode(rest.join('+'), 'private key')
  const type = bytes[0]
  const known = type === LOG_SIGNATURE || type === COSIGNATURE
  if (first !== 'PRIVATE' || second !== 'KEY' || !known || bytes.length !== 33) {
    throw new CtidError('ERR_LOG_NOTE', { detail: 'private key' })
  }
  const signer = noteSigner(name, type, bytes.subarray(1))
  if (signer.key.id !== id) throw new CtidError('ERR_LOG_NOTE', { detail: 'key id' })
  return signer
}

/** The text form of a private key. A secret. */
export function formatNoteSigner(name: string, type: SignatureType, seed: Uint8Array): string {
  const { id } = noteKey(name, type, ed25519PublicKey(seed))
  return `PRIVATE+KEY+${name}+${id}+${toBase64(concatBytes(uintBytes(type, 1), seed))}`
}

/** One signature line, with its line feed: em dash, name, base64 of id and signature. */
export function signatureLine(signature: NoteSignature): string {
  const id = signature.id.match(/../g) ?? []
  const prefix = Uint8Array.from(id, (byte) => Number.parseInt(byte, 16))
  return `— ${signature.name} ${toBase64(concatBytes(prefix, signature.bytes))}\n`
}

/** Signs a text (which must end in a line feed) and returns the signature lines, one per signer. */
export async function signatureLines(
  text: string,
  signers: readonly NoteSigner[],
  time: number,
): Promise<string> {
  const lines: string[] = []
  for (const { key, sign } of signers) {
    lines.push(signatureLine({ name: key.name, id: key.id, bytes: await sign(text, time) }))
  }
  return lines.join('')
}

/**
 * Takes a note apart (C2SP signed-note, "Format").
 *
 * @throws {CtidError} `ERR_LOG_NOTE` when oversize, not UTF-8, with control characters, or without signature lines
 */
export function parseNote(note: string | Uint8Array): Note {
  if (note.length > MAX_NOTE_LENGTH) throw new CtidError('ERR_LOG_NOTE', { detail: 'size' })
  const whole = typeof note === 'string' ? note : decodeUtf8(note)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u0009\u000b-\u001f]|\p{Surrogate}/u.test(whole))
    throw new CtidError('ERR_LOG_NOTE', { detail: 'characters' })
  const split = whole.lastIndexOf('\n\n')
  const lines = split < 0 ? [] : whole.slice(split + 2).split('\n')
  if (lines.length < 2 || lines.length > MAX_SIGNATURES + 1 || lines.pop() !== '') {
    throw new CtidError('ERR_LOG_NOTE', { detail: 'signature lines' })
  }
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignatureLine) }
}

/** Reads one signature line without its line feed. Throws `ERR_LOG_NOTE`. */
export function parseSignatureLine(line: string): NoteSignature {
  const [dash, name = '', encoded = '', ...rest] = line.split(' ')
  const bytes = decode(encoded, 'signature line')
  if (dash !== '—' || rest.length > 0 || !KEY_NAME.test(name) || bytes.length < 5) {
    throw new CtidError('ERR_LOG_NOTE', { detail: 'signature line' })
  }
  return { name, id: toHex(bytes.subarray(0, 4)), bytes: bytes.slice(4) }
}

/**
 * Verifies the signatures of known keys and ignores those of unknown keys, as signed-note demands.
 *
 * @returns the keys that signed, each once
 * @throws {CtidError} `ERR_LOG_NOTE` when a known key's signature is wrong
 */
export async function verifyNote(note: Note, keys: readonly NoteKey[]): Promise<VerifiedSignature[]> {
  const verified: VerifiedSignature[] = []
  for (const signature of note.signatures) {
    const key = keys.find(({ name, id }) => name === signature.name && id === signature.id)
    if (key === undefined || verified.some((seen) => equalBytes(seen.key.publicKey, key.publicKey))) continue
    const result = await verifySignature(note.text, signature, key)
    if (result === undefined) throw new CtidError('ERR_LOG_NOTE', { detail: 'signature' })
    verified.push(result)
  }
  return verified
}

async function verifySignature(
  text: string,
  { bytes }: NoteSignature,
  key: NoteKey,
): Promise<VerifiedSignature | undefined> {
  if (key.type === LOG_SIGNATURE) {
    return (await verifyEd25519(key.publicKey, utf8(text), bytes)) ? { key } : undefined
  }
  if (bytes.length !== 72) return undefined
  const time = bytes.subarray(0, 8).reduce((value, byte) => value * 256 + byte, 0)
  if (!Number.isSafeInteger(time)) return undefined
  const valid = await verifyEd25519(key.publicKey, cosignedMessage(text, time), bytes.subarray(8))
  return valid ? { key, time } : undefined
}

// C2SP tlog-cosignature, "Ed25519 signed message".
function cosignedMessage(text: string, time: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`)
}

function timestamp(time: number): Uint8Array {
  return concatBytes(new Uint8Array(2), uintBytes(time, 6))
}

function decode(text: string, detail: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch {
    throw new CtidError('ERR_LOG_NOTE', { detail })
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch {
    throw new CtidError('ERR_LOG_NOTE', { detail: 'characters' })
  }
}
