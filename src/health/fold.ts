// From a person's evidence to the facts of this instant. Order does not matter: each fact is the latest of its kind.
import { HOUR, isoTime } from '../base/index.ts'
import type { Evidence } from './evidence.ts'
import {
  CLOCK_PATH,
  emptyFacts,
  emptyGroup,
  type FactGroup,
  type FactPath,
  type FactRecord,
} from './facts.ts'
import type { Acceptance, RuleSet } from './rule-set.ts'

/** Facts, where each came from, and until when they stand without new evidence. */
export type Folded = {
  readonly facts: FactRecord
  /** The evidence each fact rests on. */
  readonly origins: ReadonlyMap<string, Evidence>
  /** Evidence set aside: coarser than the rule set accepts, of a class it does not use, or excluded by a decision. */
  readonly setAside: readonly {
    readonly evidence: Evidence
    readonly why: 'precision' | 'class' | 'decision'
  }[]
  /** Next instant (Unix seconds) at which a piece of evidence begins or ceases to count. */
  readonly nextChangeAt: number
}

/** Folds verified evidence of one person at `now` (Unix seconds). Pure, total, independent of order and repetition. */
export function foldEvidence(
  evidence: readonly Evidence[],
  ruleSet: Pick<RuleSet, 'accepts'>,
  now: number,
): Folded {
  const distinct = [...new Map(evidence.map((one) => [one.commitment, one])).values()]
  const live = distinct.filter(({ issuedAt, expiresAt }) => issuedAt <= now && now < expiresAt)
  const excluded = new Set(latestDecisions(live).flatMap(excludedBy))
  const setAside: Folded['setAside'][number][] = []
  const origins = new Map<string, Evidence>()
  const negatives: Evidence[] = []
  for (const one of live) {
    const why = excluded.has(one.commitment) ? 'decision' : unfit(one, ruleSet.accepts)
    if (why) {
      setAside.push({ evidence: one, why })
      continue
    }
    for (const path of pathsOf(one)) keepLatest(origins, path, one)
    if (pathsOf(one).includes('test.negativeAt')) negatives.push(one)
  }
  const latestNegative = origins.get('test.negativeAt')
  if (latestNegative)
    for (const one of negatives)
      if (one.at <= latestNegative.at - 24 * HOUR) keepLatest(origins, 'test.earlierNegativeAt', one)
  return {
    facts: toRecord(origins, now),
    origins,
    setAside: setAside.sort(byCommitment),
    nextChangeAt: nextChange(distinct, now),
  }
}

function byCommitment(a: { evidence: Evidence }, b: { evidence: Evidence }): number {
  return a.evidence.commitment < b.evidence.commitment ? -1 : 1
}

// Of several decisions in one appeal the latest counts: a dismissal ends the relief that was given before.
function latestDecisions(live: readonly Evidence[]): readonly Evidence[] {
  const latest = new Map<string, Evidence>()
  for (const one of live) {
    if (one.class !== 'decision') continue
    const known = latest.get(one.data.appeal)
    const isLater = !known || one.at > known.at || (one.at === known.at && one.commitment < known.commitment)
    if (isLater) latest.set(one.data.appeal, one)
  }
  return [...latest.values()]
}

function excludedBy(one: Evidence): readonly string[] {
  return one.class === 'decision' && one.data.outcome !== 'dismissed' ? one.data.excludes : []
}

function unfit(one: Evidence, accepts: readonly Acceptance[]): 'precision' | 'class' | undefined {
  // Decisions bind every rule set: no region can opt out of appeals.
  if (one.class === 'decision') return undefined
  const acceptance = accepts.find((candidate) => candidate.class === one.class)
  if (!acceptance) return 'class'
  const { maxPrecisionSeconds = Number.POSITIVE_INFINITY, maxPrecisionMetres } = acceptance
  if (one.precision.seconds > maxPrecisionSeconds) return 'precision'
  if (
    maxPrecisionMetres !== undefined &&
    (one.precision.metres ?? Number.POSITIVE_INFINITY) > maxPrecisionMetres
  )
    return 'precision'
  return undefined
}

