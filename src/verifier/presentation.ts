// A credential presentation under a verifier's policy: the checks of the credential room, and the same verdict.
import { type Clock, CtidError, isCtidError, type JsonObject } from '../base/index.ts'
import {
  CREDENTIAL_CHECKS,
  type CredentialCheckName,
  type CredentialPolicy,
  type VerifiedCredential,
  verifyCredential,
} from '../credential/index.ts'
import { jwkThumbprint } from '../crypto/index.ts'
import { fetchOnline, parseCode, type Relay } from '../qr/index.ts'
import { logPolicyOf, verifyCopyReceipt } from '../transparency/index.ts'
import type { Check } from '../trust/index.ts'
import { isAccepted, type Verdict } from './checks.ts'
import { requirePolicy, type VerifierPolicy } from './policy.ts'
import type { ReplayCache } from './ports.ts'

/** The checks of a presentation: those of the credential, that it was logged, and that its nonce was not used before. */
export const PRESENTATION_CHECKS = [...CREDENTIAL_CHECKS, 'log-receipt', 'replay'] as const
export type PresentationCheck = CredentialCheckName | 'log-receipt' | 'replay'

export type PresentationContext = Pick<
  CredentialPolicy,
  'resolveIssuer' | 'checkStatus' | 'expectedTypes'
> & {
  readonly policy: VerifierPolicy
  /** The nonce that this verifier gave out for this presentation. */
  readonly expectedNonce: string
  readonly replay: ReplayCache
  readonly clock: Clock
}

export type PresentationVerdict = Verdict<PresentationCheck> & {
  /** Of the disclosed claims those that the policy asks for; others are dropped unread. Only when `ok`. */
  readonly claims?: JsonObject
}

const NONCE_SECONDS = 600
const WITHOUT_STATUS: readonly PresentationCheck[] = CREDENTIAL_CHECKS.filter((name) => name !== 'status')

/**
 * Verifier: checks an SD-JWT VC presentation with key binding for this verifier and nonce. All checks are required;
 * `status` as far as the policy requires it for dynamic codes, `log-receipt` when the policy names a log.
 *
 * @throws {CtidError} `ERR_VERIFIER_POLICY`
 */
export async function verifyPresentation(
  text: string,
  context: PresentationContext,
): Promise<PresentationVerdict> {
  const { policy, replay, expectedNonce, resolveIssuer, checkStatus, expectedTypes } = context
  requirePolicy(policy)
  const now = context.clock()
  const report = await verifyCredential(text, {
    now,
    resolveIssuer,
    expectedTypes,
    keyBinding: { expectedAudience: policy.name, expectedNonce },
    ...(policy.skewSeconds === undefined ? {} : { skewSeconds: policy.skewSeconds }),
    ...(checkStatus ? { checkStatus } : {}),
  })
  const required: readonly PresentationCheck[] = policy.accept.dynamic?.required.includes('status')
    ? CREDENTIAL_CHECKS
    : WITHOUT_STATUS
  const sound =
    report.ok && isAccepted<PresentationCheck>(report.checks, required) ? report.credential : undefined
  const logged: Check<PresentationCheck> =
    sound && policy.log
      ? await checkReceipt(sound, policy.log, context.clock)
      : { name: 'log-receipt', result: 'not-executed' }
  const isRight = sound !== undefined && (!policy.log || logged.result === 'passed')
  const last = await checkNonce(isRight, replay, expectedNonce, now)
  const checks: readonly Check<PresentationCheck>[] = [...report.checks, logged, last]
  if (sound && last.result === 'passed') {
    const asked = new Set(policy.claims ?? [])
    const { claims } = sound
    return {
      ok: true,
      form: undefined,
      checks,
      claims: Object.fromEntries(Object.entries(claims).filter(([name]) => asked.has(name))),
    }
  }
  const code = checks.find(({ result }) => result === 'failed')?.code ?? 'ERR_VERIFIER_INCOMPLETE'
  return { ok: false, form: undefined, checks, code }
}

async function checkReceipt(
  { claims, holderKey }: VerifiedCredential,
  log: NonNullable<VerifierPolicy['log']>,
  clock: Clock,
): Promise<Check<PresentationCheck>> {
  try {
    const thumbprint = holderKey === undefined ? '' : jwkThumbprint(holderKey)
    await verifyCopyReceipt(claims['log_receipt'], thumbprint, logPolicyOf(log), clock)
    return { name: 'log-receipt', result: 'passed' }
  } catch (error) {
    if (!isCtidError(error)) throw error
    return { name: 'log-receipt', result: 'failed', code: error.code }
  }
}

async function checkNonce(
  isRight: boolean,
  replay: ReplayCache,
  nonce: string,
  now: number,
): Promise<Check<PresentationCheck>> {
  if (!isRight) return { name: 'replay', result: 'not-executed' }
  const isFirst = await replay.consume(`nonce.${nonce}`, now + NONCE_SECONDS)
  return isFirst
    ? { name: 'replay', result: 'passed' }
    : { name: 'replay', result: 'failed', code: 'ERR_VERIFIER_REPLAYED' }
}

/**
 * Verifier: what an online token stands for, fetched from the relay; any other text is returned as it is.
 *
 * @throws {CtidError} `ERR_QR_*`, `ERR_CRYPTO_DECRYPT`
 */
export async function resolveOnline(text: string, relay: Relay): Promise<string> {
  const code = text.startsWith('CTO') ? parseCode(text) : undefined
  if (code?.form !== 'online') return text
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await fetchOnline(code.secret, relay))
  } catch (error) {
    throw error instanceof TypeError ? new CtidError('ERR_QR_ONLINE') : error
  }
}
