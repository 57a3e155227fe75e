// From parameters and constants to storage, machines, traffic and cost. Formulas where they are exact, simulations where they
// are not.
import type { Constants } from './constants.ts'
import type { Parameters } from './parameters.ts'
import { type Campaign, campaign, highestRate, type Sequencing, sequence } from './queues.ts'

const DAY = 86_400
const HOUR = 3600
const GIGABYTE = 1e9
const HOURS_A_MONTH = 730
/** Entry with its length, and its part of the hash tiles: 32 bytes and 1/255 more for the levels above. */
const LOG_ENTRY_BYTES = 73 + 2 + 32 * (1 + 1 / 255)
/** At enrolment: the binding and the event. */
const ENTRIES_AT_ENROLMENT = 2
const LIST_FILL = 0.75
/** A code and the JSON about it; the verdict; headers both ways (of the bench's requests, rounded up). */
const CHECK_BYTES = { in: 900, out: 2200 }
/** The directory of bindings keeps this for each in memory (SPEC.md 14.9). */
const DIRECTORY_BYTES = 260
/** More logs than this are no plan. */
const MAX_LOGS = 1024

export type Plan = ReturnType<typeof plan>

/** Expected days that a refill of k copies lasts: until all are used, at `perDay` uses, or until they end. */
export function refillLife({
  copies,
  perDay,
  validity,
}: {
  copies: number
  perDay: number
  validity: number
}) {
  // ∫ P(fewer than k uses by t) dt from 0 to the end, by Simpson's rule.
  const steps = 400
  const fewer = (t: number): number => {
    let term = Math.exp(-perDay * t)
    let sum = term
    for (let used = 1; used < copies; used++) {
      term *= (perDay * t) / used
      sum += term
    }
    return sum
  }
  let sum = fewer(0) + fewer(validity)
  for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * fewer((i * validity) / steps)
  return (sum * validity) / (3 * steps)
}

/** Expected number of different lists among n checks, when every list is as likely. */
export function differentLists(lists: number, n: number): number {
  return -lists * Math.expm1(n * Math.log1p(-1 / Math.max(lists, 1 + 1e-9)))
}

/** Bytes of a list at a share of revoked places, between and beyond the two measured ones: straight in both logarithms. */
export function listBytes([thousandth, hundredth]: Constants['listBytes'], share: number): number {
  const slope = Math.log10(hundredth / thousandth)
  return thousandth * (share / 0.001) ** slope
}

