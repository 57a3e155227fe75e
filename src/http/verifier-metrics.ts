// What a verification service counts, as Prometheus text (exposition format 0.0.4). Outcomes and times, nobody and nothing
// that was shown.
import type { ErrorCode } from '../base/index.ts'
import type { Verdict } from '../verifier/index.ts'

/** Counts of one process; sums of several mean the same for all of them. Survives JSON. */
export type VerifierCounts = {
  /** By `accepted` or the code of the refusal. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Verifications by duration: one more entry than {@link BUCKETS}, the last for all above. */
  readonly buckets: readonly number[]
  readonly seconds: number
  /** Requests refused because the service was behind. */
  readonly shed: number
  readonly inFlight: number
  readonly processes: number
}

/** Upper bounds in seconds. */
export const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const

export type VerifierMetrics = {
  verified(verdict: Pick<Verdict, 'ok' | 'code'>, seconds: number): void
  shed(): void
  counts(inFlight: number): VerifierCounts
}

/** Metrics of one process, from zero. */
export function createVerifierMetrics(): VerifierMetrics {
  const outcomes = new Map<'accepted' | ErrorCode, number>()
  const buckets = new Array<number>(BUCKETS.length + 1).fill(0)
  let total = 0
  let shed = 0
  return {
    verified({ ok, code }, seconds) {
      const outcome = ok ? 'accepted' : (code ?? 'ERR_VERIFIER_INCOMPLETE')
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      const found = BUCKETS.findIndex((bound) => seconds <= bound)
      const place = found < 0 ? BUCKETS.length : found
      buckets[place] = (buckets[place] ?? 0) + 1
      total += seconds
    },
    shed() {
      shed++
    },
    counts: (inFlight) => ({
      outcomes: Object.fromEntries(outcomes),
      buckets: [...buckets],
      seconds: total,
      shed,
      inFlight,
      processes: 1,
    }),
  }
}

/** The counts of several processes together. */
export function sumCounts(all: readonly VerifierCounts[]): VerifierCounts {
  const outcomes: Record<string, number> = {}
  for (const one of all) {
    for (const [name, count] of Object.entries(one.outcomes)) outcomes[name] = (outcomes[name] ?? 0) + count
  }
  const sum = (of: (one: VerifierCounts) => number) => all.reduce((whole, one) => whole + of(one), 0)
  return {
    outcomes,
    buckets: Array.from({ length: BUCKETS.length + 1 }, (_, i) => sum((one) => one.buckets[i] ?? 0)),
    seconds: sum((one) => one.seconds),
    shed: sum((one) => one.shed),
    inFlight: sum((one) => one.inFlight),
    processes: sum((one) => one.processes),
  }
}

/** Prometheus text. */
export function formatVerifierMetrics(counts: VerifierCounts): string {
  let below = 0
  const buckets = [...BUCKETS.map(String), '+Inf'].map((bound, i) => {
    below += counts.buckets[i] ?? 0
    return `ctid_verification_seconds_bucket{le="${bound}"} ${below}`
  })
  return [
    '# HELP ctid_verifications_total Codes verified, by outcome.',
    '# TYPE ctid_verifications_total counter',
    ...Object.entries(counts.outcomes)
      .sort()
      .map(([outcome, count]) => `ctid_verifications_total{outcome="${outcome}"} ${count}`),
    '# HELP ctid_verification_seconds Time to verify a code.',
    '# TYPE ctid_verification_seconds histogram',
    ...buckets,
    `ctid_verification_seconds_sum ${counts.seconds}`,
    `ctid_verification_seconds_count ${below}`,
    '# HELP ctid_requests_shed_total Requests refused because the service was behind.',
    '# TYPE ctid_requests_shed_total counter',
    `ctid_requests_shed_total ${counts.shed}`,
    '# HELP ctid_requests_in_flight Requests under way.',
    '# TYPE ctid_requests_in_flight gauge',
    `ctid_requests_in_flight ${counts.inFlight}`,
    '# HELP ctid_worker_processes Processes that verify.',
    '# TYPE ctid_worker_processes gauge',
    `ctid_worker_processes ${counts.processes}`,
    '',
  ].join('\n')
}
