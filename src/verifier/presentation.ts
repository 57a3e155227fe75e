// A credential presentation under a verifier's policy: the checks of the credential room, and the same verdict.
import { type Clock, CtidError, isCtidError, type JsonObject } from '../base/index.ts'
import {
  CREDENTIAL_CHECKS,
  type CredentialCheckName,
  type CredentialPolicy,
  verifyCredential,
} from '../credential/index.ts'
import { fetchOnline, parseCode, type Relay } from '../qr/index.ts'
import { receiptCheck } from '../transparency/index.ts'
import type { Check } from '../trust/index.ts'
import { isAccepted, type Verdict } from './checks.ts'
import { requirePolicy, type VerifierPolicy } from './policy.ts'
import type { ReplayCache } from './ports.ts'

/** The checks of a presentation: those of the credential, and that its nonce was not used before. */
export const PRESENTATION_CHECKS = [...CREDENTIAL_CHECKS, 'replay'] as const
export type PresentationCheck = CredentialCheckName | 'replay'

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

/** Key bindings count from 300 seconds before to 300 seconds after they were made, both included. */
const NONCE_SECONDS = 601

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
    ...(policy.log ? { checkReceipt: receiptCheck(policy.log, context.clock) } : {}),
  })
  const required = CREDENTIAL_CHECKS.filter((name) => {
    if (name === 'status') return policy.accept.dynamic?.required.includes('status')
    return name !== 'log-receipt' || policy.log !== undefined
  })
  const sound = report.ok && isAccepted(report.checks, required) ? report.credential : undefined
  const last = await checkNonce(sound !== undefined, replay, expectedNonce, now)
  const checks: readonly Check<PresentationCheck>[] = [...report.checks, last]
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

async function checkNonce(
  isRight: boolean,
  replay: ReplayCache,
  nonce: string,
  now: number,
): Promise<Check<PresentationCheck>> {
  if (!isRight) return { name: 'replay', result: 'not-executed' }
  try {
    if (await replay.consume(`nonce.${nonce}`, now + NONCE_SECONDS))
      return { name: 'replay', result: 'passed' }
    return { name: 'replay', result: 'failed', code: 'ERR_VERIFIER_REPLAYED' }
  } catch (error) {
    // A memory that is full, or cannot be reached: no verdict without it, as for a code.
    if (!isCtidError(error)) throw error
    return { name: 'replay', result: 'failed', code: error.code }
  }
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
