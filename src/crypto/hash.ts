// Hashes and keyed hashes: one fixed algorithm each. Node's native code where it exists, @noble/hashes elsewhere.
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js'
import { nodeCrypto } from './native.ts'

type Hash = (data: Uint8Array) => Uint8Array

/** SHA-256 (FIPS 180-4), 32 bytes. */
export const sha256: Hash = nativeHash('sha256') ?? nobleSha256

/** As {@link sha256}, written to `out` at `offset`: for trees, where a hash is part of the next input. */
export const sha256Into: (data: Uint8Array, out: Uint8Array, offset: number) => void =
  nativeSha256Into() ?? ((data, out, offset) => out.set(nobleSha256(data), offset))

/** SHA-512 (FIPS 180-4), 64 bytes. */
export const sha512: Hash = nativeHash('sha512') ?? nobleSha512

// crypto.hash is the one-shot form (Node 20.12+), twice as fast as createHash on short input. A digest asked for as a
// string of bytes is twice as fast again as one in a Buffer, whose memory is outside the heap.
function nativeHash(name: string): Hash | undefined {
  const hash = nodeCrypto?.hash
  return hash ? (data) => bytesOf(hash(name, data, 'binary')) : undefined
}

function nativeSha256Into(): typeof sha256Into | undefined {
  const hash = nodeCrypto?.hash
  return hash
    ? (data, out, offset) => {
        const digest = hash('sha256', data, 'binary')
        for (let i = 0; i < 32; i++) out[offset + i] = digest.charCodeAt(i)
      }
    : undefined
}

function bytesOf(latin1: string): Uint8Array {
  const bytes = new Uint8Array(latin1.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = latin1.charCodeAt(i)
  return bytes
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes. */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  return nodeCrypto
    ? new Uint8Array(nodeCrypto.createHmac('sha256', key).update(data).digest())
    : hmac(nobleSha256, key, data)
}

export type HkdfOptions = {
  /** What the key is for; different purposes get unrelated keys. */
  readonly info: Uint8Array
  /** Output length in bytes, at most 8,160. */
  readonly length: number
  readonly salt?: Uint8Array
}

/** HKDF-SHA-256 (RFC 5869), extract and expand. */
export function hkdfSha256(secret: Uint8Array, options: HkdfOptions): Uint8Array {
  return hkdf(nobleSha256, secret, options.salt, options.info, options.length)
}
