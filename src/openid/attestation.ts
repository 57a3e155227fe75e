// Attestations by wallet makers: that a client is a genuine wallet (OAuth attestation-based client authentication), and
// that keys live in secure storage (OpenID4VCI appendix D).
import { type Clock, CtidError, type Json, type RandomBytes, toBase64url } from '../base/index.ts'
import {
  importVerifyKey,
  jwkThumbprint,
  type P256PublicJwk,
  parsePublicJwk,
  type Signer,
} from '../crypto/index.ts'
import {
  isInForce,
  parseJws,
  type SignerResolver,
  signJws,
  type UnverifiedJws,
  verifyJws,
} from '../trust/index.ts'
import type { Sessions } from './sessions.ts'

export const CLIENT_ATTESTATION_TYP = 'oauth-client-attestation+jwt'
export const CLIENT_ATTESTATION_POP_TYP = 'oauth-client-attestation-pop+jwt'
export const KEY_ATTESTATION_TYP = 'key-attestation+jwt'
// What drafts before 1.0 called it, and wallet libraries still write.
const DRAFT_KEY_ATTESTATION_TYP = 'keyattestation+jwt'
const MAX_AGE_SECONDS = 300
const MAX_AHEAD_SECONDS = 60

/** What is needed to believe attestations. */
export type AttestationPolicy = {
  readonly clock: Clock
  /** Whose attestations count. */
  readonly resolveAttester: SignerResolver
  readonly seen: Sessions<true>
}

/**
 * Issuer: checks client attestation and its proof of possession, returns the client's id.
 *
 * @throws {CtidError} `ERR_OPENID_CLIENT` naming what is wrong
 */
export async function checkClientAttestation(
  attestation: string,
  pop: string,
  policy: AttestationPolicy & { readonly audience: string; readonly clientId?: string },
): Promise<string> {
  const client = await openAttestation(attestation, CLIENT_ATTESTATION_TYP, policy, 'ERR_OPENID_CLIENT')
  const { sub, cnf } = client.payload
  if (typeof sub !== 'string' || sub.length === 0) refuse('sub')
  if (policy.clientId !== undefined && sub !== policy.clientId) refuse('client_id')
  const key = attestedKey((cnf as { jwk?: Json } | undefined)?.jwk, 'ERR_OPENID_CLIENT')
  const proof = parse(pop, CLIENT_ATTESTATION_POP_TYP, 'ERR_OPENID_CLIENT')
  if (!(await isSignedBy(proof, key))) refuse('proof of possession')
  const { iss, aud, jti, iat } = proof.payload
  const now = policy.clock()
  if (iss !== undefined && iss !== sub) refuse('iss')
  if (aud !== policy.audience && !(Array.isArray(aud) && aud.length === 1 && aud[0] === policy.audience))
    refuse('aud')
  if (typeof iat !== 'number' || iat < now - MAX_AGE_SECONDS || iat > now + MAX_AHEAD_SECONDS) refuse('iat')
  if (!isInForce(proof, now, MAX_AHEAD_SECONDS)) refuse('exp or nbf')
  if (typeof jti !== 'string' || jti.length === 0 || jti.length > 256) refuse('jti')
  const id = `${jwkThumbprint(key)}.${jti}`
  if (policy.seen.get(id)) refuse('replayed jti')
  policy.seen.put(id, true, now + MAX_AGE_SECONDS + MAX_AHEAD_SECONDS)
  return sub
}

function refuse(detail: string): never {
  throw new CtidError('ERR_OPENID_CLIENT', { detail })
}

export type KeyAttestation = {
  readonly keys: readonly P256PublicJwk[]
  readonly nonce: string | undefined
}

/**
 * Issuer: checks a key attestation, returns the keys it vouches for. Inside a `jwt` proof, which brings the nonce, it has
 * to state its end; as a proof of its own it has to carry the nonce (appendix D.1).
 *
 * @throws {CtidError} `ERR_OPENID_PROOF`
 */
export async function checkKeyAttestation(
  text: string,
  policy: AttestationPolicy & { readonly use: 'jwt' | 'attestation' },
): Promise<KeyAttestation> {
  const { payload } = await openAttestation(text, KEY_ATTESTATION_TYP, policy, 'ERR_OPENID_PROOF')
  const { attested_keys: keys, nonce, exp } = payload
  if (policy.use === 'jwt' && exp === undefined) {
    throw new CtidError('ERR_OPENID_PROOF', { detail: 'key attestation exp' })
  }
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > 100) {
    throw new CtidError('ERR_OPENID_PROOF', { detail: 'attested_keys' })
  }
  if (nonce !== undefined && typeof nonce !== 'string') {
    throw new CtidError('ERR_OPENID_PROOF', { detail: 'key attestation nonce' })
  }
  return { keys: keys.map((key: Json) => attestedKey(key, 'ERR_OPENID_PROOF')), nonce }
}

type Code = 'ERR_OPENID_CLIENT' | 'ERR_OPENID_PROOF'

async function openAttestation(
  text: string,
  typ: string,
  policy: AttestationPolicy,
  code: Code,
): Promise<UnverifiedJws> {
  const jws = parse(text, typ, code)
  const now = policy.clock()
  try {
    const attester = await policy.resolveAttester(jws.header, now)
    if (!(await verifyJws(jws, attester.verifyKey))) throw new CtidError(code, { detail: 'signature' })
  } catch (cause) {
    throw new CtidError(code, { detail: 'attester is not trusted or did not sign', cause })
  }
  const { exp, iat } = jws.payload
  const isClientAttestation = typ === CLIENT_ATTESTATION_TYP
  if (!isInForce(jws, now) || (isClientAttestation && exp === undefined)) {
    throw new CtidError(code, { detail: 'attestation exp or nbf' })
  }
  const isIssued = typeof iat === 'number' && iat <= now + MAX_AHEAD_SECONDS
  if (!isIssued && (iat !== undefined || !isClientAttestation)) {
    throw new CtidError(code, { detail: 'attestation iat' })
  }
  return jws
}

function parse(text: string, typ: string, code: Code): UnverifiedJws {
  try {
    const expectedTyp = typ === KEY_ATTESTATION_TYP ? [typ, DRAFT_KEY_ATTESTATION_TYP] : typ
    return parseJws(text, { expectedTyp, maxLength: 32_768 })
  } catch (cause) {
    throw new CtidError(code, { detail: `not a ${typ}`, cause })
  }
}

// A point that is not on the curve has signed nothing.
async function isSignedBy(jws: UnverifiedJws, key: P256PublicJwk): Promise<boolean> {
  try {
    return await verifyJws(jws, await importVerifyKey(key))
  } catch {
    return false
  }
}

function attestedKey(value: Json | undefined, code: Code): P256PublicJwk {
  try {
    return parsePublicJwk(value)
  } catch {
    throw new CtidError(code, { detail: 'attested key' })
  }
}

/** Wallet: the proof of possession that goes with its client attestation. */
export async function makeClientAttestationPop(
  key: Signer,
  audience: string,
  options: { readonly clock: Clock; readonly random: RandomBytes; readonly clientId: string },
): Promise<string> {
  const payload = {
    iss: options.clientId,
    aud: audience,
    jti: toBase64url(options.random(16)),
    iat: options.clock(),
  }
  return signJws(payload, key, { typ: CLIENT_ATTESTATION_POP_TYP })
}
