// Proof of possession: the holder shows the issuer that a key is its own before a copy is bound to it.
// The form is the `jwt` proof of OpenID4VCI 1.0 appendix F.1, so that one wallet code serves both ways of issuing.
import { type Brand, CtidError, isCtidError, type Json, type JsonObject } from '../base/index.ts'
import { importVerifyKey, type P256PublicJwk, parsePublicJwk, type Signer } from '../crypto/index.ts'
import { isInForce, parseJws, signJws, verifyJws } from '../trust/index.ts'

export const KEY_PROOF_TYP = 'openid4vci-proof+jwt'
const MAX_AGE_SECONDS = 300
const MAX_AHEAD_SECONDS = 60

/** A holder key whose possession has been shown; only the checks of this file and {@link asProvenKey} make one. */
export type ProvenKey = Brand<P256PublicJwk, 'ProvenKey'>

/** Holder: proves possession of a key to one issuer, for one nonce if the issuer gives any. */
export async function makeKeyProof(
  key: Signer,
  options: {
    readonly issuer: string
    readonly nonce?: string
    readonly now: number
    /** The client the access token was given to; left out by a client that was never named. */
    readonly clientId?: string
    /** A key attestation that vouches for the key. */
    readonly keyAttestation?: string
  },
): Promise<string> {
  const { issuer, nonce, now, clientId, keyAttestation } = options
  const payload = {
    ...(clientId === undefined ? {} : { iss: clientId }),
    aud: issuer,
    iat: now,
    ...(nonce === undefined ? {} : { nonce }),
  }
  const header = {
    jwk: key.publicJwk,
    ...(keyAttestation === undefined ? {} : { key_attestation: keyAttestation }),
  }
  return await signJws(payload, key, { typ: KEY_PROOF_TYP, header })
}

/** A proof that holds, apart from its nonce. */
export type OpenedKeyProof = {
  readonly key: ProvenKey
  /** The caller compares it and uses it up. */
  readonly nonce: Json | undefined
  /** The client that the proof names (`iss`). */
  readonly clientId: Json | undefined
  readonly keyAttestation: Json | undefined
}

type OpenOptions = {
  readonly expectedIssuer: string
  /** Unix seconds. */
  readonly now: number
  /** Greatest age, and greatest lead of the holder's clock. Default 300 and 60. */
  readonly windowSeconds?: number
}

/**
 * Issuer: checks type, algorithm, key, signature, audience and time of one proof. The key must be in the header itself
 * (`jwk`): a key id or a certificate would have to be resolved, and would tell who else knows the key.
 *
 * @throws {CtidError} `ERR_ISSUER_PROOF` naming the part that is wrong
 */
export async function openKeyProof(proof: string, options: OpenOptions): Promise<OpenedKeyProof> {
  const { expectedIssuer, now } = options
  const jws = attempt('form', () => parseJws(proof, { expectedTyp: KEY_PROOF_TYP, maxLength: 32_768 }))
  const { jwk, kid, x5c, key_attestation: keyAttestation } = jws.header
  if (kid !== undefined || x5c !== undefined) refuse('the key must be given as jwk only')
  const key = attempt('jwk', () => parsePublicJwk(jwk))
  if (!(await isSignedBy(jws, key))) refuse('signature')
  const { aud, iat, nonce, iss } = jws.payload
  if (!isOnly(aud, expectedIssuer)) refuse('audience')
  const { windowSeconds: age = MAX_AGE_SECONDS, windowSeconds: lead = MAX_AHEAD_SECONDS } = options
  if (typeof iat !== 'number' || iat < now - age || iat > now + lead || !isInForce(jws, now, lead))
    refuse('time')
  return { key: key as ProvenKey, nonce, clientId: iss, keyAttestation }
}

/**
 * Issuer: checks one proof and its nonce. The caller uses the nonce up once, after all proofs of a request have passed.
 *
 * @throws {CtidError} `ERR_ISSUER_PROOF`, `ERR_ISSUER_PROOF_NONCE`
 */
export async function checkKeyProof(
  proof: string,
  options: OpenOptions & { readonly expectedNonce: string },
): Promise<ProvenKey> {
  const { key, nonce } = await openKeyProof(proof, options)
  if (nonce !== options.expectedNonce) throw new CtidError('ERR_ISSUER_PROOF_NONCE')
  return key
}

/** For protocols that check possession in their own way (OpenID4VCI attestations): says that it has been done. */
export function asProvenKey(jwk: P256PublicJwk): ProvenKey {
  return jwk as ProvenKey
}

async function isSignedBy(jws: ReturnType<typeof parseJws>, key: P256PublicJwk): Promise<boolean> {
  try {
    return await verifyJws(jws, await importVerifyKey(key))
  } catch (cause) {
    throw new CtidError('ERR_ISSUER_PROOF', { detail: 'jwk', cause })
  }
}

// An audience may be a list (RFC 7519 section 4.1.3); a proof for several issuers could be passed on by one of them.
function isOnly(aud: JsonObject[string] | undefined, expected: string): boolean {
  return aud === expected || (Array.isArray(aud) && aud.length === 1 && aud[0] === expected)
}

function attempt<T>(detail: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (!isCtidError(cause)) throw cause
    throw new CtidError('ERR_ISSUER_PROOF', { detail, cause })
  }
}

function refuse(detail: string): never {
  throw new CtidError('ERR_ISSUER_PROOF', { detail })
}