// Latest finding wins; of two at one instant the smaller commitment, so that the choice never depends on order.
function keepLatest(origins: Map<string, Evidence>, path: FactPath, one: Evidence): void {
  const known = origins.get(path)
  if (!known || one.at > known.at || (one.at === known.at && one.commitment < known.commitment))
    origins.set(path, one)
}

function pathsOf(one: Evidence): readonly FactPath[] {
  switch (one.class) {
    case 'test':
      if (one.data.result === 'positive') return ['test.positiveAt', 'test.takenAt']
      return one.data.kind === 'naat'
        ? ['test.negativeAt', 'test.reviewedAt', 'test.takenAt']
        : ['test.negativeAt', 'test.takenAt']
    case 'vaccination':
      return ['vaccination.givenAt', 'vaccination.doses']
    case 'recovery':
      return ['recovery.positiveAt']
    case 'case':
      return [CASE_PATH[one.data.state]]
    case 'symptom':
      // Declaring symptoms is no declaration of health: it must never open the way to green.
      return [SYMPTOM_PATH[one.data.state]]
    case 'contact':
      return [`contact.${one.data.kind}At`]
    case 'stay':
      return one.data.risk === 'low' ? [] : [`stay.${one.data.risk}At`]
    case 'travel':
      return one.data.from === 'abroad' ? ['travel.abroadAt'] : []
    case 'residence':
      return ['residence.declaredAt']
    case 'trip':
      return ['declaration.tripAt']
    case 'screening':
      return ['screening.calledAt']
    case 'duty':
      return ['duty.endedAt']
    case 'transfer':
      return [one.data.state === 'raised' ? 'transfer.raisedAt' : 'transfer.revokedAt']
    case 'manual':
      return MANUAL_PATHS[one.data.reason]
    case 'decision':
      return []
  }
}

const CASE_PATH = {
  confirmed: 'case.confirmedAt',
  asymptomatic: 'case.confirmedAt',
  suspected: 'case.suspectedAt',
  excluded: 'case.excludedAt',
  discharged: 'case.dischargedAt',
} as const satisfies Record<string, FactPath>

const SYMPTOM_PATH = {
  none: 'declaration.madeAt',
  present: 'symptom.presentAt',
  excluded: 'symptom.excludedAt',
} as const satisfies Record<string, FactPath>

const MANUAL_PATHS = {
  'discharge-on-paper': ['case.dischargedAt'],
  'exclusion-on-paper': ['case.excludedAt', 'symptom.excludedAt'],
  'negative-test-on-paper': ['test.negativeAt', 'test.takenAt'],
  'case-notice-by-telephone': ['manual.noticeAt'],
  'contact-notice-by-telephone': ['manual.noticeAt'],
} as const satisfies Record<string, readonly FactPath[]>

function toRecord(origins: ReadonlyMap<string, Evidence>, now: number): FactRecord {
  const record = emptyFacts(isoTime(now)) as unknown as Record<string, unknown>
  for (const [path, one] of origins) {
    const [group, member] = path.split('.') as [string, string]
    const members = (record[group] ?? emptyGroup(group as FactGroup)) as Record<string, unknown>
    record[group] = {
      ...members,
      [member]: path === 'vaccination.doses' ? (one.data as { dose: number }).dose : isoTime(one.at),
    }
  }
  record[CLOCK_PATH] = isoTime(now)
  return record as unknown as FactRecord
}

function nextChange(evidence: readonly Evidence[], now: number): number {
  let next = Number.POSITIVE_INFINITY
  for (const { issuedAt, expiresAt } of evidence)
    for (const instant of [issuedAt, expiresAt]) if (instant > now && instant < next) next = instant
  return next
}
