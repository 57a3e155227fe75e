// Base45 (RFC 9285): bytes as the 45 characters of a QR code's alphanumeric mode, 3 characters for 2 bytes.
import { CtidError } from '../base/index.ts'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:'
const VALUE = new Int8Array(128).fill(-1)
for (let i = 0; i < 45; i++) VALUE[ALPHABET.charCodeAt(i)] = i

/** Encodes bytes (RFC 9285 section 4.1). The result has 3 characters per 2 bytes, and 2 for an odd last byte. */
export function encodeBase45(bytes: Uint8Array): string {
  let out = ''
  let i = 0
  for (; i + 1 < bytes.length; i += 2) {
    const n = ((bytes[i] as number) << 8) | (bytes[i + 1] as number)
    out += (ALPHABET[n % 45] as string) + ALPHABET[((n / 45) | 0) % 45] + ALPHABET[(n / 2025) | 0]
  }
  if (i < bytes.length) {
    const n = bytes[i] as number
    out += (ALPHABET[n % 45] as string) + ALPHABET[(n / 45) | 0]
  }
  return out
}

/**
 * Decodes strictly (RFC 9285 sections 4.2 and 6): upper case only, no other characters, no group above 65,535
 * (or 255 for a final pair), no single character left over. One byte string has exactly one text.
 *
 * @throws {CtidError} `ERR_QR_BASE45`
 */
export function decodeBase45(text: string, start = 0): Uint8Array<ArrayBuffer> {
  const length = text.length - start
  const rest = length % 3
  if (rest === 1) throw new CtidError('ERR_QR_BASE45')
  const out = new Uint8Array(((length / 3) | 0) * 2 + (rest >> 1))
  const end = text.length - rest
  let offset = 0
  let i = start
  for (; i < end; i += 3) {
    const n = digit(text, i) + 45 * digit(text, i + 1) + 2025 * digit(text, i + 2)
    if (n > 0xffff) throw new CtidError('ERR_QR_BASE45')
    out[offset++] = n >> 8
    out[offset++] = n & 255
  }
  if (rest === 2) {
    const n = digit(text, i) + 45 * digit(text, i + 1)
    if (n > 0xff) throw new CtidError('ERR_QR_BASE45')
    out[offset] = n
  }
  return out
}

function digit(text: string, index: number): number {
  const code = text.charCodeAt(index)
  const value = code < 128 ? (VALUE[code] as number) : -1
  if (value < 0) throw new CtidError('ERR_QR_BASE45')
  return value
}
