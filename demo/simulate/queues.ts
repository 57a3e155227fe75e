// Where a formula would lie: queues, simulated event by event with a seeded generator, so that the same question has the same
// answer.

/** Uniform numbers in [0, 1) from a seed (mulberry32). Not for secrets. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const exponential = (random: () => number, mean: number): number => -mean * Math.log(1 - random())

export type Waits = { readonly mean: number; readonly p99: number; readonly utilisation: number }

/**
 * M/D/c: arrivals at random, a service time that is always the same, c cores, first come first served. Since all services
 * take equally long they end in the order in which they began, so a request starts when it comes or when the one c before it
 * has ended. Times in seconds.
 */
export function serveAtRandom(options: {
  readonly perSecond: number
  readonly serviceSeconds: number
  readonly cores: number
  readonly requests?: number
  readonly seed?: number
}): Waits {
  const { perSecond, serviceSeconds, cores, requests = 40_000, seed = 1 } = options
  const random = uniform(seed)
  const starts = new Float64Array(requests)
  const waits = new Float64Array(requests)
  let now = 0
  for (let n = 0; n < requests; n++) {
    now += exponential(random, 1 / perSecond)
    const free = n < cores ? 0 : (starts[n - cores] ?? 0) + serviceSeconds
    const start = Math.max(now, free)
    starts[n] = start
    waits[n] = start - now
  }
  const sum = waits.reduce((a, b) => a + b, 0)
  waits.sort()
  const utilisation = (perSecond * serviceSeconds) / cores
  return { mean: sum / requests, p99: waits[Math.floor(requests * 0.99)] ?? 0, utilisation }
}

/** The highest rate at which 99 of 100 requests wait no longer than `waitSeconds`; one machine, per second. */
export function highestRate(options: {
  readonly serviceSeconds: number
  readonly cores: number
  readonly waitSeconds: number
}): number {
  const limit = options.cores / options.serviceSeconds
  let [low, high] = [0, limit]
  for (let step = 0; step < 12; step++) {
    const middle = (low + high) / 2
    const { p99 } = serveAtRandom({ ...options, perSecond: middle })
    if (p99 <= options.waitSeconds) low = middle
    else high = middle
  }
  return low
}

export type Sequencing = {
  /** Seconds from handing an entry in to its cosigned checkpoint. */
  readonly mean: number
  readonly p99: number
  readonly meanBatch: number
  /** Entries that still waited at the end, over those of one second: above a few, the log does not keep up. */
  readonly backlogSeconds: number
}

// Below what a log takes (32,768 by default): planned so that an entry waits for few others.
const MAX_BATCH = 8192

/** One log: entries that wait share a batch; a batch costs a round of the witnesses and its hashes. Refills arrive at random. */
export function sequence(options: {
  readonly refillsPerSecond: number
  readonly entriesPerRefill: number
  readonly appendsPerSecond: number
  readonly witnessSeconds: number
  readonly seconds?: number
  readonly seed?: number
}): Sequencing {
  const {
    refillsPerSecond,
    entriesPerRefill,
    appendsPerSecond,
    witnessSeconds,
    seconds = 60,
    seed = 2,
  } = options
  const random = uniform(seed)
  const arrivals: number[] = []
  for (let now = exponential(random, 1 / refillsPerSecond); now < seconds; ) {
    arrivals.push(now)
    now += exponential(random, 1 / refillsPerSecond)
  }
  const perBatch = Math.max(1, Math.floor(MAX_BATCH / entriesPerRefill))
  const waits: number[] = []
  let [next, now, batches] = [0, 0, 0]
  while (next < arrivals.length && now < seconds) {
    now = Math.max(now, arrivals[next] ?? now)
    const begin = next
    while (next < arrivals.length && next - begin < perBatch && (arrivals[next] ?? Infinity) <= now) next++
    now += witnessSeconds + ((next - begin) * entriesPerRefill) / appendsPerSecond
    for (let i = begin; i < next; i++) waits.push(now - (arrivals[i] ?? now))
    batches++
  }
  const backlog = arrivals.length - next
  const sum = waits.reduce((a, b) => a + b, 0)
  waits.sort((a, b) => a - b)
  return {
    mean: sum / Math.max(1, waits.length),
    p99: waits[Math.floor(waits.length * 0.99)] ?? 0,
    meanBatch: (waits.length * entriesPerRefill) / Math.max(1, batches),
    backlogSeconds: backlog / refillsPerSecond,
  }
}

export type Campaign = {
  /** People enrolled by the end of each day. */
  readonly byDay: readonly number[]
  /** Day on which the last was enrolled; Infinity when not within four times the plan. */
  readonly finished: number
  readonly hoursWithOneDown: number
  /** Hours of desks in which nobody could be enrolled: two of three evaluators were down. */
  readonly hoursStopped: number
  readonly largestBacklog: number
}

/**
 * A campaign hour by hour. People come to desks evenly in desk hours; those who cannot be served come back. Three evaluators, any
 * two make a token, each fails and is repaired at random.
 */
export function campaign(options: {
  readonly people: number
  readonly days: number
  readonly deskHours: number
  /** What the registrars together may ask for in an hour. */
  readonly allowedPerHour: number
  readonly failureHours: number
  readonly repairHours: number
  readonly seed?: number
}): Campaign {
  const { people, days, deskHours, allowedPerHour, failureHours, repairHours, seed = 3 } = options
  const random = uniform(seed)
  const perHour = people / (days * deskHours)
  const changesAt = [0, 1, 2].map(() => exponential(random, failureHours))
  const isUp = [true, true, true]
  const byDay: number[] = []
  let [come, enrolled, hoursStopped, hoursWithOneDown, largestBacklog] = [0, 0, 0, 0, 0]
  let finished = Number.POSITIVE_INFINITY
  for (let hour = 0; hour < days * 4 * 24 && enrolled < people; hour++) {
    for (const [i, at] of changesAt.entries()) {
      if (hour < at) continue
      isUp[i] = !isUp[i]
      changesAt[i] = hour + exponential(random, isUp[i] ? failureHours : repairHours)
    }
    const up = isUp.filter(Boolean).length
    if (hour % 24 < deskHours) {
      if (up < 3) hoursWithOneDown++
      if (up < 2) hoursStopped++
      come = Math.min(people, come + perHour)
      const served = up < 2 ? 0 : Math.min(come - enrolled, allowedPerHour)
      enrolled += served
      largestBacklog = Math.max(largestBacklog, come - enrolled)
    }
    if (hour % 24 === 23) byDay.push(enrolled)
    if (enrolled >= people * (1 - 1e-12)) {
      finished = hour / 24
      break
    }
  }
  return { byDay, finished, hoursWithOneDown, hoursStopped, largestBacklog }
}
