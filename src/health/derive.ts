// The derivation: evidence, rules and an instant in; a status with its reasons, its end and its way back out.
// There is no other way to a colour in this library.
import { CtidError, HOUR, isoTime } from '../base/index.ts'
import type { Evidence } from './evidence.ts'
import type { EvidenceClass } from './evidence-class.ts'
import { RESTRICTIVE } from './facts.ts'
import { type Folded, foldEvidence } from './fold.ts'
import { type Colour, type Evaluation, type Program, programOf } from './program.ts'
import { isInForce, type Remedy, type Rule, type RuleSet, type Text } from './rule-set.ts'

/** Why a status is what it is: a rule, the evidence it rests on, and its time. */
export type Reason = {
  readonly rule: string
  readonly colour: 'green' | 'yellow' | 'red'
  readonly text: Text
  /** Legal basis of the rule. */
  readonly basis: string
  readonly evidence: readonly {
    readonly class: EvidenceClass
    readonly commitment: string
    readonly source: string
  }[]
  /** Unix seconds: when the finding was made, and the latest instant to which this reason can reach. */
  readonly from: number
  readonly until: number
  /** Earliest release and what it takes; absent for green. */
  readonly release?: { readonly at: number; readonly needs: readonly Remedy[]; readonly text: Text }
}

/** What keeps a status undetermined. */
export type Gap = {
  readonly rule: string
  readonly kind: 'missing' | 'open' | 'rules-not-in-force'
  readonly text: Text
  readonly needs?: Remedy
}

export type WayBack = {
  /** Unix seconds at which the status is green if every remedy in `needs` is taken as soon as it counts; null if not foreseeable. */
  readonly greenAt: number | null
  readonly needs: readonly Remedy[]
  readonly steps: readonly { readonly at: number; readonly colour: Colour }[]
}

export type Status = {
  readonly colour: Colour
  readonly region: string
  readonly ruleSetHash: string
  /** The instant it was derived for, Unix seconds. */
  readonly at: number
  /** The status holds no longer than this without a new derivation. Always there, always after `at`. */
  readonly until: number
  readonly reasons: readonly Reason[]
  readonly gaps: readonly Gap[]
  readonly wayBack: WayBack
  /** First instant at which the same evidence may give another status: until then nothing need be derived again. */
  readonly nextChangeAt: number
  /** Commitments of all evidence that was in force, sorted. */
  readonly evidence: readonly string[]
  /** Every condition evaluated, with what it read. For the subject and for appeals. */
  readonly trace: readonly {
    readonly rule: string
    readonly result: 'true' | 'false' | 'open'
    readonly reads: readonly string[]
  }[]
}

// 9999-12-31T23:59:59Z, less the longest time that is added to it.
const LAST_SECOND = 253_402_300_799 - 30 * 24 * HOUR

/** Longest time between two derivations, even when nothing is expected to change. */
export const MAX_STATUS_SECONDS = 30 * 24 * HOUR

/**
 * Anyone: derives the status of one person at `now` (Unix seconds). Pure, deterministic, independent of the order of the
 * evidence, total: what cannot be decided is `undetermined`. The authority, the citizen's wallet and the auditor call
 * the same function. About 0.2 milliseconds, most of it the way back; colours of many people: `programOf`.
 *
 * @throws {CtidError} `ERR_HEALTH_RULE` for a rule set that never passed `parseRuleSet`, `ERR_HEALTH_TIME` for an instant
 * that is none
 */
export function derive(evidence: readonly Evidence[], ruleSet: RuleSet, now: number): Status {
  if (!Number.isSafeInteger(now) || now < 0 || now > LAST_SECOND)
    throw new CtidError('ERR_HEALTH_TIME', { detail: 'now' })
  const status = deriveWithoutWayBack(evidence, ruleSet, now)
  return { ...status, wayBack: findWayBack(evidence, ruleSet, status) }
}

