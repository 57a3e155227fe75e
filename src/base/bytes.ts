// Bytes and text: the conversions and the length-prefixed framing that every other room builds on.

/** A nominal type: `Brand<Uint8Array, 'Point'>` is not assignable from plain bytes; one parse function mints it. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }

/** Source of cryptographically secure random bytes. Passed in, so that tests and vectors can seed it. */
export type RandomBytes = (length: number) => Uint8Array

/** The platform's generator (WebCrypto `getRandomValues`; Node and browsers). */
export const systemRandom: RandomBytes = (length) => globalThis.crypto.getRandomValues(new Uint8Array(length))

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text)
}

/** Strict UTF-8: throws `TypeError` on malformed input, keeps a byte order mark. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** All parts in a row, copied. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}

/** Compares two byte strings in time that depends only on their lengths. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** Big-endian unsigned integer of 1 to 6 bytes (RFC 8017 I2OSP); throws `RangeError` if it does not fit. */
export function uintBytes(value: number, length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length)
  let rest = value
  for (let i = length - 1; i >= 0; i--) {
    out[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  if (rest !== 0 || value < 0 || !Number.isSafeInteger(value)) throw new RangeError('integer does not fit')
  return out
}

/**
 * Injective framing of a tuple: each part is preceded by its length as two big-endian bytes, so that
 * no two different tuples give the same bytes. Parts are at most 65,535 bytes.
 */
export function framed(...parts: readonly (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  const out: Uint8Array[] = []
  for (const part of parts) {
    const bytes = typeof part === 'string' ? utf8(part) : part
    out.push(uintBytes(bytes.length, 2), bytes)
  }
  return concatBytes(...out)
}

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += HEX[byte]
  return out
}

/** Strict lower- or upper-case hexadecimal; throws `TypeError` otherwise. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new TypeError('not hexadecimal')
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return out
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const REVERSE = new Int16Array(128).fill(-1)
for (let i = 0; i < 64; i++) REVERSE[ALPHABET.charCodeAt(i)] = i

// Node's Buffer is several times faster than portable code; browsers have no Buffer.
const NodeBuffer: typeof Buffer | undefined = globalThis.Buffer

/** Base64url without padding (RFC 4648 section 5). */
export function toBase64url(bytes: Uint8Array): string {
  if (NodeBuffer) return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const a = bytes[i] as number
    const b = bytes[i + 1] ?? 0
    const c = bytes[i + 2] ?? 0
    out += ALPHABET[a >> 2]
    out += ALPHABET[((a & 3) << 4) | (b >> 4)]
    if (i + 1 < bytes.length) out += ALPHABET[((b & 15) << 2) | (c >> 6)]
    if (i + 2 < bytes.length) out += ALPHABET[c & 63]
  }
  return out
}

/**
 * Strict base64url: no padding, no white space, no other alphabet, no non-zero trailing bits, so that
 * one byte string has one text (RFC 4648 sections 3.2, 3.3, 3.5). Throws `TypeError` otherwise.
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  if (NodeBuffer) {
    // Node skips what is not base64url; encoding again shows whether it skipped or rounded anything.
    const bytes = NodeBuffer.from(text, 'base64url')
    if (bytes.toString('base64url') !== text) throw new TypeError('not base64url')
    return new Uint8Array(bytes)
  }
  const rest = text.length % 4
  if (rest === 1) throw new TypeError('not base64url')
  const out = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0
  let count = 0
  let offset = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const value = code < 128 ? (REVERSE[code] as number) : -1
    if (value < 0) throw new TypeError('not base64url')
    bits = (bits << 6) | value
    count += 6
    if (count >= 8) {
      count -= 8
      out[offset++] = (bits >> count) & 255
      bits &= (1 << count) - 1
    }
  }
  if (bits !== 0) throw new TypeError('not base64url')
  return out
}

/** A value that may come at once (Node's synchronous crypto) or later (WebCrypto). Always `await` it. */
export type MaybePromise<T> = T | Promise<T>
