// What a requester fills in for a join, read strictly, and the query that it comes to.
import { CtidError, isJsonObject, type JsonObject } from '#ctid/base'
import type { Query } from '#ctid/pseudonym'
import { FIELDS, isDepartment, MINIMUM_CELLS, type Side } from './department-fields.ts'

/** What a requester fills in. */
export type JoinOrder = {
  readonly sides: readonly [Side, Side]
  readonly requester: string
  readonly text: Readonly<Record<string, string>>
  readonly count: number
  readonly days: number
  readonly minimumCell: number
}

/** @throws {CtidError} `ERR_HTTP_BAD_REQUEST` */
export function parseOrder(body: JsonObject): JoinOrder {
  const { sides, requester, text, count, days, minimumCell } = body
  const parsed = Array.isArray(sides) ? sides.flatMap((side) => (isSide(side) ? [side] : [])) : []
  const [first, second] = parsed
  const texts = isJsonObject(text)
    ? Object.entries(text).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    : []
  const sound =
    first !== undefined &&
    second !== undefined &&
    first.department !== second.department &&
    typeof requester === 'string' &&
    requester.trim() !== '' &&
    texts.length > 0 &&
    texts.every(([language, words]) => (language === 'en' || language === 'zh') && words.trim() !== '') &&
    isWhole(count, 1, 4096) &&
    isWhole(days, 1, 365) &&
    MINIMUM_CELLS.some((size) => size === minimumCell)
  if (!sound) throw new CtidError('ERR_HTTP_BAD_REQUEST')
  return {
    sides: [first, second],
    requester: requester.trim(),
    text: Object.fromEntries(texts),
    count,
    days,
    minimumCell: Number(minimumCell),
  }
}

function isSide(value: unknown): value is Side {
  if (!isJsonObject(value)) return false
  const { department, field } = value
  return isDepartment(department) && typeof field === 'string' && Object.hasOwn(FIELDS[department], field)
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
}

export function queryOf({ sides }: JoinOrder, epsilonMilli: number | undefined): Query {
  return {
    groupBy: sides.map(({ department, field }) => ({
      sector: department,
      field,
      values: FIELDS[department][field] ?? [],
    })),
    measure: { type: 'count' },
    ...(epsilonMilli !== undefined && { epsilonMilli }),
  }
}