function deriveWithoutWayBack(evidence: readonly Evidence[], ruleSet: RuleSet, now: number): Status {
  const program = programOf(ruleSet)
  const folded = foldEvidence(evidence, ruleSet, now)
  const commitments = [
    ...new Set(
      evidence
        .filter(({ issuedAt, expiresAt }) => issuedAt <= now && now < expiresAt)
        .map(({ commitment }) => commitment),
    ),
  ].sort()
  const shared = {
    region: ruleSet.region,
    ruleSetHash: program.hash,
    at: now,
    evidence: commitments,
    wayBack: NO_WAY_BACK,
  }
  if (!isInForce(ruleSet, now)) {
    const begins = now < ruleSet.validFrom ? ruleSet.validFrom : Number.POSITIVE_INFINITY
    const next = Math.min(begins, now + MAX_STATUS_SECONDS)
    return {
      ...shared,
      colour: 'undetermined',
      until: next,
      nextChangeAt: next,
      reasons: [],
      gaps: [NOT_IN_FORCE],
      trace: [],
    }
  }
  const evaluation = program.evaluate(folded.facts)
  const nextChangeAt = Math.min(
    evaluation.nextChangeAt,
    folded.nextChangeAt,
    ruleSet.validTo,
    now + MAX_STATUS_SECONDS,
  )
  const restrictions = evaluation.rules
    .filter(({ result }) => result === 'true')
    .map(({ rule, reads }) => restriction(rule, reads, program, folded, now, ruleSet.validTo))
  const gaps = findGaps(evaluation)
  const colour = colourOf(restrictions, gaps)
  const reasons = colour === 'green' ? greenReasons(evaluation, folded, nextChangeAt) : restrictions
  const ends = reasons.filter((reason) => reason.colour === colour).map(({ until }) => until)
  return {
    ...shared,
    colour,
    until: colour === 'red' || colour === 'yellow' ? Math.max(...ends) : nextChangeAt,
    reasons,
    gaps,
    nextChangeAt,
    trace: [...evaluation.rules, ...evaluation.requires].map(({ rule, result, reads }) => ({
      rule: rule.id,
      result,
      reads,
    })),
  }
}

const NO_WAY_BACK: WayBack = { greenAt: null, needs: [], steps: [] }
const NOT_IN_FORCE: Gap = {
  rule: '-',
  kind: 'rules-not-in-force',
  text: { en: 'The rules are not in force at this time.', zh: '此规则在该时间不生效。' },
}

function colourOf(restrictions: readonly Reason[], gaps: readonly Gap[]): Colour {
  if (restrictions.some(({ colour }) => colour === 'red')) return 'red'
  if (restrictions.length > 0) return 'yellow'
  return gaps.length > 0 ? 'undetermined' : 'green'
}

function restriction(
  rule: Rule,
  reads: readonly string[],
  program: Program,
  folded: Folded,
  now: number,
  validTo: number,
): Reason {
  const evidence = cited(reads, folded)
  // A restriction never outlives the evidence for it: the restrictive facts it read, not the tests that may release.
  const restrictive = reads
    .filter((path) => RESTRICTIVE.has(path))
    .flatMap((path) => folded.origins.get(path) ?? [])
  const life = Math.min(validTo, ...restrictive.map(({ expiresAt }) => expiresAt))
  const ruled = program.dateOf(rule, 'until', folded.facts)
  const until = ruled === null || ruled <= now ? life : Math.min(ruled, life)
  const release = program.dateOf(rule, 'release', folded.facts)
  return {
    rule: rule.id,
    colour: rule.colour,
    text: rule.text,
    basis: rule.source,
    evidence: evidence.map(({ class: name, commitment, source }) => ({ class: name, commitment, source })),
    from: Math.min(now, ...restrictive.map(({ at }) => at)),
    until,
    release: { at: Math.min(release ?? until, until), needs: rule.release.needs, text: rule.wayBack },
  }
}

function cited(reads: readonly string[], folded: Folded): readonly Evidence[] {
  const found = new Map(
    reads.flatMap((path) => folded.origins.get(path) ?? []).map((one) => [one.commitment, one]),
  )
  return [...found.values()].sort((a, b) => (a.commitment < b.commitment ? -1 : 1))
}

