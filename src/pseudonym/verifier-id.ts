// What a relying party may call a returning citizen: a leaf below a sector point, which nobody can convert or compare.
import { framed, utf8 } from '../base/index.ts'
import { hkdfSha256, hmacSha256, type Point } from '../crypto/index.ts'

/** The key of one relying party, from the sector's master key of 32 bytes. */
export function verifierKey(masterKey: Uint8Array, verifierId: string): Uint8Array {
  return hkdfSha256(masterKey, { info: framed(utf8('CTID-verifier-key-v1'), verifierId), length: 32 })
}

/** HMAC-SHA-256(k_v, P_s), 32 bytes: the same for the same citizen at the same relying party, unrelated elsewhere. */
export function verifierIdentifier(key: Uint8Array, sectorPoint: Point): Uint8Array {
  return hmacSha256(key, framed(utf8('CTID-verifier-id-v1'), sectorPoint))
}
