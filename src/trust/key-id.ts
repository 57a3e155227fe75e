// Key identifiers: eight bytes that name a P-256 key in a trust list, a JWS header or a COSE header.
import { fromBase64url, toHex } from '../base/index.ts'
import { jwkThumbprint, type P256PublicJwk } from '../crypto/index.ts'

/**
 * The key identifier of a public key: the first 8 bytes of its RFC 7638 SHA-256 thumbprint, as 16 lower-case
 * hexadecimal digits (in COSE: the 8 bytes). It names a key for look-up and proves nothing: two keys may share it,
 * so whoever looks up compares the key itself or lets the signature decide.
 */
export function keyId(jwk: P256PublicJwk): string {
  return toHex(fromBase64url(jwkThumbprint(jwk)).subarray(0, 8))
}
