// Wrong on purpose: statistics that answer every question exactly, however few people a cell holds.
import { aggregate, type JoinedRow, type Query } from '../../../src/pseudonym/aggregate.ts'

/** A publisher answers a count, suppresses it (`null`), or refuses (`undefined`). Ours has the same shape. */
export type Publisher = (rows: readonly JoinedRow[], query: Query) => number | null | undefined

export const exactTables: Publisher = (rows, query) =>
  // A minimum of nothing: every cell leaves.
  aggregate(rows, query, { minimumCell: 0, random: (length) => new Uint8Array(length) })[0]?.count
