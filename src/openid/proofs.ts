// Proofs of possession of the keys that credentials are bound to (OpenID4VCI 1.0 section 8.2, appendix F).
import { type Clock, CtidError, isCtidError, isJsonObject, type Json } from '../base/index.ts'
import { asProvenKey, openKeyProof, type ProvenKey } from '../credential/index.ts'
import { jwkThumbprint } from '../crypto/index.ts'
import { type AttestationPolicy, checkKeyAttestation } from './attestation.ts'

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

type Checked = { readonly keys: readonly ProvenKey[]; readonly nonce: string }

/**
 * Issuer: checks the `proofs` member of a credential request and returns the keys, one credential each. All proofs of
 * a request carry the same nonce, which is used up once the signatures hold.
 *
 * @throws {CtidError} `ERR_OPENID_PROOF` naming what is wrong, `ERR_OPENID_NONCE`
 */
export async function checkProofs(
  proofs: Json | undefined,
  policy: ProofPolicy,
): Promise<readonly ProvenKey[]> {
  if (!isJsonObject(proofs)) refuse('proofs are missing')
  const [[type, list] = [], ...more] = Object.entries(proofs)
  if (more.length > 0) refuse('one proof type only')
  if (type !== 'jwt' && type !== 'attestation') refuse('proof type')
  if (!Array.isArray(list) || list.length === 0 || !list.every((item) => typeof item === 'string')) {
    refuse('proofs must be a list of strings')
  }
  const { keys, nonce } =
    type === 'jwt' ? await checkJwtProofs(list, policy) : await checkAttestationProofs(list, policy)
  if (keys.length > policy.batchSize) refuse('more keys than the batch size')
  if (new Set(keys.map(jwkThumbprint)).size !== keys.length) refuse('one key twice')
  if (!policy.consumeNonce(nonce)) throw new CtidError('ERR_OPENID_NONCE')
  return keys
}

async function checkJwtProofs(list: readonly string[], policy: ProofPolicy): Promise<Checked> {
  if (list.length > policy.batchSize) refuse('more proofs than the batch size')
  const keys: ProvenKey[] = []
  const nonces = new Set<string>()
  for (const text of list) {
    const proof = await openProof(text, policy)
    // A client that never named itself has nothing to put there (appendix F.1).
    if (proof.clientId !== undefined && proof.clientId !== policy.clientId) refuse('iss')
    nonces.add(requireNonce(proof.nonce))
    if (proof.keyAttestation === undefined) {
      if (policy.requireAttestation) refuse('key attestation is missing')
      keys.push(proof.key)
    } else {
      keys.push(...(await attestedKeys(proof.keyAttestation, proof.key, list.length, policy)))
    }
  }
  const [nonce] = nonces
  if (nonce === undefined || nonces.size !== 1) throw new CtidError('ERR_OPENID_NONCE')
  return { keys, nonce }
}

async function openProof(text: string, policy: ProofPolicy) {
  try {
    return await openKeyProof(text, { expectedIssuer: policy.issuer, now: policy.clock() })
  } catch (cause) {
    if (!isCtidError(cause)) throw cause
    throw new CtidError('ERR_OPENID_PROOF', { detail: cause.detail ?? 'form', cause })
  }
}

// A wallet may attest many keys and prove possession with one of them (appendix F.1).
async function attestedKeys(
  attestation: Json,
  key: ProvenKey,
  proofCount: number,
  policy: ProofPolicy,
): Promise<readonly ProvenKey[]> {
  if (!policy.attestations || typeof attestation !== 'string') refuse('key attestation is not understood')
  const { keys } = await checkKeyAttestation(attestation, { ...policy.attestations, use: 'jwt' })
  const own = jwkThumbprint(key)
  if (!keys.some((attested) => jwkThumbprint(attested) === own)) refuse('the proof key is not attested')
  return proofCount > 1 ? [key] : keys.map(asProvenKey)
}

async function checkAttestationProofs(list: readonly string[], policy: ProofPolicy): Promise<Checked> {
  const [text, ...more] = list
  if (text === undefined || more.length > 0) refuse('one attestation only')
  if (!policy.attestations) refuse('key attestation is not understood')
  const { keys, nonce } = await checkKeyAttestation(text, { ...policy.attestations, use: 'attestation' })
  return { keys: keys.map(asProvenKey), nonce: requireNonce(nonce) }
}

// None at all is a fault of the proof, a wrong one a reason to fetch another (section 8.3.1.2).
function requireNonce(nonce: Json | undefined): string {
  if (nonce === undefined || nonce === '') refuse('the nonce is missing')
  if (typeof nonce !== 'string') throw new CtidError('ERR_OPENID_NONCE')
  return nonce
}

function refuse(detail: string): never {
  throw new CtidError('ERR_OPENID_PROOF', { detail })
}
