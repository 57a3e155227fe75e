// The facts a rule may read: a closed schema, so that a rule set cannot ask for anything it did not publish.
import { Frame, Layout } from './certlogic/layout.ts'

// Every fact by group. Names ending in `At` are date-times as text, the others counts.
const SCHEMA = {
  case: ['confirmedAt', 'dischargedAt', 'suspectedAt', 'excludedAt'],
  test: ['positiveAt', 'negativeAt', 'earlierNegativeAt', 'reviewedAt', 'takenAt'],
  contact: ['closeAt', 'secondaryAt', 'companionAt', 'vehicleAt'],
  travel: ['abroadAt'],
  stay: ['highAt', 'mediumAt'],
  symptom: ['presentAt', 'excludedAt'],
  declaration: ['madeAt', 'tripAt'],
  screening: ['calledAt'],
  duty: ['endedAt'],
  transfer: ['raisedAt', 'revokedAt'],
  vaccination: ['givenAt', 'doses'],
  recovery: ['positiveAt'],
  residence: ['declaredAt'],
  manual: ['noticeAt'],
} as const

type Schema = typeof SCHEMA
export type FactGroup = keyof Schema
type Members<G extends FactGroup> = { readonly [F in Schema[G][number]]: string | number | null }

/** What is known of one person at one instant. A group of which nothing is known is null. */
export type FactRecord = { readonly now: string } & { readonly [G in FactGroup]: Members<G> | null }

/** `group.member`, as rules name it. */
export type FactPath = { [G in FactGroup]: `${G}.${Schema[G][number]}` }[FactGroup]

/** Path of the evaluation instant. */
export const CLOCK_PATH = 'now'

const GROUPS = Object.keys(SCHEMA) as FactGroup[]

/** All fact paths, without the clock. */
export const FACT_PATHS: readonly FactPath[] = GROUPS.flatMap((group) =>
  SCHEMA[group].map((member) => `${group}.${member}` as FactPath),
)

/** Facts that may restrict somebody. A yellow or red rule counts only if it read one of these, with its evidence. */
export const RESTRICTIVE: ReadonlySet<string> = new Set<FactPath>([
  'case.confirmedAt',
  'case.dischargedAt',
  'case.suspectedAt',
  'test.positiveAt',
  'contact.closeAt',
  'contact.secondaryAt',
  'contact.companionAt',
  'contact.vehicleAt',
  'travel.abroadAt',
  'stay.highAt',
  'stay.mediumAt',
  'symptom.presentAt',
  'screening.calledAt',
  'duty.endedAt',
  'transfer.raisedAt',
  'manual.noticeAt',
])

/**
 * Facts grave enough for red: each rests on a source's signed finding. What a person says of themself, an inference from
 * coarse location, a regional call for tests, or two officers without a source can lead to yellow at most.
 */
export const GRAVE: ReadonlySet<string> = new Set<FactPath>([
  'case.confirmedAt',
  'case.suspectedAt',
  'test.positiveAt',
  'contact.closeAt',
  'contact.secondaryAt',
  'travel.abroadAt',
  'stay.highAt',
  'transfer.raisedAt',
])

/** A record of which nothing is known. */
export function emptyFacts(now: string): FactRecord {
  return Object.fromEntries([
    [CLOCK_PATH, now],
    ...GROUPS.map((group) => [group, null]),
  ]) as unknown as FactRecord
}

/** A group with every member null: records of one shape load several times faster. */
export function emptyGroup<G extends FactGroup>(group: G): Members<G> {
  return Object.fromEntries(SCHEMA[group].map((member) => [member, null])) as Members<G>
}

/** A layout in which every fact has its slot, the clock the first one. */
export function factLayout(): Layout {
  const layout = new Layout()
  layout.clockSlot = layout.slotOf(CLOCK_PATH)
  for (const path of FACT_PATHS) layout.slotOf(path)
  return layout
}

const GROUP_START: readonly number[] = GROUPS.map((_, i) =>
  GROUPS.slice(0, i).reduce((sum, group) => sum + SCHEMA[group].length, 1),
)

/** A frame for fact records that reloads only the groups that differ from the previous record. */
export class FactFrame extends Frame {
  /** Bit `1 << slot` for each fact that is there and not empty. There are fewer than 31 slots. */
  present = 0
  readonly #groups: unknown[] = new Array(GROUPS.length).fill(null)
  readonly #used: readonly boolean[]

  /** A frame for conditions that read `paths` (and no others: groups without one of them are not loaded). */
  constructor(size: number, paths: Iterable<string>) {
    super(size)
    const read = new Set([...paths].map((path) => path.split('.')[0]))
    this.#used = GROUPS.map((group) => read.has(group))
  }

