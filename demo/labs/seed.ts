// Everything random in a lab, from its seed: bytes, choices and signing keys. Nothing here may ever sign anything real.
import { p256 } from '@noble/curves/nist.js'
import { framed, type RandomBytes, uintBytes } from '#ctid/base'
import { type P256PublicJwk, pointToJwk, type Signer, sha256, sha512 } from '#ctid/crypto'

/** Bytes that depend on the seed only. */
export function seeded(seed: string): RandomBytes {
  let counter = 0
  return (length) => {
    const out = new Uint8Array(length)
    for (let offset = 0; offset < length; offset += 64) {
      out.set(sha512(framed(seed, uintBytes(counter++, 6))).subarray(0, length - offset), offset)
    }
    return out
  }
}

/** A whole number below `limit`, at most 2^32; the bias of a remainder does not matter here. */
export function below(limit: number, random: RandomBytes): number {
  const bytes = random(6)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) % limit
}

/** One of them. */
export function pick<T>(items: readonly T[], random: RandomBytes): T {
  const chosen = items[below(items.length, random)]
  if (chosen === undefined) throw new Error('nothing to pick from')
  return chosen
}

/** A P-256 key made from a text, with deterministic signatures (RFC 6979). */
export function seededSigner(seed: string): Signer & { readonly publicJwk: P256PublicJwk } {
  const secret = sha256(framed('lab signer', seed))
  return {
    publicJwk: pointToJwk(p256.getPublicKey(secret, false)),
    sign: (data) => p256.sign(data, secret, { lowS: false }),
  }
}
