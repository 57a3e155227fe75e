// The proof of possession of a ceremony's broadcast as SPEC section 6.4 writes it, without the library that makes it.
import { concatBytes, utf8 } from '../../src/base/index.ts'
import { type Group, type Scalar, scalarFromInt, sha512 } from '../../src/crypto/index.ts'

const L = 2n ** 252n + 27742317777372353535851937790883648493n

export type Possession = { readonly id: number; readonly commitment: Uint8Array; readonly nonce: Uint8Array }

/** c = SHA-512("FROST-RISTRETTO255-SHA512-v1dkg" ‖ id ‖ A_0 ‖ R) mod L. */
export function proofChallenge(group: Group, { id, commitment, nonce }: Possession): Scalar {
  const hash = sha512(
    concatBytes(utf8('FROST-RISTRETTO255-SHA512-v1dkg'), scalarFromInt(id), commitment, nonce),
  )
  const value = hash.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) % L
  return group.parseScalar(Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n)))
}
