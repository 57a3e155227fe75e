// Proofs of possession of the keys that credentials are bound to (OpenID4VCI 1.0 section 8.2, appendix F).
import { type Clock, CtidError, isJsonObject, type Json, type JsonObject } from '../base/index.ts'
import {
  importVerifyKey,
  jwkThumbprint,
  type P256PublicJwk,
  parsePublicJwk,
  type Signer,
} from '../crypto/index.ts'
import { parseJws, signJws, type UnverifiedJws, verifyJws } from '../trust/index.ts'
import { type AttestationPolicy, checkKeyAttestation } from './attestation.ts'

export const PROOF_TYP = 'openid4vci-proof+jwt'
const MAX_AGE_SECONDS = 300
const MAX_AHEAD_SECONDS = 60

/** Wallet: a `jwt` proof for one key. */
export async function makeProof(
  key: Signer,
  options: {
    readonly issuer: string
    readonly nonce: string
    readonly clock: Clock
    readonly clientId?: string
    readonly keyAttestation?: string
  },
): Promise<string> {
  const payload = {
    ...(options.clientId === undefined ? {} : { iss: options.clientId }),
    aud: options.issuer,
    iat: options.clock(),
    nonce: options.nonce,
  }
  const header = {
    jwk: key.publicJwk,
    ...(options.keyAttestation === undefined ? {} : { key_attestation: options.keyAttestation }),
  }
  return signJws(payload, key, { typ: PROOF_TYP, header })
}

export type ProofPolicy = {
  readonly clock: Clock
  readonly issuer: string
  /** The client the access token was given to, if it named itself. */
  readonly clientId: string | undefined
  readonly batchSize: number
  /** One atomic consume: true the first time for a nonce we gave out, never again. */
  readonly consumeNonce: (nonce: string) => boolean
  /** Present: key attestations are understood. */
  readonly attestations?: AttestationPolicy
  /** Every key must be attested. */
  readonly requireAttestation: boolean
}

/**
 * Issuer: checks the `proofs` member of a credential request and returns the keys, one credential each. All proofs of
 * a request carry the same nonce, which is used up once the signatures hold.
 *
 * @throws {CtidError} `ERR_OPENID_PROOF`, `ERR_OPENID_NONCE`, `ERR_OPENID_CREDENTIAL_REQUEST`
 */
export async function checkProofs(
  proofs: Json | undefined,
  policy: ProofPolicy,
): Promise<readonly P256PublicJwk[]> {
  if (!isJsonObject(proofs)) throw new CtidError('ERR_OPENID_PROOF', { detail: 'proofs are missing' })
  const [[type, list] = [], ...more] = Object.entries(proofs)
  if (more.length > 0) throw new CtidError('ERR_OPENID_PROOF', { detail: 'one proof type only' })
  if (!Array.isArray(list) || list.length === 0 || !list.every((item) => typeof item === 'string')) {
    throw new CtidError('ERR_OPENID_PROOF', { detail: 'proofs must be a list of strings' })
  }
  const checked =
    type === 'jwt'
      ? await checkJwtProofs(list, policy)
      : type === 'attestation'
        ? await checkAttestationProofs(list, policy)
        : refuse('proof type')
  if (!policy.consumeNonce(checked.nonce)) throw new CtidError('ERR_OPENID_NONCE')
  if (checked.keys.length > policy.batchSize) refuse('more keys than the batch size')
  if (new Set(checked.keys.map(jwkThumbprint)).size !== checked.keys.length) refuse('one key twice')
  return checked.keys
}

type Checked = { readonly keys: readonly P256PublicJwk[]; readonly nonce: string }

async function checkJwtProofs(list: readonly string[], policy: ProofPolicy): Promise<Checked> {
  if (list.length > policy.batchSize) refuse('more proofs than the batch size')
  const keys: P256PublicJwk[] = []
  const nonces = new Set<string>()
  for (const text of list) {
    const jws = parseProof(text)
    const jwk = proofKey(jws.header)
    if (!(await verifyJws(jws, await importVerifyKey(jwk)))) refuse('signature')
    nonces.add(checkClaims(jws.payload, policy))
    const { key_attestation: attestation } = jws.header
    if (attestation === undefined) {
      if (policy.requireAttestation) refuse('key attestation is missing')
      keys.push(jwk)
    } else {
      keys.push(...(await attestedKeys(attestation, jwk, list.length, policy)))
    }
  }
  const [nonce] = nonces
  if (nonce === undefined || nonces.size !== 1) throw new CtidError('ERR_OPENID_NONCE')
  return { keys, nonce }
}

function parseProof(text: string): UnverifiedJws {
  try {
    return parseJws(text, { expectedTyp: PROOF_TYP, maxLength: 32_768 })
  } catch (cause) {
    throw new CtidError('ERR_OPENID_PROOF', { detail: 'not a proof JWT', cause })
  }
}

// Only `jwk`: a key id or certificate would have to be resolved, and would tell who else knows the key.
function proofKey(header: JsonObject): P256PublicJwk {
  if (header['kid'] !== undefined || header['x5c'] !== undefined) refuse('the key must be given as jwk only')
  try {
    return parsePublicJwk(header['jwk'])
  } catch {
    return refuse('jwk')
  }
}

function checkClaims(claims: JsonObject, policy: ProofPolicy): string {
  const { aud, iat, nonce, iss } = claims
  const now = policy.clock()
  if (aud !== policy.issuer && !(Array.isArray(aud) && aud.length === 1 && aud[0] === policy.issuer))
    refuse('aud')
  if (typeof iat !== 'number' || iat < now - MAX_AGE_SECONDS || iat > now + MAX_AHEAD_SECONDS) refuse('iat')
  if (iss !== undefined && policy.clientId !== undefined && iss !== policy.clientId) refuse('iss')
  if (typeof nonce !== 'string' || nonce.length === 0) throw new CtidError('ERR_OPENID_NONCE')
  return nonce
}

// A wallet may attest many keys and prove possession with one of them (appendix F.1).
async function attestedKeys(
  attestation: Json,
  jwk: P256PublicJwk,
  proofCount: number,
  policy: ProofPolicy,
): Promise<readonly P256PublicJwk[]> {
  if (!policy.attestations || typeof attestation !== 'string') refuse('key attestation is not understood')
  const { keys } = await checkKeyAttestation(attestation, policy.attestations)
  const own = jwkThumbprint(jwk)
  if (!keys.some((key) => jwkThumbprint(key) === own)) refuse('the proof key is not attested')
  return proofCount > 1 ? [jwk] : keys
}

async function checkAttestationProofs(list: readonly string[], policy: ProofPolicy): Promise<Checked> {
  const [text, ...more] = list
  if (text === undefined || more.length > 0) refuse('one attestation only')
  if (!policy.attestations) refuse('key attestation is not understood')
  const { keys, nonce } = await checkKeyAttestation(text, policy.attestations)
  if (nonce === undefined) throw new CtidError('ERR_OPENID_NONCE')
  return { keys, nonce }
}

function refuse(detail: string): never {
  throw new CtidError('ERR_OPENID_PROOF', { detail })
}
