// Verifier: every check of RFC 9901 sections 7.1 and 7.3 and of SD-JWT VC, in order, with a report of all of them.
import { CtidError, type ErrorCode, type Json, type JsonObject, type MaybePromise } from '../base/index.ts'
import type { P256PublicJwk } from '../crypto/index.ts'
import {
  type Check,
  checkList,
  parseJws,
  type SignerResolver,
  type TrustedSigner,
  type UnverifiedJws,
  verifyJws,
} from '../trust/index.ts'
import {
  holderKeyOf,
  type KeyBindingPolicy,
  parseKeyBinding,
  requireHolderSignature,
  requireRecent,
} from './key-binding.ts'
import { type Revealed, reveal } from './reveal.ts'
import { type ParsedSdJwt, parseSdJwt, sdHash } from './sd-jwt.ts'
import {
  requireVcClaims,
  SD_JWT_VC_TYP,
  type StatusReference,
  statusReference,
  UNDISCLOSABLE_CLAIMS,
} from './vc-claims.ts'

/** The checks, in the order they run. The first failure ends the run: what rests on it is "not executed". */
export const CREDENTIAL_CHECKS = [
  'format', // 7.1 step 1, 2.1; 7.3 steps 1 to 3
  'issuer', // 7.1 step 2.3
  'signature', // 7.1 step 2.2
  'disclosures', // 7.1 steps 2.4, 3, 4, 5
  'claims', // SD-JWT VC section 2.2.2
  'type',
  'validity', // 7.1 step 6
  'binding-signature', // 7.3 steps 5.1 to 5.4
  'binding-time', // step 5.5
  'binding-audience', // step 5.6
  'binding-nonce', // step 5.6
  'binding-hash', // step 5.7
  'status',
  'log-receipt',
] as const

export type CredentialCheckName = (typeof CREDENTIAL_CHECKS)[number]

export type CredentialPolicy = {
  /** Unix seconds. */
  readonly now: number
  /** Whose key signed it: `trustListResolver` or `chainResolver`. */
  readonly resolveIssuer: SignerResolver
  /** Accepted values of `vct`; `any` only where the caller looks at the type itself. */
  readonly expectedTypes: readonly string[] | 'any'
  /** The demanded key binding, or `none`: then a key binding JWT must not be there either. */
  readonly keyBinding: KeyBindingPolicy | 'none'
  /** Tolerated difference of clocks for `iat`, `nbf` and `exp`. Default 0. */
  readonly skewSeconds?: number
  /** How far `iat` alone may be ahead: it says when, not from when, and clocks differ. Default `skewSeconds`. */
  readonly issuedAheadSeconds?: number
  /**
   * Checks the status once everything else has passed; throws `ERR_STATUS_*` if it is not valid. Absent: the check
   * is reported as not executed.
   */
  readonly checkStatus?: (reference: StatusReference, issuer: TrustedSigner) => MaybePromise<void>
  /**
   * Checks, last of all, that a log has this copy: its claim `log_receipt` for its holder key (`receiptCheck` of the log).
   * Throws if it was not disclosed or does not verify. Absent: the check is reported as not executed.
   */
  readonly checkReceipt?: (claims: JsonObject, holderKey: P256PublicJwk | undefined) => MaybePromise<void>
  /** Longest accepted text in characters. Default 262,144. */
  readonly maxLength?: number
}

/** A credential whose every demanded check has passed. */
export type VerifiedCredential = {
  /** Processed payload: what was disclosed and what was never hidden. */
  readonly claims: JsonObject
  readonly vct: string
  readonly issuer: TrustedSigner
  readonly header: JsonObject
  /** From `cnf`; proven when key binding was demanded. */
  readonly holderKey: P256PublicJwk | undefined
  readonly status: StatusReference | undefined
}

export type CredentialReport = {
  readonly checks: readonly Check<CredentialCheckName>[]
} & (
  | { readonly ok: true; readonly credential: VerifiedCredential }
  | { readonly ok: false; readonly error: CtidError }
)

/**
 * Verifier: checks a compact SD-JWT VC, with or without key binding as the policy demands. Never throws for bad
 * input: the report says what failed. Costs two signature verifications, one key import and the hashes.
 */
