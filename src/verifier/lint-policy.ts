// The policy linter: does a verifier ask for more than its purpose needs, and can a person refuse to show anything?
import { ASSURANCE_LEVELS, type Assurance, type HealthOutcome, type Kind } from '../qr/index.ts'
import type { CodeCheck } from './checks.ts'
import type { VerifierPolicy } from './policy.ts'

/** The most that a use case needs. */
export type UseCase = {
  readonly kinds: readonly Kind[]
  readonly maxAssurance: Assurance
  readonly claims: readonly string[]
  readonly healthOutcomes: readonly HealthOutcome[]
}

/** A small catalogue for the demo and as a pattern; a regulator would publish its own. */
export const USE_CASES: Readonly<Record<string, UseCase>> = {
  entrance: { kinds: ['person'], maxAssurance: 'low', claims: [], healthOutcomes: [] },
  'health-gate': {
    kinds: ['health'],
    maxAssurance: 'substantial',
    claims: [],
    healthOutcomes: ['pass', 'green'],
  },
  'age-restricted-sale': {
    kinds: ['person'],
    maxAssurance: 'substantial',
    claims: ['age_over_18'],
    healthOutcomes: [],
  },
  'library-card': { kinds: ['person'], maxAssurance: 'substantial', claims: ['name'], healthOutcomes: [] },
  'hotel-check-in': {
    kinds: ['person'],
    maxAssurance: 'high',
    claims: ['name', 'document_number'],
    healthOutcomes: [],
  },
  'company-service': {
    kinds: ['organisation'],
    maxAssurance: 'high',
    claims: ['name', 'document_number'],
    healthOutcomes: [],
  },
}

export type PolicyFinding = {
  readonly code:
    | 'unknown-use-case'
    | 'asks-kind'
    | 'asks-assurance'
    | 'asks-claim'
    | 'asks-health'
    | 'exposes-colour'
    | 'no-alternative'
    | 'cannot-pass'
    | 'ignores-revocation'
    | 'long-replay-window'
  /** An error should stop a policy from being used; a warning asks for a reason. */
  readonly severity: 'error' | 'warning'
  readonly words: { readonly en: string; readonly zh: string }
}

// Checks that can never be executed on paper, since nobody signs there but the issuer.
const NEEDS_HOLDER: readonly CodeCheck[] = [
  'holder-signature',
  'time-step',
  'challenge',
  'audience',
  'replay',
]

/** Compares a policy with what its use case needs. No findings means that it asks for no more than that. */
export function lintPolicy(
  policy: VerifierPolicy,
  useCases: Readonly<Record<string, UseCase>> = USE_CASES,
): readonly PolicyFinding[] {
  const needs = Object.hasOwn(useCases, policy.useCase) ? useCases[policy.useCase] : undefined
  return [
    ...(needs
      ? overAsking(policy, needs)
      : [finding('unknown-use-case', 'error', 'The use case is not in the catalogue.', '用途不在目录中。')]),
    ...alternatives(policy),
    ...contradictions(policy),
  ]
}

function overAsking(policy: VerifierPolicy, needs: UseCase): PolicyFinding[] {
  const found: PolicyFinding[] = []
  if (policy.kinds.some((kind) => !needs.kinds.includes(kind))) {
    found.push(
      finding(
        'asks-kind',
        'error',
        'Accepts a kind the purpose does not need.',
        '要求了用途不需要的证明类型。',
      ),
    )
  }
  const limit = ASSURANCE_LEVELS.indexOf(needs.maxAssurance)
  const asked = [policy.accept.dynamic, policy.accept.paper].map((form) =>
    form ? ASSURANCE_LEVELS.indexOf(form.minAssurance) : 0,
  )
  if (Math.max(...asked) > limit) {
    found.push(
      finding('asks-assurance', 'error', 'Asks for more assurance than needed.', '要求的保证等级过高。'),
    )
  }
  for (const claim of policy.claims ?? []) {
    if (needs.claims.includes(claim)) continue
    found.push(
      finding(
        'asks-claim',
        'error',
        'Asks for a claim the purpose does not need.',
        '要求了用途不需要的个人信息。',
      ),
    )
  }
  const outcomes = policy.healthOutcomes ?? []
  if (outcomes.length > 0 && needs.healthOutcomes.length === 0) {
    found.push(finding('asks-health', 'error', 'Asks for health without need.', '用途不需要健康状态。'))
  }
  if (outcomes.some((outcome) => outcome === 'yellow' || outcome === 'red')) {
    found.push(
      finding(
        'exposes-colour',
        'warning',
        'Accepts colours where pass or not would do.',
        '只需判断是否通过，不应获取颜色。',
      ),
    )
  }
  return found
}

function alternatives(policy: VerifierPolicy): PolicyFinding[] {
  const { en, zh } = policy.alternative
  if (en.trim().length >= 10 && zh.trim().length >= 4) return []
  return [
    finding(
      'no-alternative',
      'error',
      'Names no way for people who show nothing digital.',
      '未说明不使用数字方式者的办理途径。',
    ),
  ]
}

function contradictions(policy: VerifierPolicy): PolicyFinding[] {
  const { dynamic, paper } = policy.accept
  const found: PolicyFinding[] = []
  const isPaperImpossible =
    paper && (paper.minAssurance !== 'low' || paper.required.some((name) => NEEDS_HOLDER.includes(name)))
  if (isPaperImpossible || (policy.healthOutcomes && !policy.kinds.includes('health'))) {
    found.push(
      finding('cannot-pass', 'error', 'Requires what no such code can show.', '要求了此类码无法满足的检查。'),
    )
  }
  if ([dynamic, paper].some((form) => form && !form.required.includes('status'))) {
    found.push(
      finding('ignores-revocation', 'warning', 'Does not require the status.', '未要求检查撤销状态。'),
    )
  }
  if ((policy.skewSeconds ?? 0) + (policy.stepSeconds ?? 30) > 60) {
    found.push(
      finding(
        'long-replay-window',
        'warning',
        'A picture of a code stays good for over a minute.',
        '截图的有效时间超过一分钟。',
      ),
    )
  }
  return found
}

function finding(
  code: PolicyFinding['code'],
  severity: PolicyFinding['severity'],
  en: string,
  zh: string,
): PolicyFinding {
  return { code, severity, words: { en, zh } }
}
