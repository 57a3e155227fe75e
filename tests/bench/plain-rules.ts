// The teaching edition written by hand in plain TypeScript: the least work there is for these rules. For the bench only.
import { parseInstant } from '../../src/health/certlogic/instants.ts'
import type { FactRecord } from '../../src/health/facts.ts'
import type { Colour } from '../../src/health/program.ts'
import type { Periods } from '../../src/health/rules/chinese.ts'

type When = string | number | null
const DAY_MS = 86_400_000
const ms = (value: When): number => parseInstant(value as string)

function isAnswered(answer: When, start: When): boolean {
  return answer !== null && ms(answer) >= ms(start)
}

function untilTested(start: When, days: number, p: Periods, negative: When, now: number): boolean {
  if (!start) return false
  const from = ms(start)
  if (now >= from + (days + p.unreleased) * DAY_MS) return false
  if (now < from + days * DAY_MS) return true
  return !(negative !== null && ms(negative) >= from + (days - 1) * DAY_MS)
}

function isRunning(start: When, days: number, now: number): boolean {
  return start !== null && now < ms(start) + days * DAY_MS
}

function isAfter(start: When, first: number, days: number, now: number): boolean {
  if (start === null) return false
  const from = ms(start)
  return now >= from + first * DAY_MS && now < from + (first + days) * DAY_MS
}

/** Colour by hand. `now` in epoch milliseconds. */
export function plainColour(f: FactRecord, p: Periods, now: number): Colour {
  const negative = f.test?.negativeAt ?? null
  const { case: c, contact, stay, travel, transfer } = f
  const red =
    (c?.confirmedAt && !isAnswered(c.dischargedAt, c.confirmedAt)) ||
    (c?.suspectedAt && !isAnswered(c.excludedAt, c.suspectedAt)) ||
    (f.test?.positiveAt && !isAnswered(f.test.reviewedAt, f.test.positiveAt)) ||
    (contact && untilTested(contact.closeAt, p.closeContact, p, negative, now)) ||
    (contact && untilTested(contact.secondaryAt, p.secondaryContact ?? 0, p, negative, now)) ||
    (travel && isRunning(travel.abroadAt, p.arrival, now)) ||
    (stay && untilTested(stay.highAt, p.highRiskArea, p, negative, now)) ||
    (transfer &&
      isRunning(transfer.raisedAt, p.transferred ?? 0, now) &&
      !isAnswered(transfer.revokedAt, transfer.raisedAt))
  if (red) return 'red'
  const earlier = f.test?.earlierNegativeAt ?? null
  const { symptom, screening, duty } = f
  const yellow =
    (c && isRunning(c.dischargedAt, p.afterDischarge, now)) ||
    (contact && isAfter(contact.closeAt, p.closeContact, p.afterCloseContact, now)) ||
    (travel && isAfter(travel.abroadAt, p.arrival, p.afterArrival, now)) ||
    (stay && isRunning(stay.mediumAt, p.mediumRiskArea ?? 0, now) && !isAnswered(earlier, stay.mediumAt)) ||
    (contact &&
      isRunning(contact.companionAt, p.companion ?? 0, now) &&
      !isAnswered(earlier, contact.companionAt)) ||
    (symptom &&
      isRunning(symptom.presentAt, p.symptoms, now) &&
      !isAnswered(symptom.excludedAt, symptom.presentAt)) ||
    (screening &&
      isRunning(screening.calledAt, p.screening ?? 0, now) &&
      !isAnswered(f.test?.takenAt ?? null, screening.calledAt)) ||
    (contact && untilTested(contact.vehicleAt, p.sameVehicle ?? 0, p, negative, now)) ||
    (duty && isRunning(duty.endedAt, p.highRiskDuty ?? 0, now))
  if (yellow) return 'yellow'
  return f.declaration && isRunning(f.declaration.madeAt, p.declaration, now) ? 'green' : 'undetermined'
}
