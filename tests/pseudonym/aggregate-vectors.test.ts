// The published tables of fusions: from joined rows to cells, and which cells are kept back. With UPDATE_VECTORS=1 they
// are written anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#ctid/base'
import { aggregate, type JoinedRow, type Query } from '../../src/pseudonym/aggregate.ts'
import { withComplements } from '../../src/pseudonym/suppression.ts'
import { seededRandom } from './world.ts'

type Table = {
  readonly sizes: number[]
  readonly minimumCell: number
  readonly counts: number[]
  readonly told: (number | null)[]
}

const path = new URL('../vectors/aggregates.json', import.meta.url)

function tell(sizes: number[], minimumCell: number, counts: number[]): Table {
  const small = counts.map((count) => count < minimumCell)
  const kept = withComplements(small, counts, sizes)
  return { sizes, minimumCell, counts, told: counts.map((count, i) => (kept[i] ? null : count)) }
}

function tables(): Table[] {
  const random = seededRandom('CTID tables 1')
  const shapes = [[1], [6], [2, 3], [3, 3], [4, 5], [2, 3, 4], [3, 1, 4], [2, 2, 2, 2]]
  const drawn = [5, 8].flatMap((minimumCell) =>
    shapes.map((sizes) => {
      const cells = sizes.reduce((product, size) => product * size, 1)
      return tell(
        sizes,
        minimumCell,
        [...random(cells)].map((byte) => byte % 19),
      )
    }),
  )
  return [
    tell([3], 5, [9, 9, 4]), // two equal ones: the first goes
    tell([2, 2], 5, [4, 9, 9, 9]), // one leads to the next
    tell([3, 3], 5, [4, 20, 30, 20, 7, 8, 30, 8, 9]),
    tell([3, 3], 5, [4, 4, 30, 20, 7, 8, 30, 8, 9]),
    tell([2, 3], 2, [0, 5, 5, 5, 5, 5]),
    ...drawn,
  ]
}

const rows: { [sector: string]: JsonObject }[] = [
  { health: { asthma: 'yes' }, transport: { mode: 'bus', km: 3 } },
  { health: { asthma: 'yes' }, transport: { mode: 'bus', km: 99 } },
  { health: { asthma: 'yes' }, transport: { mode: 'bus', km: -4 } },
  { health: { asthma: 'no' }, transport: { mode: 'bus', km: 2.9 } },
  { health: { asthma: 'no' }, transport: { mode: 'bus', km: '7' } },
  { health: { asthma: 'no' }, transport: { mode: 'train', km: 5 } }, // not declared: counts nowhere
  { health: {}, transport: { mode: 'bus', km: 5 } },
  { health: { asthma: true }, transport: { mode: 'bus', km: 5 } }, // the text "true"
  { health: { asthma: true }, transport: { mode: 'bus' } },
  { health: { asthma: ['yes'] }, transport: { mode: 'bus', km: 5 } }, // no label: the empty one
]
const groupBy = [
  { sector: 'health', field: 'asthma', values: ['yes', 'no', 'true', ''] },
  { sector: 'transport', field: 'mode', values: ['bus'] },
]
const queries: Query[] = [
  { groupBy, measure: { type: 'count' } },
  { groupBy, measure: { type: 'sum', sector: 'transport', field: 'km', min: 0, max: 10 } },
  { groupBy: [], measure: { type: 'count' } },
]

function make() {
  const joined = rows.map((row): JoinedRow => new Map(Object.entries(row)))
  const answers = queries.map((query) => ({
    query,
    cells: aggregate(joined, query, { minimumCell: 2, random: seededRandom('not drawn from') }),
  }))
  return { tables: tables(), rows, minimumCell: 2, answers }
}

describe('the published tables', () => {
  if (process.env['UPDATE_VECTORS']) writeFileSync(path, `${JSON.stringify(make())}\n`)

  it('are what this code tells of their counts and rows', () => {
    expect(JSON.parse(JSON.stringify(make()))).toEqual(JSON.parse(readFileSync(path, 'utf8')))
  })
})
