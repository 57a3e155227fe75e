// A verifier's policy as data: what it accepts and what it must see checked.
import { CtidError } from '../base/index.ts'
import type { Assurance, HealthOutcome, Kind } from '../qr/index.ts'
import { type LogRequirement, logPolicyOf } from '../transparency/index.ts'
import type { Purpose } from '../trust/index.ts'
import { CODE_CHECKS, type CodeCheck, MANDATORY_CHECKS } from './checks.ts'

export type FormPolicy = {
  readonly minAssurance: Assurance
  /** Checks that must pass besides the mandatory ones. */
  readonly required: readonly CodeCheck[]
}

export type VerifierPolicy = {
  /** Who asks, as it names itself; the audience of codes made for it. */
  readonly name: string
  /** What for: an entry of the catalogue that the linter compares with. */
  readonly useCase: string
  /** Purpose for which the issuer must be recognised. */
  readonly purpose: Purpose
  /** Region of the verifier; when given, the issuer must be recognised in it. */
  readonly region?: string
  /** Accepted forms; an online token brings one of these two. */
  readonly accept: { readonly dynamic?: FormPolicy; readonly paper?: FormPolicy }
  readonly kinds: readonly Kind[]
  /** Accepted health outcomes, when the verifier asks for health. */
  readonly healthOutcomes?: readonly HealthOutcome[]
  /** Claims asked from a credential. */
  readonly claims?: readonly string[]
  /**
   * The log in which a presented credential must have been logged before it was issued: its claim `log_receipt` is checked,
   * offline. For presentations only; a code has no room for a receipt.
   */
  readonly log?: LogRequirement
  /** Oldest accepted attestation in seconds since it was issued. */
  readonly maxAgeSeconds?: number
  /** Oldest accepted status list. Default 24 hours. */
  readonly maxStatusAgeSeconds?: number
  /** How far clocks may differ. Default 15. */
  readonly skewSeconds?: number
  /** Must equal the wallets'. Default 30. */
  readonly stepSeconds?: number
  /** What a person can do who shows nothing digital: where to go, what to bring. */
  readonly alternative: { readonly en: string; readonly zh: string }
}

/** What a form must have passed under a policy: mandatory and required checks, in listing order. */
export function requiredChecks(policy: VerifierPolicy, form: 'dynamic' | 'paper'): readonly CodeCheck[] {
  const wanted = new Set([...MANDATORY_CHECKS[form], ...(policy.accept[form]?.required ?? [])])
  return CODE_CHECKS.filter((name) => wanted.has(name))
}

const MAX_SKEW = 300
// A gate has one policy and many scans.
const checked = new WeakSet<VerifierPolicy>()

/**
 * Refuses a policy that cannot be meant: no form, unknown checks, numbers out of range. Remembers what it accepted.
 *
 * @throws {CtidError} `ERR_VERIFIER_POLICY`
 */
export function requirePolicy(policy: VerifierPolicy): void {
  if (checked.has(policy)) return
  const { dynamic, paper } = policy.accept
  const fail = (detail: string): never => {
    throw new CtidError('ERR_VERIFIER_POLICY', { detail })
  }
  if (!dynamic && !paper) fail('accepts no form')
  if (policy.kinds.length === 0) fail('accepts no kind')
  for (const form of [dynamic, paper]) {
    if (form?.required.some((name) => !CODE_CHECKS.includes(name))) fail('requires an unknown check')
  }
  if (policy.log) requireLog(policy.log)
  inRange(policy.skewSeconds, 0, MAX_SKEW)
  inRange(policy.stepSeconds, 5, MAX_SKEW)
  inRange(policy.maxAgeSeconds, 1, 1e9)
  inRange(policy.maxStatusAgeSeconds, 1, 1e9)
  checked.add(policy)
}

/**
 * Refuses a policy that cannot be kept where codes are checked: better no verdict than one that leaves out what it demands.
 *
 * @throws {CtidError} `ERR_VERIFIER_POLICY`
 */
export function requireCodePolicy(policy: VerifierPolicy): void {
  requirePolicy(policy)
  if (policy.log) throw new CtidError('ERR_VERIFIER_POLICY', { detail: 'a code carries no log receipt' })
}

/**
 * Refuses a log requirement that cannot be meant.
 *
 * @throws {CtidError} `ERR_VERIFIER_POLICY`
 */
export function requireLog(log: LogRequirement): void {
  try {
    logPolicyOf(log)
  } catch {
    throw new CtidError('ERR_VERIFIER_POLICY', { detail: 'a log whose keys or threshold cannot be meant' })
  }
  inRange(log.maxAgeSeconds, 1, 1e9)
}

// Units are part of the check: 30,000 "seconds" are milliseconds.
function inRange(value: number | undefined, min: number, max: number): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= min && value <= max)) {
    throw new CtidError('ERR_VERIFIER_POLICY', { detail: 'a number of seconds out of range' })
  }
}
