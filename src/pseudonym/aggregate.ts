// Aggregates: the only thing that leaves a fusion. Cells are declared beforehand, so that the existence of a cell says
// nothing; small cells are suppressed, and with them those that would give them away; noise is added to every cell, also to
// the empty ones.
import {
  CtidError,
  canonicalJson,
  isJsonObject,
  type Json,
  type JsonObject,
  type RandomBytes,
} from '../base/index.ts'
import { discreteLaplace, type EpsilonMilli } from './noise.ts'
import { withComplements } from './suppression.ts'

/** A field of one of the joined tables, and all values that are counted; rows with another value count nowhere. */
export type Dimension = {
  readonly sector: string
  readonly field: string
  readonly values: readonly string[]
}

/** What is measured in each cell. A sum clamps every value to min … max, whole numbers. */
export type Measure =
  | { readonly type: 'count' }
  | {
      readonly type: 'sum'
      readonly sector: string
      readonly field: string
      readonly min: number
      readonly max: number
    }

export type Query = {
  readonly groupBy: readonly Dimension[]
  readonly measure: Measure
  /** ε for the whole answer in thousandths; absent: exact numbers. */
  readonly epsilonMilli?: EpsilonMilli
}

/** One joined person: fields by sector. */
export type JoinedRow = ReadonlyMap<string, JsonObject>

export type Cell = {
  /** One value per dimension. */
  readonly key: readonly string[]
  /** `null` when the cell is below the minimum size, or would give away one that is. */
  readonly count: number | null
  /** Present for sums; `null` when suppressed. */
  readonly sum?: number | null
}

const MAX_CELLS = 10_000

/**
 * Counts or sums the rows by cell. A person is in one cell, so that one person's presence changes one count by one and one
 * sum by at most max(|min|, |max|); with a sum, half of ε goes to the counts that decide on suppression.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_QUERY`
 */
export function aggregate(
  rows: readonly JoinedRow[],
  query: Query,
  { minimumCell, random }: { readonly minimumCell: number; readonly random: RandomBytes },
): Cell[] {
  requireSound(query)
  const { groupBy, measure, epsilonMilli } = query
  const totals = new Map<string, { readonly key: readonly string[]; count: number; sum: number }>()
  for (const key of cells(groupBy)) totals.set(canonicalJson(key), { key, count: 0, sum: 0 })
  for (const row of rows) {
    const key = groupBy.map(({ sector, field }) => asLabel(row.get(sector)?.[field]))
    const total = totals.get(canonicalJson(key))
    if (!total) continue
    total.count += 1
    if (measure.type === 'sum') total.sum += clamped(row.get(measure.sector)?.[measure.field], measure)
  }
  const share = epsilonMilli === undefined || measure.type === 'count' ? epsilonMilli : epsilonMilli / 2
  const noise = (sensitivity: number): number =>
    share === undefined ? 0 : discreteLaplace({ epsilonMilli: share, sensitivity }, random)
  const told = [...totals.values()].map(({ key, count, sum }) => ({ key, sum, shown: count + noise(1) }))
  const small = told.map(({ shown }) => shown < minimumCell)
  // Numbers with noise do not add up to any total that somebody knows, so nothing can be subtracted from it.
  const suppressed =
    share === undefined
      ? withComplements(
          small,
          told.map(({ shown }) => shown),
          groupBy.map(({ values }) => values.length),
        )
      : small
  return told.map(({ key, sum, shown }, i): Cell => {
    if (measure.type === 'count') return { key, count: suppressed[i] ? null : shown }
    const total = sum + noise(Math.max(Math.abs(measure.min), Math.abs(measure.max)))
    return { key, count: suppressed[i] ? null : shown, sum: suppressed[i] ? null : total }
  })
}

/** Whether the query is sound; thrown for otherwise. */
export function requireSound({ groupBy, measure, epsilonMilli }: Query): void {
  const counted = groupBy.reduce((product, { values }) => product * values.length, 1)
  const dimensionsSound = groupBy.every(
    ({ values }) => values.length > 0 && new Set(values).size === values.length,
  )
  const boundsSound =
    measure.type === 'count' ||
    (Number.isSafeInteger(measure.min) &&
      Number.isSafeInteger(measure.max) &&
      measure.min < measure.max &&
      Math.max(Math.abs(measure.min), Math.abs(measure.max)) <= 1_000_000)
  const epsilonSound =
    epsilonMilli === undefined ||
    (Number.isSafeInteger(epsilonMilli) &&
      epsilonMilli >= 2 &&
      (measure.type === 'count' || epsilonMilli % 2 === 0))
  if (counted < 1 || counted > MAX_CELLS || !dimensionsSound || !boundsSound || !epsilonSound) {
    throw new CtidError('ERR_PSEUDONYM_QUERY')
  }
}

function cells(groupBy: readonly Dimension[]): string[][] {
  return groupBy.reduce<string[][]>(
    (keys, { values }) => keys.flatMap((key) => values.map((value) => [...key, value])),
    [[]],
  )
}

function asLabel(value: Json | undefined): string {
  return value === undefined || value === null || Array.isArray(value) || isJsonObject(value)
    ? ''
    : String(value)
}

function clamped(
  value: Json | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const whole = typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) : 0
  return Math.min(max, Math.max(min, whole))
}