export async function verifyCredential(text: string, policy: CredentialPolicy): Promise<CredentialReport> {
  const checks = checkList<CredentialCheckName>(CREDENTIAL_CHECKS)
  let current: CredentialCheckName = 'format'
  const step = (next: CredentialCheckName): void => {
    checks.pass(current)
    current = next
  }
  try {
    const { parts, jws, binding } = readParts(text, policy)
    step('issuer')
    const issuer = await policy.resolveIssuer(jws.header, policy.now)
    step('signature')
    if (!(await verifyJws(jws, issuer.verifyKey))) throw new CtidError('ERR_TRUST_SIGNATURE')
    step('disclosures')
    const { claims } = revealVc(jws, parts)
    step('claims')
    requireVcClaims(claims)
    requireOwnName(claims, issuer)
    step('type')
    const vct = claims['vct'] as string
    if (policy.expectedTypes !== 'any' && !policy.expectedTypes.includes(vct)) {
      throw new CtidError('ERR_CREDENTIAL_TYPE')
    }
    step('validity')
    requireValidNow(claims, policy)
    let holderKey = policy.keyBinding === 'none' ? unprovenKeyOf(claims) : statedKeyOf(claims)
    if (binding && policy.keyBinding !== 'none') {
      step('binding-signature')
      holderKey = holderKeyOf(claims)
      await requireHolderSignature(binding, holderKey)
      step('binding-time')
      requireRecent(binding, policy.now, policy.keyBinding)
      step('binding-audience')
      requireAudience(binding.payload['aud'], policy.keyBinding.expectedAudience)
      step('binding-nonce')
      requireEqual(binding.payload['nonce'], policy.keyBinding.expectedNonce, 'ERR_CREDENTIAL_BINDING_NONCE')
      step('binding-hash')
      requireEqual(binding.payload['sd_hash'], sdHash(parts.presentation), 'ERR_CREDENTIAL_BINDING_HASH')
    }
    const status = statusReference(claims)
    if (status && policy.checkStatus) {
      step('status')
      await policy.checkStatus(status, issuer)
    }
    if (policy.checkReceipt) {
      step('log-receipt')
      await policy.checkReceipt(claims, holderKey)
    }
    checks.pass(current)
    const credential = { claims, vct, issuer, header: jws.header, holderKey, status }
    return { ok: true, checks: checks.list(), credential }
  } catch (error) {
    const failure = checks.fail(current, error)
    return { ok: false, checks: checks.list(), error: failure }
  }
}

/** As {@link verifyCredential}, but throws the error of the check that failed. */
export async function acceptCredential(text: string, policy: CredentialPolicy): Promise<VerifiedCredential> {
  const report = await verifyCredential(text, policy)
  if (!report.ok) throw report.error
  return report.credential
}

type Parts = { parts: ParsedSdJwt; jws: UnverifiedJws; binding: UnverifiedJws | undefined }

function readParts(text: string, { keyBinding, maxLength = 262_144 }: CredentialPolicy): Parts {
  const parts = parseSdJwt(text, { maxLength })
  // The policy decides, not the presence of a key binding JWT (RFC 9901 section 7.3 step 1).
  if (keyBinding === 'none' && parts.keyBinding !== undefined) {
    throw new CtidError('ERR_CREDENTIAL_BINDING_UNEXPECTED')
  }
  if (keyBinding !== 'none' && parts.keyBinding === undefined) {
    throw new CtidError('ERR_CREDENTIAL_BINDING_MISSING')
  }
  return {
    parts,
    jws: parseJws(parts.issuerJwt, { expectedTyp: SD_JWT_VC_TYP, maxLength }),
    binding: parts.keyBinding === undefined ? undefined : parseKeyBinding(parts.keyBinding),
  }
}

function revealVc(jws: UnverifiedJws, parts: ParsedSdJwt): Revealed {
  return reveal(jws.payload, parts.disclosures, { protectedClaims: UNDISCLOSABLE_CLAIMS })
}

function requireOwnName(claims: JsonObject, issuer: TrustedSigner): void {
  const { iss } = claims
  if (iss !== undefined && !issuer.speaksFor(iss as string)) throw new CtidError('ERR_CREDENTIAL_ISSUER')
}

function statedKeyOf(claims: JsonObject): P256PublicJwk | undefined {
  return claims['cnf'] === undefined ? undefined : holderKeyOf(claims)
}

// Where nobody has to prove possession, a key of a kind we do not speak is no fault.
function unprovenKeyOf(claims: JsonObject): P256PublicJwk | undefined {
  try {
    return statedKeyOf(claims)
  } catch {
    return undefined
  }
}

function requireAudience(actual: Json | undefined, expected: string | readonly string[]): void {
  const isMeant = typeof expected === 'string' ? actual === expected : expected.some((one) => one === actual)
  if (!isMeant) throw new CtidError('ERR_CREDENTIAL_BINDING_AUDIENCE')
}

function requireEqual(actual: Json | undefined, expected: string, code: ErrorCode): void {
  if (actual !== expected) throw new CtidError(code)
}

function requireValidNow(
  claims: JsonObject,
  { now, skewSeconds = 0, issuedAheadSeconds = 0 }: CredentialPolicy,
): void {
  const { iat, nbf, exp } = claims as { readonly [name: string]: number | undefined }
  if (exp !== undefined && now >= exp + skewSeconds) throw new CtidError('ERR_CREDENTIAL_EXPIRED')
  if ((nbf ?? 0) > now + skewSeconds || (iat ?? 0) > now + Math.max(skewSeconds, issuedAheadSeconds)) {
    throw new CtidError('ERR_CREDENTIAL_NOT_YET_VALID')
  }
}
