// The simulator: cases computed by hand, quantities that are conserved, and answers that move the way they must.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Constants, constantsOf, readConstants } from '../../demo/simulate/constants.ts'
import { differentLists, listBytes, plan, refillLife } from '../../demo/simulate/model.ts'
import { defaults, readArguments } from '../../demo/simulate/parameters.ts'
import { campaign, highestRate, sequence, serveAtRandom, uniform } from '../../demo/simulate/queues.ts'
import { bytes, figuresOf, linesOf, toTerminalTable } from '../../demo/simulate/report.ts'

const ROUND: Constants = {
  machine: 'by hand',
  verifications: 1000,
  registrations: 2000,
  tokens: 2000,
  provedTokens: 500,
  labels: 500,
  copies: 1000,
  copiesByClock: 500,
  appends: 100_000,
  listSignings: 1000,
  personBytes: 1000,
  copyBytes: 100,
  walletCopyBytes: 3000,
  listBytes: [4000, 40_000],
}
const p = defaults()

describe('by hand', () => {
  it('a town of 3,600 people', () => {
    const town = {
      ...p,
      people: 3600,
      checks: 3600,
      'day-shape': 1,
      burst: 1,
      shards: 1,
      cores: 1,
      sites: 3,
      'prove-one-in': 1,
    }
    const r = plan(town, ROUND)
    expect(r.checksADay).toBe(86_400)
    expect(r.perDay).toBe(24)
    expect(r.peak).toBe(1)
    // One core carries 700 a second; one of three sites may be lost: 1/700 · 1.5, rounded up.
    expect(r.machineRate).toBeCloseTo(700, 0)
    expect(r.verifierMachines).toBe(1)
    // Ten copies at 24 uses a day, none left over: 10/24 of a day.
    expect(r.life).toBeCloseTo(10 / 24, 6)
    expect(r.copiesADay).toBeCloseTo(86_400, 0)
    expect(r.registryBytes).toBe(3_600_000)
    // 1/1000 + (1/500 − 1/2000) seconds a person.
    expect(r.enrolmentCoreDays).toBeCloseTo((3600 * 0.0025) / 86_400, 9)
    expect(r.labelCoreDays).toBeCloseTo((3600 * 2) / 500 / 86_400, 9)
    expect(r.logBytesAtStart).toBeCloseTo(3600 * 2 * (75 + 32 + 32 / 255), 6)
  })

  it('a refill that nobody uses lasts its validity; one in constant use lasts as long as its copies', () => {
    expect(refillLife({ copies: 10, perDay: 1e-9, validity: 14 })).toBeCloseTo(14, 6)
    expect(refillLife({ copies: 10, perDay: 100, validity: 14 })).toBeCloseTo(0.1, 3)
    // One copy, one use a day on average, one day: the integral of e^-t from 0 to 1.
    expect(refillLife({ copies: 1, perDay: 1, validity: 1 })).toBeCloseTo(1 - Math.exp(-1), 8)
  })

  it('two checks among two lists need 1.5 of them', () => {
    expect(differentLists(2, 2)).toBeCloseTo(1.5, 9)
    expect(differentLists(1, 5)).toBeCloseTo(1, 6)
    expect(differentLists(1e6, 3)).toBeCloseTo(3, 4)
  })

  it('list sizes pass through what was measured', () => {
    expect(listBytes([4000, 40_000], 0.001)).toBeCloseTo(4000, 6)
    expect(listBytes([4000, 40_000], 0.01)).toBeCloseTo(40_000, 6)
  })

  it.each([
    [999, '999 bytes'],
    [1500, '1.5 kB'],
    [999_600, '1 MB'],
    [2.02e12, '2.02 TB'],
  ])('%d is %s', (value, text) => {
    expect(bytes(value)).toBe(text)
  })
})

