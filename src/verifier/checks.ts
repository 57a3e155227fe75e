// The checks of a code, in their fixed order, and the verdict that lists every one of them.
import { type ErrorCode, type JsonObject, toHex } from '../base/index.ts'
import type { Assurance, CodeForm, HealthClaim, Kind } from '../qr/index.ts'
import type { Check } from '../trust/index.ts'

/** Every check of {@link verifyCode}, in the order in which a verdict lists them. SPEC section 12.2 defines each. */
export const CODE_CHECKS = [
  'form',
  'structure',
  'issuer',
  'issuer-signature',
  'validity',
  'age',
  'holder-signature',
  'time-step',
  'challenge',
  'audience',
  'status-list',
  'status',
  'assurance',
  'kind',
  'health',
  'replay',
] as const
export type CodeCheck = (typeof CODE_CHECKS)[number]

/** Checks that no policy can switch off, by form. */
export const MANDATORY_CHECKS: Readonly<Record<'dynamic' | 'paper', readonly CodeCheck[]>> = {
  dynamic: [
    'form',
    'structure',
    'issuer',
    'issuer-signature',
    'validity',
    'holder-signature',
    'time-step',
    'assurance',
    'kind',
    'replay',
  ],
  paper: ['form', 'structure', 'issuer', 'issuer-signature', 'validity', 'assurance', 'kind'],
}

/** What an accepted code says. Nothing in it names a person. */
export type Attested = {
  readonly issuer: { readonly id: string; readonly name?: { readonly en: string; readonly zh: string } }
  /** The one-time handle, base64url; another code of the same person has another one. */
  readonly handle: string
  readonly kind: Kind
  readonly assurance: Assurance
  /** Unix seconds. */
  readonly expiresAt: number
  readonly health?: HealthClaim
}

/**
 * The outcome of a verification. `ok` only if no check failed and every mandatory and required one passed:
 * a check that was not executed counts as not passed.
 */
export type Verdict<Name extends string = CodeCheck> = {
  readonly ok: boolean
  readonly form: CodeForm | undefined
  readonly checks: readonly Check<Name>[]
  /** Why it was refused: code of the first failed check, or `ERR_VERIFIER_INCOMPLETE`. */
  readonly code?: ErrorCode
  /** Only when `ok`. */
  readonly attested?: Attested
}

/** A verdict as JSON, wherever it is told to others: the rule set's hash is the only member that is bytes. */
export function verdictToJson(verdict: Verdict): JsonObject {
  const { form, attested, ...rest } = verdict
  return {
    ...rest,
    ...(form === undefined ? {} : { form }),
    ...(attested === undefined ? {} : { attested: attestedToJson(attested) }),
  }
}

function attestedToJson({ health, ...rest }: Attested): JsonObject {
  return health ? { ...rest, health: { ...health, ruleSet: toHex(health.ruleSet) } } : rest
}

/**
 * Whether a list of checks amounts to acceptance. Kept apart from any verification so that it can be tested for
 * every combination: passes exactly when nothing failed and all of `required` passed.
 */
export function isAccepted<Name extends string>(
  checks: readonly Check<Name>[],
  required: readonly Name[],
): boolean {
  const passed = new Set<Name>()
  for (const { name, result } of checks) {
    if (result === 'passed') passed.add(name)
    else if (result !== 'not-executed') return false
  }
  return required.every((name) => passed.has(name))
}
