// How benches measure: both sides in one run, interleaved, median of rounds; a ratio, never an absolute promise.

export type BenchRow = {
  readonly name: string
  /** What one operation is: "token", "verification". */
  readonly unit: string
  /** Operations per second. */
  readonly ours: number
  /** What it is compared with, in words. */
  readonly reference: string
  readonly theirs: number
  /** How often the reference is faster than ours (≤ 1 is better than it); for peers, how often we are faster. */
  readonly ratio: number
  /** The target as it is written in the documentation, for instance "≤ 1.3×". */
  readonly target?: string
  readonly met?: boolean
}

export type BenchContext = {
  /** Full sizes (minutes) instead of small ones (seconds). */
  readonly full: boolean
  log(line: string): void
}

export type Bench = { readonly name: string; run(context: BenchContext): Promise<BenchRow[]> }

export type CompareOptions = {
  readonly name: string
  readonly unit: string
  readonly reference: string
  /** `limit`: the work that cannot be avoided, ratio = theirs / ours, target is an upper bound.
   *  `peer`: another implementation, ratio = ours / theirs, target is a lower bound. */
  readonly kind: 'limit' | 'peer'
  readonly target?: number
  /** Seconds per side and round. Default 0.25. */
  readonly seconds?: number
  /** Default 5. */
  readonly rounds?: number
  /** Operations that one call of `ours` and of `theirs` makes. Default 1. */
  readonly oursPerCall?: number
  readonly theirsPerCall?: number
}

type Work = () => unknown

/** Measures two pieces of work in turn and compares the medians of the rounds. */
export async function compare(ours: Work, theirs: Work, options: CompareOptions): Promise<BenchRow> {
  const { seconds = 0.25, rounds = 5, oursPerCall = 1, theirsPerCall = 1 } = options
  await rate(ours, seconds / 2)
  await rate(theirs, seconds / 2)
  const pairs: { ours: number; theirs: number }[] = []
  for (let round = 0; round < rounds; round++) {
    pairs.push({
      ours: (await rate(ours, seconds)) * oursPerCall,
      theirs: (await rate(theirs, seconds)) * theirsPerCall,
    })
  }
  const ratios = pairs.map((pair) =>
    options.kind === 'limit' ? pair.theirs / pair.ours : pair.ours / pair.theirs,
  )
  const ratio = median(ratios)
  const row = {
    name: options.name,
    unit: options.unit,
    ours: median(pairs.map((pair) => pair.ours)),
    reference: options.reference,
    theirs: median(pairs.map((pair) => pair.theirs)),
    ratio,
  }
  if (options.target === undefined) return row
  const met = options.kind === 'limit' ? ratio <= options.target : ratio >= options.target
  return { ...row, target: `${options.kind === 'limit' ? '≤' : '≥'} ${options.target}×`, met }
}

/** Calls per second over about `seconds`; awaits only what returns a promise. */
export async function rate(work: Work, seconds: number): Promise<number> {
  const start = process.hrtime.bigint()
  const end = start + BigInt(Math.round(seconds * 1e9))
  let calls = 0
  let now = start
  while (now < end) {
    const result = work()
    if (result instanceof Promise) await result
    calls++
    now = process.hrtime.bigint()
  }
  return calls / (Number(now - start) / 1e9)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}