describe('queues', () => {
  it('M/D/1 waits as Pollaczek and Khinchine say: ρs / 2(1 − ρ)', () => {
    for (const load of [0.3, 0.5, 0.8]) {
      const { mean } = serveAtRandom({ perSecond: load, serviceSeconds: 1, cores: 1, requests: 400_000 })
      expect(mean / (load / (2 * (1 - load)))).toBeGreaterThan(0.93)
      expect(mean / (load / (2 * (1 - load)))).toBeLessThan(1.07)
    }
  })

  it('more cores in one queue wait less, and a higher rate waits more', () => {
    const at = (load: number, cores: number) =>
      serveAtRandom({ perSecond: load * cores, serviceSeconds: 1, cores }).p99
    expect(at(0.8, 16)).toBeLessThan(at(0.8, 4))
    expect(at(0.8, 4)).toBeLessThan(at(0.8, 1))
    expect(at(0.5, 4)).toBeLessThan(at(0.9, 4))
    const rate = (waitSeconds: number) => highestRate({ serviceSeconds: 0.001, cores: 1, waitSeconds })
    expect(rate(0.002)).toBeLessThan(rate(0.02))
    expect(rate(0.02)).toBeLessThan(1000)
  })

  it('a log answers after a round of witnesses when it is idle, and falls behind when it is too slow', () => {
    const log = { entriesPerRefill: 11, appendsPerSecond: 100_000, witnessSeconds: 0.1 }
    const idle = sequence({ ...log, refillsPerSecond: 0.5, seconds: 400 })
    expect(idle.mean).toBeCloseTo(0.1, 1)
    expect(idle.backlogSeconds).toBe(0)
    // 744 refills in a batch, each 0.1 s and its hashes: some 4,000 a second at most.
    expect(sequence({ ...log, refillsPerSecond: 3000 }).backlogSeconds).toBeLessThan(1)
    expect(sequence({ ...log, refillsPerSecond: 10_000 }).backlogSeconds).toBeGreaterThan(10)
  })

  it('a campaign without failures ends on its last day, and enrols everybody once', () => {
    const town = { people: 1_000_000, days: 10, deskHours: 10, allowedPerHour: 20_000, repairHours: 8 }
    const calm = campaign({ ...town, failureHours: 1e12 })
    expect(calm).toMatchObject({ hoursStopped: 0, hoursWithOneDown: 0, largestBacklog: 0 })
    expect(Math.floor(calm.finished)).toBe(9)
    expect(calm.byDay[0]).toBeCloseTo(100_000, 3)
    expect(calm.byDay.every((sum, day) => day === 0 || sum >= (calm.byDay[day - 1] ?? 0))).toBe(true)
    const wild = campaign({ ...town, failureHours: 24 })
    expect(wild.hoursStopped).toBeGreaterThan(0)
    expect(wild.largestBacklog).toBeGreaterThan(0)
    expect(wild.finished).toBeGreaterThanOrEqual(calm.finished)
    expect(Math.max(...wild.byDay)).toBeLessThanOrEqual(1_000_000)
    // Too small an allowance: it takes as long as the allowance says.
    const slow = campaign({ ...town, failureHours: 1e12, allowedPerHour: 5000 })
    expect(slow.finished).toBeGreaterThan(19)
    expect(slow.finished).toBeLessThan(21)
  })

  it('the same seed gives the same numbers', () => {
    const [one, two] = [uniform(7), uniform(7)]
    expect([one(), one()]).toEqual([two(), two()])
  })
})

describe('the plan', () => {
  const measured = readConstants('docs/scale/bench.json')

  it('takes every constant from the bench, and says which is missing', () => {
    expect(() => constantsOf({ machine: { node: '', cpu: '', cores: 1 }, rows: [] })).toThrow(/no row "/)
    for (const value of Object.values(measured).flat())
      if (typeof value === 'number') expect(value).toBeGreaterThan(0)
  })

  it('grows with people, checks and validity, and shrinks with faster machines', () => {
    const base = plan(p, measured)
    const more = plan({ ...p, people: p.people * 2 }, measured)
    expect(more.registryBytes).toBe(base.registryBytes * 2)
    expect(more.logBytesAtStart).toBe(base.logBytesAtStart * 2)
    expect(plan({ ...p, checks: p.checks * 2 }, measured).verifierMachines).toBeGreaterThan(
      base.verifierMachines,
    )
    expect(plan({ ...p, validity: 183 }, measured).lists).toBeGreaterThan(base.lists)
    expect(plan({ ...p, revoked: 0.05 }, measured).listBytesACheck).toBeGreaterThan(base.listBytesACheck)
    const faster = plan(p, { ...measured, verifications: measured.verifications * 4 })
    expect(faster.verifierMachines).toBeLessThan(base.verifierMachines)
    expect(plan({ ...p, 'core-hour': 1 }, measured).cost.machines).toBeGreaterThan(base.cost.machines)
  })

  it('conserves: shards sum to the database, costs sum to the total, copies alive are those of one validity', () => {
    const r = plan(p, measured)
    expect(r.shardBytes * p.shards * p['database-copies']).toBeCloseTo(r.databaseBytes, -3)
    expect(r.cost.machines + r.cost.storage + r.cost.traffic).toBe(r.costAMonth)
    expect(r.liveCopies).toBeCloseTo(r.copiesADay * p.validity, -3)
    expect(r.lists * p['list-size'] * 0.75).toBeGreaterThanOrEqual(r.liveCopies)
    expect(r.listsAGate).toBeLessThanOrEqual(r.checksAGate)
  })

  it('prints every section, and four figures without holes', () => {
    expect(toTerminalTable(linesOf(p, measured)).join('\n')).not.toMatch(/NaN|undefined|Infinity/)
    const figures = figuresOf(p, measured)
    expect(figures.map(({ id }) => id)).toEqual(['wait', 'validity', 'campaign', 'cost'])
    for (const { x, series } of figures)
      for (const { values } of series) expect(values).toHaveLength(x.length)
  })

  it('takes parameters from the command line and refuses what is no number', () => {
    expect(readArguments(['--people', '67000000']).parameters).toMatchObject({ people: 67e6, checks: 1e8 })
    expect(() => readArguments(['--people', 'many'])).toThrow('--people')
    expect(() => readArguments(['--no-such-thing', '1'])).toThrow()
    const main = join(import.meta.dirname, '../../demo/simulate/main.ts')
    const run = spawnSync(process.execPath, ['--import', 'tsx', main, '--people', 'many'], {
      encoding: 'utf8',
    })
    expect(run).toMatchObject({ status: 2, stderr: '--people takes a positive number\n' })
  })
})