  load(record: FactRecord): void {
    this.put(0, record.now)
    // One member access per line, each of one shape: a loop over names would be several times slower.
    const groups = this.#groups
    if (record.case !== groups[0]) this.#setGroup(0, record.case)
    if (record.test !== groups[1]) this.#setGroup(1, record.test)
    if (record.contact !== groups[2]) this.#setGroup(2, record.contact)
    if (record.travel !== groups[3]) this.#setGroup(3, record.travel)
    if (record.stay !== groups[4]) this.#setGroup(4, record.stay)
    if (record.symptom !== groups[5]) this.#setGroup(5, record.symptom)
    if (record.declaration !== groups[6]) this.#setGroup(6, record.declaration)
    if (record.screening !== groups[7]) this.#setGroup(7, record.screening)
    if (record.duty !== groups[8]) this.#setGroup(8, record.duty)
    if (record.transfer !== groups[9]) this.#setGroup(9, record.transfer)
    if (record.vaccination !== groups[10]) this.#setGroup(10, record.vaccination)
    if (record.recovery !== groups[11]) this.#setGroup(11, record.recovery)
    if (record.residence !== groups[12]) this.#setGroup(12, record.residence)
    if (record.manual !== groups[13]) this.#setGroup(13, record.manual)
  }

  #setGroup(index: number, value: object | null): void {
    this.#groups[index] = value
    if (this.#used[index] !== true) return
    const start = GROUP_START[index] as number
    if (value === null) {
      const end = GROUP_START[index + 1] ?? this.slots.length
      for (let slot = start; slot < end; slot++) this.fact(slot, null)
    } else (LOAD[index] as Load)(this, start, value as never)
  }

  /** Puts one fact and notes whether it is there. */
  fact(slot: number, value: string | number | null): void {
    // No comparison with the previous value: comparing two texts costs more than parsing the date again.
    this.slots[slot] = value
    this.dates[slot] = Number.NaN
    if (value !== null && value !== '' && value !== 0) this.present |= 1 << slot
    else this.present &= ~(1 << slot)
  }
}

type Load = (frame: FactFrame, slot: number, group: never) => void

// In the order of SCHEMA. Spelled out for the same reason as `load`; `facts.test.ts` holds them to the schema.
const LOAD: readonly Load[] = [
  (frame, slot, group: Members<'case'>) => {
    frame.fact(slot, group.confirmedAt)
    frame.fact(slot + 1, group.dischargedAt)
    frame.fact(slot + 2, group.suspectedAt)
    frame.fact(slot + 3, group.excludedAt)
  },
  (frame, slot, group: Members<'test'>) => {
    frame.fact(slot, group.positiveAt)
    frame.fact(slot + 1, group.negativeAt)
    frame.fact(slot + 2, group.earlierNegativeAt)
    frame.fact(slot + 3, group.reviewedAt)
    frame.fact(slot + 4, group.takenAt)
  },
  (frame, slot, group: Members<'contact'>) => {
    frame.fact(slot, group.closeAt)
    frame.fact(slot + 1, group.secondaryAt)
    frame.fact(slot + 2, group.companionAt)
    frame.fact(slot + 3, group.vehicleAt)
  },
  (frame, slot, group: Members<'travel'>) => frame.fact(slot, group.abroadAt),
  (frame, slot, group: Members<'stay'>) => {
    frame.fact(slot, group.highAt)
    frame.fact(slot + 1, group.mediumAt)
  },
  (frame, slot, group: Members<'symptom'>) => {
    frame.fact(slot, group.presentAt)
    frame.fact(slot + 1, group.excludedAt)
  },
  (frame, slot, group: Members<'declaration'>) => {
    frame.fact(slot, group.madeAt)
    frame.fact(slot + 1, group.tripAt)
  },
  (frame, slot, group: Members<'screening'>) => frame.fact(slot, group.calledAt),
  (frame, slot, group: Members<'duty'>) => frame.fact(slot, group.endedAt),
  (frame, slot, group: Members<'transfer'>) => {
    frame.fact(slot, group.raisedAt)
    frame.fact(slot + 1, group.revokedAt)
  },
  (frame, slot, group: Members<'vaccination'>) => {
    frame.fact(slot, group.givenAt)
    frame.fact(slot + 1, group.doses)
  },
  (frame, slot, group: Members<'recovery'>) => frame.fact(slot, group.positiveAt),
  (frame, slot, group: Members<'residence'>) => frame.fact(slot, group.declaredAt),
  (frame, slot, group: Members<'manual'>) => frame.fact(slot, group.noticeAt),
]
