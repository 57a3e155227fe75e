// Verifying a code: every check in order, each recorded; nothing is asked of the network and nobody is told.
import { type Clock, CtidError, equalBytes, isCtidError, toBase64url, toHex } from '../base/index.ts'
import { importVerifyKey } from '../crypto/index.ts'
import {
  ASSURANCE_LEVELS,
  audienceHash,
  codeForm,
  type DynamicCode,
  type PaperCode,
  parseCode,
  STEP_SECONDS,
  signedAs,
  verifySign1,
} from '../qr/index.ts'
import { type CheckList, checkList, type TrustedSigner } from '../trust/index.ts'
import { type Attested, CODE_CHECKS, type CodeCheck, isAccepted, type Verdict } from './checks.ts'
import { requireCodePolicy, requiredChecks, type VerifierPolicy } from './policy.ts'
import type { ReplayCache, StatusLookup, StatusState, TrustLookup } from './ports.ts'

export type VerifyContext = {
  readonly policy: VerifierPolicy
  readonly trust: TrustLookup
  /** Absent: the status checks are not executed. */
  readonly status?: StatusLookup
  readonly replay: ReplayCache
  readonly clock: Clock
  /** The challenge that this verifier showed. Absent when it showed none. */
  readonly expectedChallenge?: Uint8Array
}

const STATUS_CODES: Readonly<Record<StatusState, CtidError['code'] | undefined>> = {
  valid: undefined,
  revoked: 'ERR_VERIFIER_REVOKED',
  suspended: 'ERR_VERIFIER_SUSPENDED',
  unknown: 'ERR_STATUS_UNKNOWN',
}
const DEFAULT_SKEW = 15
const DEFAULT_STATUS_AGE = 86_400

type Run = {
  readonly checks: CheckList<CodeCheck>
  readonly context: VerifyContext
  readonly now: number
}

/**
 * Verifier: runs every check on a scanned text and lists the results; it throws only for a policy that contradicts
 * itself. Dominated by two ES256 verifications and the import of the holder's key.
 *
 * An online token has to be fetched first (`fetchOnline`); here its form fails.
 *
 * @throws {CtidError} `ERR_VERIFIER_POLICY`
 */
export async function verifyCode(text: string, context: VerifyContext): Promise<Verdict> {
  requireCodePolicy(context.policy)
  const run: Run = { checks: checkList(CODE_CHECKS), context, now: context.clock() }
  const code = read(run, text)
  if (!code) return verdict(run, text, undefined)

  const signer = await checkIssuer(run, code)
  if (signer) {
    checkClaims(run, code)
    if (code.form === 'dynamic') await checkHolder(run, code)
    await checkStatus(run, code, signer)
  }
  return verdict(run, text, signer && { code, signer })
}

function read(run: Run, text: string): DynamicCode | PaperCode | undefined {
  const form = codeForm(text)
  const isKnown = form === 'dynamic' || form === 'paper'
  if (!isKnown || !run.context.policy.accept[form]) {
    fail(run, 'form', form === undefined ? 'ERR_QR_FORM' : 'ERR_VERIFIER_FORM')
    return undefined
  }
  run.checks.pass('form')
  try {
    const code = parseCode(text)
    run.checks.pass('structure')
    return code.form === 'online' ? undefined : code
  } catch (error) {
    run.checks.fail('structure', error)
    return undefined
  }
}

async function checkIssuer(run: Run, code: DynamicCode | PaperCode): Promise<TrustedSigner | undefined> {
  const { attestation } = code
  const { purpose, region } = run.context.policy
  let signer: TrustedSigner
  try {
    const query = region === undefined ? { purpose, now: run.now } : { purpose, now: run.now, region }
    const found = run.context.trust.issuerKey(toHex(attestation.kid), query)
    signer = found instanceof Promise ? await found : found
    run.checks.pass('issuer')
  } catch (error) {
    run.checks.fail('issuer', error)
    return undefined
  }
  const verified = verifySign1(attestation.message, signer.verifyKey, { externalAad: signedAs.attestation })
  const isRight = verified instanceof Promise ? await verified : verified
  judge(run, 'issuer-signature', isRight ? undefined : 'ERR_VERIFIER_ISSUER_SIGNATURE')
  return isRight ? signer : undefined
}

// What the issuer has signed, so nothing of it is looked at before its signature passed.
function checkClaims(run: Run, { form, attestation }: DynamicCode | PaperCode): void {
  const { policy } = run.context
  const { skewSeconds = DEFAULT_SKEW, maxAgeSeconds, healthOutcomes } = policy
  const { issuedAt, expiresAt, health } = attestation
  if (run.now + skewSeconds < issuedAt) fail(run, 'validity', 'ERR_VERIFIER_NOT_YET_VALID')
  else judge(run, 'validity', run.now < expiresAt ? undefined : 'ERR_VERIFIER_EXPIRED')
  if (maxAgeSeconds !== undefined) {
    judge(run, 'age', run.now - issuedAt <= maxAgeSeconds ? undefined : 'ERR_VERIFIER_TOO_OLD')
  }
  const level = ASSURANCE_LEVELS.indexOf(attestation.assurance)
  const needed = ASSURANCE_LEVELS.indexOf(policy.accept[form]?.minAssurance ?? 'high')
  judge(run, 'assurance', level >= needed ? undefined : 'ERR_VERIFIER_ASSURANCE')
  judge(run, 'kind', policy.kinds.includes(attestation.kind) ? undefined : 'ERR_VERIFIER_KIND')
  if (healthOutcomes) {
    const holds = health && healthOutcomes.includes(health.outcome) && run.now < health.until
    judge(run, 'health', holds ? undefined : 'ERR_VERIFIER_HEALTH')
  }
}

