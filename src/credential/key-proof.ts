// Proof of possession: the holder shows the issuer that a key is its own before a copy is bound to it.
// The form is the `jwt` proof of OpenID4VCI 1.0 appendix F.1, so that one wallet code serves both ways of issuing.
import { type Brand, CtidError, isCtidError } from '../base/index.ts'
import { importVerifyKey, type P256PublicJwk, parsePublicJwk, type Signer } from '../crypto/index.ts'
import { parseJws, signJws, verifyJws } from '../trust/index.ts'

export const KEY_PROOF_TYP = 'openid4vci-proof+jwt'

/** A holder key whose possession has been shown; only {@link checkKeyProof} and {@link asProvenKey} make one. */
export type ProvenKey = Brand<P256PublicJwk, 'ProvenKey'>

/** Holder: proves possession of a key to one issuer, for one nonce. */
export async function makeKeyProof(
  key: Signer,
  options: { readonly issuer: string; readonly nonce: string; readonly now: number },
): Promise<string> {
  const payload = { aud: options.issuer, iat: options.now, nonce: options.nonce }
  return await signJws(payload, key, { typ: KEY_PROOF_TYP, header: { jwk: key.publicJwk } })
}

/**
 * Issuer: checks one proof. The caller uses the nonce up once, after all proofs of a request have passed.
 *
 * @throws {CtidError} `ERR_ISSUER_PROOF`, `ERR_ISSUER_PROOF_NONCE`
 */
export async function checkKeyProof(
  proof: string,
  options: {
    readonly expectedIssuer: string
    readonly expectedNonce: string
    readonly now: number
    /** Greatest age, and greatest lead of the holder's clock. Default 300. */
    readonly windowSeconds?: number
  },
): Promise<ProvenKey> {
  const { expectedIssuer, expectedNonce, now, windowSeconds = 300 } = options
  try {
    const jws = parseJws(proof, { expectedTyp: KEY_PROOF_TYP, maxLength: 4096 })
    const jwk = parsePublicJwk(jws.header['jwk'])
    if (!(await verifyJws(jws, await importVerifyKey(jwk)))) throw new CtidError('ERR_ISSUER_PROOF')
    const { aud, iat, nonce } = jws.payload
    if (aud !== expectedIssuer) throw new CtidError('ERR_ISSUER_PROOF', { detail: 'audience' })
    if (nonce !== expectedNonce) throw new CtidError('ERR_ISSUER_PROOF_NONCE')
    if (typeof iat !== 'number' || Math.abs(now - iat) > windowSeconds) {
      throw new CtidError('ERR_ISSUER_PROOF', { detail: 'time' })
    }
    return jwk as ProvenKey
  } catch (cause) {
    if (isCtidError(cause) && cause.code.startsWith('ERR_ISSUER_')) throw cause
    throw new CtidError('ERR_ISSUER_PROOF', { cause })
  }
}

/** For protocols that check possession in their own way (OpenID4VCI): says that it has been done. */
export function asProvenKey(jwk: P256PublicJwk): ProvenKey {
  return jwk as ProvenKey
}
