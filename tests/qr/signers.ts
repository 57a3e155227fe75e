// Signers from a seed with deterministic signatures (RFC 6979), so that vectors can be made again byte for byte.
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { pointToJwk, type Signer } from '#ctid/crypto'

export function seededSigner(seed: string): Signer {
  const secret = sha256(new TextEncoder().encode(seed))
  return {
    publicJwk: pointToJwk(p256.getPublicKey(secret, false)),
    sign: (data) => p256.sign(data, secret, { lowS: false }),
  }
}
