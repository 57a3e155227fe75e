// Joining tables by every column they hold: what anybody would try who gets hold of them.

export type Table = { readonly id: string; readonly rows: readonly Readonly<Record<string, string>>[] }

export type PairOfTables = {
  readonly pair: readonly [string, string]
  readonly columns: number
  readonly comparisons: number
  /** Rows of the second table whose value stands in the first, by the best pair of columns. */
  readonly matched: number
}

/** Joins every two tables by every two columns. */
export function joinByEveryColumn(tables: readonly Table[]): PairOfTables[] {
  return tables.flatMap((one, at) => tables.slice(at + 1).map((other) => joinTwo(one, other)))
}

function joinTwo(one: Table, other: Table): PairOfTables {
  const left = columnsOf(one)
  const right = columnsOf(other)
  let comparisons = 0
  let matched = 0
  for (const mine of left) {
    const values = new Set(mine)
    for (const theirs of right) {
      comparisons += mine.length * theirs.length
      matched = Math.max(matched, theirs.filter((value) => values.has(value)).length)
    }
  }
  return { pair: [one.id, other.id], columns: left.length * right.length, comparisons, matched }
}

function columnsOf({ rows }: Table): string[][] {
  const names = new Set(rows.flatMap((row) => Object.keys(row)))
  return [...names].map((name) => rows.flatMap((row) => row[name] ?? []))
}
