// The anomaly report: many people restricted for one reason by one source within hours, who share nothing else.
// An outbreak has a place, a vehicle, a household in common. An order has only the order.
import { DAY, HOUR } from '../base/index.ts'
import type { Evidence } from './evidence.ts'

export type AnomalyOptions = {
  /** Smallest burst that is looked at. Default 20 people. */
  readonly minPeople?: number
  /** Length of a burst. Default 6 hours. */
  readonly windowSeconds?: number
  /** How far back other facts count as shared. Default 21 days. */
  readonly lookBackSeconds?: number
  /** Part of the people who must share a fact for the burst to have an explanation. Default 0.5. */
  readonly minShare?: number
}

export type Anomaly = {
  readonly source: string
  /** Class and member, for example `contact:close`. */
  readonly reason: string
  readonly from: number
  readonly to: number
  readonly people: number
  /** Largest part of them that shares one fact from another source; 0 when nobody shares anything. */
  readonly share: number
  /** The fact most of them share, for example `stay:330106`; empty when there is none. */
  readonly sharedFact: string
}

/** Auditor: bursts without an explanation, largest first. Works on opened evidence; order does not matter. */
export function findAnomalies(
  evidence: readonly Evidence[],
  options: AnomalyOptions = {},
): readonly Anomaly[] {
  const { minPeople = 20, windowSeconds = 6 * HOUR, lookBackSeconds = 21 * DAY, minShare = 0.5 } = options
  const groups = new Map<string, Evidence[]>()
  for (const one of evidence) {
    const reason = restrictiveReason(one)
    if (reason === undefined) continue
    const key = `${one.source}\n${reason}`
    const group = groups.get(key)
    if (group) group.push(one)
    else groups.set(key, [one])
  }
  const bySubject = new Map<string, Evidence[]>()
  for (const one of evidence) bySubject.set(one.subject, [...(bySubject.get(one.subject) ?? []), one])
  const anomalies: Anomaly[] = []
  for (const [key, group] of groups) {
    const [source = '', reason = ''] = key.split('\n')
    for (const burst of bursts(group, windowSeconds)) {
      const people = new Set(burst.map(({ subject }) => subject))
      if (people.size < minPeople) continue
      const from = (burst[0] as Evidence).issuedAt
      const { count, fact } = mostSharedFact(people, bySubject, source, from - lookBackSeconds, from)
      const share = count / people.size
      if (share >= minShare) continue
      anomalies.push({
        source,
        reason,
        from,
        to: (burst.at(-1) as Evidence).issuedAt,
        people: people.size,
        share,
        sharedFact: fact,
      })
    }
  }
  return anomalies.sort((a, b) => b.people - a.people || (a.source < b.source ? -1 : 1))
}

function restrictiveReason(one: Evidence): string | undefined {
  switch (one.class) {
    case 'contact':
      return `contact:${one.data.kind}`
    case 'stay':
      return one.data.risk === 'low' ? undefined : `stay:${one.data.risk}`
    case 'travel':
      return one.data.from === 'abroad' ? 'travel:abroad' : undefined
    case 'case':
      return one.data.state === 'excluded' || one.data.state === 'discharged'
        ? undefined
        : `case:${one.data.state}`
    case 'test':
      return one.data.result === 'positive' ? 'test:positive' : undefined
    case 'transfer':
      return one.data.state === 'raised' ? 'transfer:raised' : undefined
    case 'manual':
      return `manual:${one.data.reason}`
    case 'screening':
      return 'screening'
    default:
      return undefined
  }
}

// Greedy windows over the time of signing: what was signed together, whenever it claims to have happened.
function bursts(group: readonly Evidence[], windowSeconds: number): readonly Evidence[][] {
  const sorted = [...group].sort((a, b) => a.issuedAt - b.issuedAt)
  const out: Evidence[][] = []
  let current: Evidence[] = []
  for (const one of sorted) {
    if (current[0] && one.issuedAt - current[0].issuedAt > windowSeconds) {
      out.push(current)
      current = []
    }
    current.push(one)
  }
  if (current.length > 0) out.push(current)
  return out
}

function mostSharedFact(
  people: ReadonlySet<string>,
  bySubject: ReadonlyMap<string, readonly Evidence[]>,
  source: string,
  from: number,
  to: number,
): { readonly count: number; readonly fact: string } {
  const counts = new Map<string, number>()
  for (const subject of people) {
    const others = (bySubject.get(subject) ?? []).filter(
      (one) => one.source !== source && one.at >= from && one.at <= to,
    )
    for (const fact of new Set(others.flatMap(placesOf))) counts.set(fact, (counts.get(fact) ?? 0) + 1)
  }
  let count = 0
  let fact = ''
  // One person cannot share a fact with themself.
  for (const [name, number] of counts)
    if (number > Math.max(1, count) || (number === count && name < fact)) {
      count = number
      fact = name
    }
  return { count, fact }
}

function placesOf(one: Evidence): readonly string[] {
  if (one.class === 'stay' || one.class === 'residence' || one.class === 'trip' || one.class === 'screening')
    return [`${one.class}:${one.data.area}`]
  if (one.class === 'travel') return [`travel:${one.region}`]
  if (one.class === 'contact') return [`contact:${one.region}`]
  return []
}