async function checkHolder(run: Run, code: DynamicCode): Promise<void> {
  if (!(await isSignedByHolder(code))) return fail(run, 'holder-signature', 'ERR_VERIFIER_HOLDER_SIGNATURE')
  run.checks.pass('holder-signature')

  const { expectedChallenge, policy } = run.context
  const { stepSeconds = STEP_SECONDS, skewSeconds = DEFAULT_SKEW } = policy
  const start = code.step * stepSeconds
  if (run.now + skewSeconds < start) fail(run, 'time-step', 'ERR_VERIFIER_STEP_FUTURE')
  else {
    const isCurrent = run.now - skewSeconds < start + stepSeconds
    judge(run, 'time-step', isCurrent ? undefined : 'ERR_VERIFIER_STEP_OLD')
  }
  // A challenge or an audience in the code always has to be ours: else the code was made for somebody else.
  if (expectedChallenge || code.challenge) {
    const isOurs = expectedChallenge && code.challenge && equalBytes(expectedChallenge, code.challenge)
    judge(run, 'challenge', isOurs ? undefined : 'ERR_VERIFIER_CHALLENGE')
  }
  if (code.audience) {
    const isOurs = equalBytes(code.audience, audienceHash(policy.name))
    judge(run, 'audience', isOurs ? undefined : 'ERR_VERIFIER_AUDIENCE')
  }
}

async function isSignedByHolder({ attestation, message }: DynamicCode): Promise<boolean> {
  if (!attestation.holderKey) return false
  try {
    const imported = importVerifyKey(attestation.holderKey)
    const key = imported instanceof Promise ? await imported : imported
    const verified = verifySign1(message, key, { externalAad: signedAs.code })
    return verified instanceof Promise ? await verified : verified
  } catch (error) {
    if (isCtidError(error)) return false // not a point of the curve
    throw error
  }
}

async function checkStatus(run: Run, code: DynamicCode | PaperCode, issuer: TrustedSigner): Promise<void> {
  const { status, policy } = run.context
  if (!status) return
  try {
    const asked = status.status({ issuer, ...code.attestation.status, now: run.now })
    const answer = asked instanceof Promise ? await asked : asked
    if (!answer) return
    const { maxStatusAgeSeconds = DEFAULT_STATUS_AGE } = policy
    if (run.now - answer.issuedAt > maxStatusAgeSeconds || run.now >= answer.expiresAt) {
      throw new CtidError('ERR_VERIFIER_STATUS_STALE')
    }
    run.checks.pass('status-list')
    judge(run, 'status', STATUS_CODES[answer.state])
  } catch (error) {
    run.checks.fail('status-list', error)
  }
}

// Last, and only for a code that is right in everything else: a wrong code must not use up a right one's entry.
async function checkReplay(run: Run, code: DynamicCode): Promise<void> {
  const { policy, replay } = run.context
  const { stepSeconds = STEP_SECONDS, skewSeconds = DEFAULT_SKEW } = policy
  const challenge = code.challenge ? toBase64url(code.challenge) : ''
  // Not the signature: ECDSA signatures can be changed into others that verify as well.
  const key = `${toBase64url(code.attestation.handle)}.${code.step}.${challenge}`
  try {
    const consumed = replay.consume(key, (code.step + 1) * stepSeconds + skewSeconds + 1)
    const isFirst = consumed instanceof Promise ? await consumed : consumed
    judge(run, 'replay', isFirst ? undefined : 'ERR_VERIFIER_REPLAYED')
  } catch (error) {
    run.checks.fail('replay', error)
  }
}

type Proven = { readonly code: DynamicCode | PaperCode; readonly signer: TrustedSigner }

async function verdict(run: Run, text: string, proven: Proven | undefined): Promise<Verdict> {
  const form = codeForm(text)
  const required =
    form === 'dynamic' || form === 'paper' ? requiredChecks(run.context.policy, form) : CODE_CHECKS
  if (proven?.code.form === 'dynamic') {
    const others = required.filter((name) => name !== 'replay')
    if (isAccepted(run.checks.list(), others)) await checkReplay(run, proven.code)
  }
  const checks = run.checks.list()
  if (proven && isAccepted(checks, required)) return { ok: true, form, checks, attested: attested(proven) }
  const code = checks.find((check) => check.result === 'failed')?.code ?? 'ERR_VERIFIER_INCOMPLETE'
  return { ok: false, form, checks, code }
}

function attested({ code: { attestation }, signer }: Proven): Attested {
  const { kind, assurance, expiresAt, health } = attestation
  const name = signer.issuer?.name
  return {
    issuer: name ? { id: signer.id, name } : { id: signer.id },
    handle: toBase64url(attestation.handle),
    kind,
    assurance,
    expiresAt,
    ...(health ? { health } : {}),
  }
}

function judge(run: Run, name: CodeCheck, code: CtidError['code'] | undefined): void {
  if (code === undefined) run.checks.pass(name)
  else fail(run, name, code)
}

function fail(run: Run, name: CodeCheck, code: CtidError['code']): void {
  run.checks.fail(name, new CtidError(code))
}

/** As {@link verifyCode}, for callers that want only accepted codes. Throws with the code of the verdict. */
export async function assertCode(text: string, context: VerifyContext): Promise<Attested> {
  const { attested: accepted, code } = await verifyCode(text, context)
  if (!accepted) throw new CtidError(code ?? 'ERR_VERIFIER_INCOMPLETE')
  return accepted
}

/** A new challenge of 12 bytes: with it a dynamic code still fits version 12. Show it, and expect it once. */
export function newChallenge(random: (length: number) => Uint8Array): Uint8Array {
  return random(12)
}