export function plan(p: Parameters, c: Constants) {
  const checksADay = p.checks * 24 * p['day-shape']
  const perDay = checksADay / p.people
  const life = refillLife({ copies: p.copies, perDay, validity: p.validity })
  const refillsADay = p.people / life
  const copiesADay = refillsADay * p.copies
  // The busiest hour asks for refills as it asks for checks.
  const refillsAtPeak = ((refillsADay / DAY) * p.burst) / p['day-shape']
  const liveCopies = copiesADay * p.validity

  const peak = (p.checks / HOUR) * p.burst
  // A connection stays with one process, so every core has a queue of its own.
  const queued = highestRate({ serviceSeconds: 1 / c.verifications, cores: 1, waitSeconds: p.wait / 1000 })
  const machineRate = p.cores * Math.min(queued, p.load * c.verifications)
  const spare = p.sites / Math.max(1, p.sites - 1)
  const verifierMachines = Math.ceil((peak / machineRate) * spare)

  const proofSeconds = (1 / c.provedTokens - 1 / c.tokens) / p['prove-one-in']
  const enrolmentCoreDays =
    (p.people * (1 / c.tokens + 1 / c.registrations + Math.max(0, proofSeconds))) / DAY
  const labelCoreDays = (p.people * 2) / c.labels / DAY
  const copyCores = (refillsAtPeak * p.copies) / c.copies
  // Places in a status list are given out under one row's lock, so an issuer grows by more issuers, not by more processes.
  const issuers = Math.ceil((refillsAtPeak * p.copies) / c.copiesByClock)
  const issuerMachines = Math.ceil((copyCores / p.load / p.cores) * spare)
  const enrolmentMachines = Math.ceil(
    (enrolmentCoreDays + labelCoreDays) / p['campaign-days'] / p.cores / 0.7,
  )

  const lists = Math.ceil(liveCopies / (p['list-size'] * LIST_FILL))
  const bytesOfList = listBytes(c.listBytes, p.revoked) * (p['list-size'] / 1_048_576)
  const signingCores = lists / c.listSignings / p.ttl
  const checksAGate = (p.checks / p.gates) * (p.ttl / HOUR)
  const listsAGate = differentLists(lists, checksAGate)
  const listBytesACheck = (listsAGate * bytesOfList) / checksAGate

  const entriesADay = copiesADay + refillsADay * p['entries-a-refill']
  const logs = logsNeeded(p, c, refillsAtPeak)
  const registryBytes = p.people * c.personBytes
  const ledgerBytes = liveCopies * c.copyBytes
  const logBytesAYear = entriesADay * LOG_ENTRY_BYTES * 365
  const logBytesAtStart = p.people * ENTRIES_AT_ENROLMENT * LOG_ENTRY_BYTES
  const databaseBytes = (registryBytes + ledgerBytes) * p['database-copies']

  const run = campaign({
    people: p.people,
    days: p['campaign-days'],
    deskHours: p['desk-hours'],
    allowedPerHour: p.registrars * p.allowance,
    failureHours: p['evaluator-failure'],
    repairHours: p['evaluator-repair'],
  })

  const gigabytesOutADay =
    (checksADay * (CHECK_BYTES.out + listBytesACheck) + copiesADay * c.walletCopyBytes) / GIGABYTE
  const machines = verifierMachines + issuerMachines + p.shards * p['database-copies'] + logs.count * 2
  const cost = {
    machines: machines * p.cores * HOURS_A_MONTH * p['core-hour'],
    storage: ((databaseBytes + (logBytesAtStart + logBytesAYear) * 2) / GIGABYTE) * p['gigabyte-month'],
    traffic: gigabytesOutADay * 30.4 * p['gigabyte-out'],
    campaign: (enrolmentCoreDays + labelCoreDays) * 24 * p['core-hour'],
  }
  return {
    checksADay,
    perDay,
    life,
    refillsAtPeak,
    copiesADay,
    liveCopies,
    peak,
    machineRate,
    utilisation: machineRate / (p.cores * c.verifications),
    verifierMachines,
    enrolmentCoreDays,
    labelCoreDays,
    enrolmentMachines,
    copyCores,
    issuers,
    issuerMachines,
    lists,
    bytesOfList,
    signingCores,
    checksAGate,
    listsAGate,
    listBytesACheck,
    entriesADay,
    logs,
    registryBytes,
    ledgerBytes,
    databaseBytes,
    shardBytes: (registryBytes + ledgerBytes) / p.shards,
    logBytesAtStart,
    logBytesAYear,
    directoryBytes: p.people * DIRECTORY_BYTES,
    campaign: run as Campaign,
    checkBytes: CHECK_BYTES,
    gigabytesOutADay,
    machines,
    cost,
    costAMonth: cost.machines + cost.storage + cost.traffic,
  }
}

const P99_SECONDS = 2

/** The fewest logs, a power of two, at which 99 of 100 entries are cosigned within two seconds at the peak. */
function logsNeeded(
  p: Parameters,
  c: Constants,
  refillsAtPeak: number,
): Sequencing & { readonly count: number } {
  for (let count = 1; ; count *= 2) {
    const result = sequence({
      refillsPerSecond: refillsAtPeak / count,
      entriesPerRefill: p.copies + p['entries-a-refill'],
      appendsPerSecond: c.appends,
      witnessSeconds: p['witness-ms'] / 1000,
      seconds: 20,
    })
    const keepsUp = result.p99 <= P99_SECONDS && result.backlogSeconds <= P99_SECONDS
    if (keepsUp || count >= MAX_LOGS) return { ...result, count }
  }
}
