// What a lab is: a question, an attack that really computes against two designs, what came of it, and what to try next.
import type { Group } from '#ctid/crypto'

export type Language = 'en' | 'zh'
export type Text = { readonly en: string; readonly zh: string }

/** What one design suffered: how often the attack succeeded. Deterministic given the seed, but for `seconds`. */
export type Outcome = {
  readonly successes: number
  readonly trials: number
  /** Time the attacker spent, measured. */
  readonly seconds: number
  readonly note: Text
}

export type Series = { readonly name: Text; readonly values: readonly (number | null)[] }

/** Numbers of one run. A bar or line chart over the labels of `x`; in a heat map every series is a row. */
export type Figure = {
  readonly id: string
  readonly type: 'bar' | 'line' | 'heat'
  readonly title: Text
  readonly xTitle: Text
  readonly yTitle: Text
  readonly x: readonly Text[]
  readonly series: readonly Series[]
  /** Logarithmic values: only for figures without zeros. */
  readonly logScale?: boolean
  /** The values depend on this machine's speed. */
  readonly timed?: boolean
}

export type Exercise = {
  readonly question: Text
  readonly hint: Text
  check(answer: string): boolean
}

/** The two designs as short chains of stations, and where the attack bites. */
export type Mechanism = {
  readonly naive: readonly Text[]
  readonly ours: readonly Text[]
  readonly attack: Text
}

export type LabContext = {
  /** Chooses people, keys and guesses. */
  readonly seed: string
  readonly scale: 'small' | 'full'
  /** The group that ours computes in: constant-time on a server, noble in a browser. */
  readonly group: Group
  /** Hears one line of progress at a time. */
  log(line: Text): void
  readonly signal?: AbortSignal
}

export type LabResult = {
  readonly naive: Outcome
  readonly ours: Outcome
  readonly figures: readonly Figure[]
  /** What still works against ours, measured in this run. */
  readonly stillWorks: readonly Text[]
}

export type Lab = {
  /** Two digits. */
  readonly id: string
  readonly name: string
  readonly title: Text
  readonly question: Text
  /** What happened in the world. */
  readonly incident: Text
  readonly mechanism: Mechanism
  run(context: LabContext): Promise<LabResult>
  readonly lesson: Text
  readonly limits: Text
  readonly exercises: readonly Exercise[]
  readonly references: readonly string[]
}

/** A label that is the same in both languages. */
export function plain(text: string | number): Text {
  return { en: String(text), zh: String(text) }
}

/** Lets other work go on, and stops when asked to. */
export async function breathe(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0))
  signal?.throwIfAborted()
}

/** Runs and measures in seconds. */
export async function timed<T>(
  act: () => T | Promise<T>,
): Promise<{ readonly value: T; readonly seconds: number }> {
  const start = performance.now()
  const value = await act()
  return { value, seconds: (performance.now() - start) / 1000 }
}

/** Share in per cent with one decimal. */
export function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((1000 * part) / whole) / 10
}

/** Whether an answer is this number, give or take a share of it. Accepts 1,000 and 1 000, and a full-width digit too. */
export function isNumber(answer: string, expected: number, tolerance = 0): boolean {
  const typed = answer.normalize('NFKC').replace(/[,\s%]/g, '')
  const value = typed === '' ? Number.NaN : Number(typed)
  return Math.abs(value - expected) <= Math.abs(expected) * tolerance
}

/** Whether an answer is one of these words, whatever its case, spaces and full stop. */
export function isWord(answer: string, ...accepted: readonly string[]): boolean {
  const typed = answer
    .normalize('NFKC')
    .trim()
    .toLowerCase()
    .replace(/[.。]$/, '')
  return accepted.includes(typed)
}
