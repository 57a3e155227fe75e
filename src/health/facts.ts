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

/** Slots of each group: the first one, and a bit for each. The clock has slot 0. */
const SLOTS = Object.fromEntries(
  GROUPS.map((group, i) => {
    const start = GROUPS.slice(0, i).reduce((sum, before) => sum + SCHEMA[before].length, 1)
    return [group, { start, bits: ((1 << SCHEMA[group].length) - 1) << start }]
  }),
) as { readonly [G in FactGroup]: { readonly start: number; readonly bits: number } }

/** A frame for fact records: what the record before left is cleared, and nothing else is touched twice. */
export class FactFrame extends Frame {
  /** Bit `1 << slot` for each fact that is there and not empty. There are fewer than 31 slots. */
  present = 0
  /** Bit `1 << slot` for each slot that is not null. */
  #filled = 0
  #last: FactRecord | undefined
  readonly #used: number

  /** A frame for conditions that read `paths` (and no others: groups without one of them are not loaded). */
  constructor(size: number, paths: Iterable<string>) {
    super(size)
    const read = new Set([...paths].map((path) => path.split('.')[0]))
    this.#used = GROUPS.reduce((bits, group) => bits | (read.has(group) ? SLOTS[group].bits : 0), 0)
  }

  load(record: FactRecord): void {
    if (record === this.#last) return
    this.#last = record
    this.put(0, record.now)
    // One member access per line, each of one shape: a loop over names would be several times slower.
    const used = this.#used
    if ((used & CASE.bits) !== 0) {
      if (record.case !== null) loadCase(this, record.case)
      else this.#forget(CASE)
    }
    if ((used & TEST.bits) !== 0) {
      if (record.test !== null) loadTest(this, record.test)
      else this.#forget(TEST)
    }
    if ((used & CONTACT.bits) !== 0) {
      if (record.contact !== null) loadContact(this, record.contact)
      else this.#forget(CONTACT)
    }
    if ((used & TRAVEL.bits) !== 0) {
      if (record.travel !== null) loadTravel(this, record.travel)
      else this.#forget(TRAVEL)
    }
    if ((used & STAY.bits) !== 0) {
      if (record.stay !== null) loadStay(this, record.stay)
      else this.#forget(STAY)
    }
    if ((used & SYMPTOM.bits) !== 0) {
      if (record.symptom !== null) loadSymptom(this, record.symptom)
      else this.#forget(SYMPTOM)
    }
    if ((used & DECLARATION.bits) !== 0) {
      if (record.declaration !== null) loadDeclaration(this, record.declaration)
      else this.#forget(DECLARATION)
    }
    if ((used & SCREENING.bits) !== 0) {
      if (record.screening !== null) loadScreening(this, record.screening)
      else this.#forget(SCREENING)
    }
    if ((used & DUTY.bits) !== 0) {
      if (record.duty !== null) loadDuty(this, record.duty)
      else this.#forget(DUTY)
    }
    if ((used & TRANSFER.bits) !== 0) {
      if (record.transfer !== null) loadTransfer(this, record.transfer)
      else this.#forget(TRANSFER)
    }
    if ((used & VACCINATION.bits) !== 0) {
      if (record.vaccination !== null) loadVaccination(this, record.vaccination)
      else this.#forget(VACCINATION)
    }
    if ((used & RECOVERY.bits) !== 0) {
      if (record.recovery !== null) loadRecovery(this, record.recovery)
      else this.#forget(RECOVERY)
    }
    if ((used & RESIDENCE.bits) !== 0) {
      if (record.residence !== null) loadResidence(this, record.residence)
      else this.#forget(RESIDENCE)
    }
    if ((used & MANUAL.bits) !== 0) {
      if (record.manual !== null) loadManual(this, record.manual)
      else this.#forget(MANUAL)
    }
  }

  #forget({ start, bits }: { readonly start: number; readonly bits: number }): void {
    for (let left = (this.#filled & bits) >> start, slot = start; left !== 0; left >>= 1, slot++)
      if ((left & 1) !== 0) this.#clear(slot)
  }

  #clear(slot: number): void {
    this.slots[slot] = null
    this.dates[slot] = Number.NaN
    this.#filled &= ~(1 << slot)
    this.present &= ~(1 << slot)
  }

  /** Puts one fact and notes whether it is there. Most facts of most people are null, and were before. */
  fact(slot: number, value: string | number | null): void {
    const bit = 1 << slot
    if (value === null) {
      if ((this.#filled & bit) !== 0) this.#clear(slot)
      return
    }
    // No comparison with the previous value: comparing two texts costs more than parsing the date again.
    this.slots[slot] = value
    this.dates[slot] = Number.NaN
    this.#filled |= bit
    if (value !== '' && value !== 0) this.present |= bit
    else this.present &= ~bit
  }
}

const CASE = SLOTS.case
const TEST = SLOTS.test
const CONTACT = SLOTS.contact
const TRAVEL = SLOTS.travel
const STAY = SLOTS.stay
const SYMPTOM = SLOTS.symptom
const DECLARATION = SLOTS.declaration
const SCREENING = SLOTS.screening
const DUTY = SLOTS.duty
const TRANSFER = SLOTS.transfer
const VACCINATION = SLOTS.vaccination
const RECOVERY = SLOTS.recovery
const RESIDENCE = SLOTS.residence
const MANUAL = SLOTS.manual

// Spelled out for the same reason as `load`; `facts.test.ts` holds them to the schema.
function loadCase(frame: FactFrame, group: Members<'case'>): void {
  const { start } = CASE
  frame.fact(start, group.confirmedAt)
  frame.fact(start + 1, group.dischargedAt)
  frame.fact(start + 2, group.suspectedAt)
  frame.fact(start + 3, group.excludedAt)
}
function loadTest(frame: FactFrame, group: Members<'test'>): void {
  const { start } = TEST
  frame.fact(start, group.positiveAt)
  frame.fact(start + 1, group.negativeAt)
  frame.fact(start + 2, group.earlierNegativeAt)
  frame.fact(start + 3, group.reviewedAt)
  frame.fact(start + 4, group.takenAt)
}
function loadContact(frame: FactFrame, group: Members<'contact'>): void {
  const { start } = CONTACT
  frame.fact(start, group.closeAt)
  frame.fact(start + 1, group.secondaryAt)
  frame.fact(start + 2, group.companionAt)
  frame.fact(start + 3, group.vehicleAt)
}
function loadTravel(frame: FactFrame, group: Members<'travel'>): void {
  frame.fact(TRAVEL.start, group.abroadAt)
}
function loadStay(frame: FactFrame, group: Members<'stay'>): void {
  const { start } = STAY
  frame.fact(start, group.highAt)
  frame.fact(start + 1, group.mediumAt)
}
function loadSymptom(frame: FactFrame, group: Members<'symptom'>): void {
  const { start } = SYMPTOM
  frame.fact(start, group.presentAt)
  frame.fact(start + 1, group.excludedAt)
}
function loadDeclaration(frame: FactFrame, group: Members<'declaration'>): void {
  const { start } = DECLARATION
  frame.fact(start, group.madeAt)
  frame.fact(start + 1, group.tripAt)
}
function loadScreening(frame: FactFrame, group: Members<'screening'>): void {
  frame.fact(SCREENING.start, group.calledAt)
}
function loadDuty(frame: FactFrame, group: Members<'duty'>): void {
  frame.fact(DUTY.start, group.endedAt)
}
function loadTransfer(frame: FactFrame, group: Members<'transfer'>): void {
  const { start } = TRANSFER
  frame.fact(start, group.raisedAt)
  frame.fact(start + 1, group.revokedAt)
}
function loadVaccination(frame: FactFrame, group: Members<'vaccination'>): void {
  const { start } = VACCINATION
  frame.fact(start, group.givenAt)
  frame.fact(start + 1, group.doses)
}
function loadRecovery(frame: FactFrame, group: Members<'recovery'>): void {
  frame.fact(RECOVERY.start, group.positiveAt)
}
function loadResidence(frame: FactFrame, group: Members<'residence'>): void {
  frame.fact(RESIDENCE.start, group.declaredAt)
}
function loadManual(frame: FactFrame, group: Members<'manual'>): void {
  frame.fact(MANUAL.start, group.noticeAt)
}