function greenReasons(evaluation: Evaluation, folded: Folded, until: number): readonly Reason[] {
  return evaluation.requires.map(({ rule, reads }) => {
    const evidence = cited(reads, folded)
    return {
      rule: rule.id,
      colour: 'green' as const,
      text: rule.text,
      basis: rule.source,
      evidence: evidence.map(({ class: name, commitment, source }) => ({ class: name, commitment, source })),
      from: Math.max(0, ...evidence.map(({ at }) => at)),
      until,
    }
  })
}

function findGaps(evaluation: Evaluation): readonly Gap[] {
  const open = evaluation.rules
    .filter(({ result }) => result === 'open')
    .map(({ rule }): Gap => ({ rule: rule.id, kind: 'open', text: OPEN_RULE }))
  const missing = evaluation.requires
    .filter(({ result }) => result !== 'true')
    .map(({ rule }): Gap => ({ rule: rule.id, kind: 'missing', text: rule.missing, needs: rule.needs }))
  return [...open, ...missing]
}

const OPEN_RULE: Text = {
  en: 'A rule could not be evaluated on this evidence; nobody is restricted or cleared by it.',
  zh: '一条规则无法依据现有证据判定；既不因此限制，也不因此放行。',
}

const MAX_STEPS = 64

// Plays the rules forward over the evidence of today, and takes each remedy that the person can take when it counts.
function findWayBack(evidence: readonly Evidence[], ruleSet: RuleSet, status: Status): WayBack {
  if (status.colour === 'green') return { greenAt: status.at, needs: [], steps: [] }
  const program = programOf(ruleSet)
  const needs = new Set<Remedy>()
  const steps: { at: number; colour: Colour }[] = []
  for (let at = status.at, i = 0; i < MAX_STEPS && isInForce(ruleSet, at); i++) {
    const folded = foldEvidence(evidence, ruleSet, at)
    const before = program.evaluate(folded.facts)
    for (const { rule, result } of before.rules)
      if (result === 'true') for (const need of rule.release.needs) needs.add(need)
    for (const { rule, result } of before.requires) if (result !== 'true') needs.add(rule.needs)
    const remedied = { ...folded, facts: withRemedies(folded, needs, at, status.at) }
    const after = program.evaluate(remedied.facts)
    const colour = program.colour(remedied.facts)
    if (colour !== steps.at(-1)?.colour) steps.push({ at, colour })
    if (colour === 'green') return { greenAt: at, needs: [...needs], steps }
    const next = Math.min(
      before.nextChangeAt,
      after.nextChangeAt,
      folded.nextChangeAt,
      needs.has('two-negative-tests') ? secondTestAt(folded, at, status.at) : Number.POSITIVE_INFINITY,
    )
    if (!Number.isFinite(next)) break
    at = next
  }
  return { greenAt: null, needs: [...needs], steps }
}

// When a test becomes the second of two a day apart: the first is taken at once, or was taken before.
function secondTestAt({ origins }: Folded, at: number, start: number): number {
  const firsts = [start, origins.get('test.negativeAt')?.at ?? start]
  return Math.min(...firsts.map((first) => first + 24 * HOUR).filter((second) => second > at))
}

function withRemedies(
  folded: Folded,
  needs: ReadonlySet<Remedy>,
  at: number,
  start: number,
): Folded['facts'] {
  const { facts } = folded
  const tests = needs.has('negative-test') || needs.has('two-negative-tests') || needs.has('review-test')
  const now = isoTime(at)
  return {
    ...facts,
    ...(tests && {
      test: {
        positiveAt: facts.test?.positiveAt ?? null,
        negativeAt: now,
        earlierNegativeAt: firstTestAt(folded, at, start),
        reviewedAt: now,
        takenAt: now,
      },
    }),
    ...(needs.has('declaration') && { declaration: { tripAt: null, ...facts.declaration, madeAt: now } }),
  }
}

// The latest test that lies a day back: the first one of this plan, or one that was taken before.
function firstTestAt({ facts, origins }: Folded, at: number, start: number): string | number | null {
  const dayBefore = at - 24 * HOUR
  if (dayBefore >= start) return isoTime(dayBefore)
  const latest = origins.get('test.negativeAt')?.at ?? Number.POSITIVE_INFINITY
  return latest <= dayBefore ? isoTime(latest) : (facts.test?.earlierNegativeAt ?? null)
}
