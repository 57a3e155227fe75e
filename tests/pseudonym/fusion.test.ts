// Fusion: what leaves is an aggregate, small cells do not, noise is exact, budgets last, and the space ends.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CtidError, type Json, shuffle, uniformBelow, utf8 } from '#ctid/base'
import { type Group, loadSodiumGroup, type Point, type Scalar } from '#ctid/crypto'
import {
  ANCHOR,
  bernoulliExp,
  type Cell,
  convertBatch,
  type Delivery,
  discreteLaplace,
  enrolInAudit,
  type Fusion,
  memoryJournal,
  type OpenedGrant,
  openFusion,
  openGrant,
  type PrivacyBudget,
  privacyBudget,
  type Query,
} from '#ctid/pseudonym'
import { openJournalFile } from '../../src/pseudonym/node.ts'
import { withComplements } from '../../src/pseudonym/suppression.ts'
import { makeWorld, NOW, oracle, receiverOf, seededRandom, syntheticAnchors, type World } from './world.ts'

const PURPOSE = 'purpose.1'
const folder = mkdtempSync(join(tmpdir(), 'ctid-fusion-'))
afterAll(() => rmSync(folder, { recursive: true }))

let group: Group
let world: World
let anchors: Point[]
const grants: OpenedGrant[] = []
const delivered = new Map<string, readonly Delivery[]>()

// 24 people known to health, 20 of them to transport; every third has asthma, every second takes the bus.
const healthRow = (i: number): Json => ({ asthma: i % 3 === 0 ? 'yes' : 'no' })
const transportRow = (i: number): Json => ({ mode: i % 2 === 0 ? 'bus' : 'bicycle', kilometres: i })
const TRANSPORT = 20

async function deliver(
  from: string,
  rows: readonly { anchor: Point; row: Json }[],
): Promise<readonly Delivery[]> {
  const fields = from === 'health' ? ['asthma'] : ['mode', 'kilometres']
  const grant = await world.grant(from, PURPOSE, { fields })
  if (!delivered.has(from)) grants.push(await openGrant(grant, world.directory.authorities))
  const points = rows.map(({ anchor }) => oracle(world, anchor, from))
  const payloads = rows.map(({ row }) => utf8(JSON.stringify(row)))
  const batch = await world.request(from, PURPOSE, points, { grant, payloads, fields })
  return (await convertBatch(group, batch, world.gateway())).deliveries
}

beforeAll(async () => {
  group = await loadSodiumGroup()
  world = await makeWorld(group, { seed: 'fusion' })
  anchors = syntheticAnchors(group, 24)
  const payloads = anchors.map(() => group.multiplyBase(group.randomScalar(world.random)))
  await enrolInAudit(await world.request(ANCHOR, 'audit', anchors, { payloads }), world.gateway())
  delivered.set(
    'health',
    await deliver(
      'health',
      anchors.map((anchor, i) => ({ anchor, row: healthRow(i) })),
    ),
  )
  const known = anchors.slice(0, TRANSPORT)
  delivered.set(
    'transport',
    await deliver(
      'transport',
      known.map((anchor, i) => ({ anchor, row: transportRow(i) })),
    ),
  )
})

async function fusion(more: { minimumCell?: number; ledger?: PrivacyBudget } = {}): Promise<Fusion> {
  const { minimumCell = 3, ledger } = more
  const opened = openFusion(group, {
    sector: PURPOSE,
    secretKey: receiverOf(world, PURPOSE).slice() as Scalar,
    grants,
    minimumCell,
    ...(ledger && { budget: { ledger, account: 'asthma study' } }),
    clock: () => world.now,
    random: world.random,
  })
  for (const [from, deliveries] of delivered) await opened.add(from, deliveries)
  return opened
}

const byAsthmaAndMode: Query = {
  groupBy: [
    { sector: 'health', field: 'asthma', values: ['yes', 'no'] },
    { sector: 'transport', field: 'mode', values: ['bus', 'bicycle', 'train'] },
  ],
  measure: { type: 'count' },
}
const withoutTrain: Query = {
  ...byAsthmaAndMode,
  groupBy: byAsthmaAndMode.groupBy.map((dimension) => ({
    ...dimension,
    values: dimension.values.filter((value) => value !== 'train'),
  })),
}
const codeOf = (action: () => unknown): string => {
  try {
    action()
    return 'accepted'
  } catch (error) {
    return (error as CtidError).code
  }
}

describe('a fusion', () => {
  test('counts the join exactly as plain data would, small cells suppressed and with them what gives them away', async () => {
    const expected = (asthma: string, mode: string): number =>
      Array.from({ length: TRANSPORT }, (_, i) => i).filter(
        (i) => (i % 3 === 0 ? 'yes' : 'no') === asthma && (i % 2 === 0 ? 'bus' : 'bicycle') === mode,
      ).length
    const cells = (await fusion({ minimumCell: 4 })).aggregate(withoutTrain)
    const count = (asthma: string, mode: string) =>
      cells.find(({ key }) => key[0] === asthma && key[1] === mode)?.count
    // Three with asthma cycle. Whoever knows the line's total would find them from the four who take the bus.
    expect(cells).toEqual([
      { key: ['yes', 'bus'], count: null },
      { key: ['yes', 'bicycle'], count: null },
      { key: ['no', 'bus'], count: null },
      { key: ['no', 'bicycle'], count: null },
    ])
    expect(expected('yes', 'bicycle')).toBe(3)
    const open = (await fusion({ minimumCell: 3 })).aggregate(withoutTrain)
    for (const { key, count: told } of open) expect(told).toBe(expected(key[0] ?? '', key[1] ?? ''))
    expect(count('no', 'bus')).toBeNull()
  })

  test('no line of any table is left with one suppressed cell, and nothing small is ever shown', () => {
    const counts = fc.array(fc.nat(12), { minLength: 24, maxLength: 24 })
    const sizes = fc.constantFrom([24], [4, 6], [2, 12], [2, 3, 4])
    fc.assert(
      fc.property(counts, sizes, (cells, shape) => {
        const small = cells.map((count) => count < 5)
        const out = withComplements(small, cells, shape)
        expect(small.some((isSmall, i) => isSmall && !out[i])).toBe(false)
        const at = (key: readonly number[]) => key.reduce((index, k, d) => index * (shape[d] ?? 1) + k, 0)
        const keys = shape.reduce<number[][]>(
          (some, size) => some.flatMap((key) => Array.from({ length: size }, (_, k) => [...key, k])),
          [[]],
        )
        for (const [d, size] of shape.entries()) {
          for (const key of keys) {
            const line = Array.from({ length: size }, (_, k) => out[at(key.with(d, k))])
            expect(line.filter(Boolean).length).not.toBe(1)
          }
        }
        if (!small.includes(true)) expect(out).toEqual(small)
      }),
      { seed: 11, numRuns: 100 },
    )
  })

  test('sums are clamped to their declared bounds', async () => {
    const cells = (await fusion()).aggregate({
      groupBy: [{ sector: 'transport', field: 'mode', values: ['bus'] }],
      measure: { type: 'sum', sector: 'transport', field: 'kilometres', min: 0, max: 10 },
    })
    // 0 2 4 6 8 10 12 14 16 18, clamped at 10.
    expect(cells).toEqual([{ key: ['bus'], count: 10, sum: 0 + 2 + 4 + 6 + 8 + 10 * 5 }])
  })

  test('a second exact table is refused: subtracting two would show a person', async () => {
    const opened = await fusion()
    opened.aggregate(byAsthmaAndMode)
    expect(codeOf(() => opened.aggregate(byAsthmaAndMode))).toBe('accepted')
    const finer = { ...byAsthmaAndMode, groupBy: byAsthmaAndMode.groupBy.slice(0, 1) }
    expect(codeOf(() => opened.aggregate(finer))).toBe('ERR_PSEUDONYM_BUDGET')
  })

  test('nobody is added after an answer: the same question again would tell about that person', async () => {
    const opened = await fusion()
    const cells = opened.aggregate(byAsthmaAndMode)
    const late = await deliver('transport', [{ anchor: anchors[20] as Point, row: transportRow(20) }])
    await expect(opened.add('transport', late)).rejects.toMatchObject({ code: 'ERR_PSEUDONYM_ROWS' })
    expect(opened.aggregate(byAsthmaAndMode)).toEqual(cells)
    // Neither while the answer is on its way: the addition had begun, the answer came first.
    const racing = await fusion()
    const adding = racing.add('transport', late)
    racing.aggregate(byAsthmaAndMode)
    await expect(adding).rejects.toMatchObject({ code: 'ERR_PSEUDONYM_ROWS' })
  })

  test('answers nothing, and spends nothing, before all departments have delivered', async () => {
    const ledger = privacyBudget(memoryJournal(), { limitMilli: 1000 })
    const opened = openFusion(group, { ...optionsOf(), budget: { ledger, account: 'early' } })
    await opened.add('health', delivered.get('health') ?? [])
    for (const query of [byAsthmaAndMode, { ...byAsthmaAndMode, epsilonMilli: 500 }]) {
      expect(codeOf(() => opened.aggregate(query))).toBe('ERR_PSEUDONYM_ROWS')
    }
    expect(ledger.remaining('early')).toBe(1000)
    await opened.add('transport', delivered.get('transport') ?? [])
    expect(codeOf(() => opened.aggregate(byAsthmaAndMode))).toBe('accepted')
  })

  test('two deliveries at the same moment are both kept', async () => {
    const opened = openFusion(group, { ...optionsOf(), minimumCell: 2 })
    const [a, b] = [delivered.get('health')?.slice(0, 12), delivered.get('health')?.slice(12)]
    await Promise.all([opened.add('health', a ?? []), opened.add('health', b ?? [])])
    await opened.add('transport', delivered.get('transport') ?? [])
    const query: Query = { groupBy: [], measure: { type: 'count' } }
    expect(opened.aggregate(query)).toEqual([{ key: [], count: TRANSPORT }])
  })

  test('ends with the sunset of its grants', async () => {
    let now = NOW
    const opened = openFusion(group, { ...optionsOf(), clock: () => now })
    await opened.add('health', delivered.get('health') ?? [])
    now = Math.min(...grants.map(({ notAfter }) => notAfter))
    expect(codeOf(() => opened.aggregate(byAsthmaAndMode))).toBe('ERR_PSEUDONYM_GRANT_TIME')
    await expect(opened.add('transport', [])).rejects.toMatchObject({ code: 'ERR_PSEUDONYM_GRANT_TIME' })
  })

  test('takes one grant a department, to this purpose and no other', async () => {
    const elsewhere = await openGrant(await world.grant('health', 'civil'), world.directory.authorities)
    const [one] = grants as [OpenedGrant]
    for (const wrong of [[], [one, one], [elsewhere]]) {
      expect(codeOf(() => openFusion(group, { ...optionsOf(), grants: wrong }))).toBe(
        'ERR_PSEUDONYM_GRANT_SCOPE',
      )
    }
  })

  test('only granted fields may be delivered and asked for', async () => {
    const opened = await fusion()
    const income = { ...byAsthmaAndMode, groupBy: [{ sector: 'health', field: 'income', values: ['1'] }] }
    expect(codeOf(() => opened.aggregate(income))).toBe('ERR_PSEUDONYM_GRANT_SCOPE')
    const civil = { ...byAsthmaAndMode, groupBy: [{ sector: 'civil', field: 'x', values: ['1'] }] }
    expect(codeOf(() => opened.aggregate(civil))).toBe('ERR_PSEUDONYM_GRANT_SCOPE')
    await expect(opened.add('civil', [])).rejects.toThrow(CtidError)
    const smuggled = await deliver('health', [
      { anchor: anchors[0] as Point, row: { asthma: 'no', name: 'x' } },
    ])
    const fresh = openFusion(group, {
      sector: PURPOSE,
      secretKey: receiverOf(world, PURPOSE),
      grants,
      minimumCell: 3,
      clock: () => NOW,
      random: world.random,
    })
    await expect(fresh.add('health', smuggled)).rejects.toMatchObject({ code: 'ERR_PSEUDONYM_GRANT_SCOPE' })
  })

  test('a person twice in one table is refused', async () => {
    const opened = await fusion()
    const again = await deliver('health', [{ anchor: anchors[0] as Point, row: { asthma: 'no' } }])
    await expect(opened.add('health', again)).rejects.toMatchObject({ code: 'ERR_PSEUDONYM_ROWS' })
  })

  test('unsound queries are refused', async () => {
    const opened = await fusion()
    const many = Array.from({ length: 200 }, (_, i) => String(i))
    const faults: Partial<Query>[] = [
      { groupBy: [{ sector: 'health', field: 'asthma', values: [] }] },
      { groupBy: [{ sector: 'health', field: 'asthma', values: ['yes', 'yes'] }] },
      { groupBy: [1, 2].map(() => ({ sector: 'health', field: 'asthma', values: many })) },
      { epsilonMilli: 0 },
      { epsilonMilli: 0.5 },
      { measure: { type: 'sum', sector: 'transport', field: 'kilometres', min: 5, max: 5 } },
      { measure: { type: 'sum', sector: 'transport', field: 'kilometres', min: 0, max: 0.5 } },
    ]
    for (const fault of faults) {
      expect(codeOf(() => opened.aggregate({ ...byAsthmaAndMode, ...fault }))).toBe('ERR_PSEUDONYM_QUERY')
    }
    expect(codeOf(() => openFusion(group, { ...optionsOf(), minimumCell: 1 }))).toBe('ERR_PSEUDONYM_QUERY')
  })

  test('once discarded it answers nothing, and its key is gone', async () => {
    const secretKey = receiverOf(world, PURPOSE).slice() as Scalar
    const opened = openFusion(group, { ...optionsOf(), secretKey })
    await opened.add('health', delivered.get('health') ?? [])
    opened.discard()
    expect(codeOf(() => opened.aggregate(byAsthmaAndMode))).toBe('ERR_PSEUDONYM_DISCARDED')
    await expect(opened.add('transport', [])).rejects.toMatchObject({ code: 'ERR_PSEUDONYM_DISCARDED' })
    expect(secretKey.every((byte) => byte === 0)).toBe(true)
  })
})

const optionsOf = () => ({
  sector: PURPOSE,
  secretKey: receiverOf(world, PURPOSE).slice() as Scalar,
  grants,
  minimumCell: 3,
  clock: () => NOW,
  random: world.random,
})

describe('noise and its budget', () => {
  test('noisy answers need budget; spending is durable and refused at the limit', async () => {
    const path = join(folder, 'budget')
    let journal = openJournalFile(path)
    const noisy: Query = { ...byAsthmaAndMode, epsilonMilli: 400 }
    const opened = await fusion({ ledger: privacyBudget(journal, { limitMilli: 1000 }) })
    opened.aggregate(noisy)
    journal.close()
    journal = openJournalFile(path)
    const ledger = privacyBudget(journal, { limitMilli: 1000 })
    const later = await fusion({ ledger })
    expect(ledger.remaining('asthma study')).toBe(600)
    later.aggregate(noisy)
    expect(codeOf(() => later.aggregate(noisy))).toBe('ERR_PSEUDONYM_BUDGET')
    expect(ledger.remaining('asthma study')).toBe(200)
    expect(ledger.remaining('another study')).toBe(1000)
    journal.close()
    const without = await fusion()
    expect(codeOf(() => without.aggregate(noisy))).toBe('ERR_PSEUDONYM_BUDGET')
  })

  test('empty cells get noise too, and answers stay near the truth', async () => {
    const ledger = privacyBudget(memoryJournal(), { limitMilli: 1_000_000 })
    const opened = await fusion({ ledger, minimumCell: 2 })
    const answers = Array.from({ length: 200 }, () =>
      opened.aggregate({ ...byAsthmaAndMode, epsilonMilli: 1000 }),
    )
    const at = (asthma: string, mode: string): (number | null)[] =>
      answers.map(
        (cells: Cell[]) => cells.find(({ key }) => key[0] === asthma && key[1] === mode)?.count ?? null,
      )
    expect(at('yes', 'train').some((count) => count !== null)).toBe(true)
    const shown = at('no', 'bus').filter((count) => count !== null)
    const mean = shown.reduce((sum, count) => sum + count, 0) / shown.length
    expect(Math.abs(mean - 6)).toBeLessThan(1)
    expect(new Set(shown).size).toBeGreaterThan(3)
  })

  test('a noisy sum spends half on the count, which needs an even ε', async () => {
    const ledger = privacyBudget(memoryJournal(), { limitMilli: 100_000 })
    const opened = await fusion({ ledger })
    const measure = { type: 'sum', sector: 'transport', field: 'kilometres', min: 0, max: 20 } as const
    const query: Query = { groupBy: [{ sector: 'transport', field: 'mode', values: ['bus'] }], measure }
    expect(codeOf(() => opened.aggregate({ ...query, epsilonMilli: 501 }))).toBe('ERR_PSEUDONYM_QUERY')
    const [cell] = opened.aggregate({ ...query, epsilonMilli: 20_000 })
    expect(Math.abs((cell?.sum ?? 0) - 90)).toBeLessThan(30)
  })
})

describe('exact tables over the same people', () => {
  test('tell each field once, in whichever fusion, also after a restart', async () => {
    const path = join(folder, 'told')
    let journal = openJournalFile(path)
    const first = await fusion({ ledger: privacyBudget(journal, { limitMilli: 1000 }) })
    first.aggregate(byAsthmaAndMode)
    expect(codeOf(() => first.aggregate(byAsthmaAndMode))).toBe('accepted')
    journal.close()
    journal = openJournalFile(path)
    const ledger = privacyBudget(journal, { limitMilli: 1000 })
    const second = await fusion({ ledger })
    expect(codeOf(() => second.aggregate(byAsthmaAndMode))).toBe('ERR_PSEUDONYM_BUDGET')
    const kilometres = { type: 'sum', sector: 'transport', field: 'kilometres', min: 0, max: 10 } as const
    const byMode: Query = { groupBy: byAsthmaAndMode.groupBy.slice(1), measure: kilometres }
    expect(codeOf(() => second.aggregate(byMode))).toBe('ERR_PSEUDONYM_BUDGET')
    const alone: Query = { groupBy: [], measure: kilometres }
    expect(codeOf(() => second.aggregate(alone))).toBe('accepted')
    expect(ledger.remaining('asthma study')).toBe(1000)
    journal.close()
  })

  test('a budget without a limit, or a journal that is none, is refused', () => {
    for (const limitMilli of [Number.NaN, 0, -1, 0.5, Number.POSITIVE_INFINITY]) {
      expect(codeOf(() => privacyBudget(memoryJournal(), { limitMilli }))).toBe('ERR_PSEUDONYM_QUERY')
    }
    for (const record of [{ account: 'a', amount: -5 }, { account: 1 }, { account: 'a', exact: [1] }]) {
      expect(codeOf(() => privacyBudget(memoryJournal([record]), { limitMilli: 1 }))).toBe(
        'ERR_PSEUDONYM_JOURNAL',
      )
    }
  })
})

describe('exact sampling', () => {
  const random = seededRandom('noise')

  test('uniform integers and shuffles are unbiased', () => {
    const counts = new Array<number>(7).fill(0)
    for (let i = 0; i < 14_000; i++) {
      const value = uniformBelow(7, random)
      counts[value] = (counts[value] ?? 0) + 1
    }
    expect(
      chiSquare(
        counts,
        counts.map(() => 2000),
      ),
    ).toBeLessThan(22.5) // 6 degrees of freedom, p = 0.001
    const orders = new Map<string, number>()
    for (let i = 0; i < 6000; i++) {
      const order = shuffle(['a', 'b', 'c'], random).join('')
      orders.set(order, (orders.get(order) ?? 0) + 1)
    }
    expect(chiSquare([...orders.values()], new Array<number>(6).fill(1000))).toBeLessThan(20.5)
  })

  test.each([
    [0, 1],
    [1, 3],
    [1, 1],
  ])('exp(−%i/%i)', (numerator, denominator) => {
    const trials = 8000
    let hits = 0
    for (let i = 0; i < trials; i++) if (bernoulliExp(numerator, denominator, random)) hits++
    const p = Math.exp(-numerator / denominator)
    expect(Math.abs(hits - trials * p)).toBeLessThanOrEqual(4 * Math.sqrt(trials * p * (1 - p)))
  })

  test.each([
    [1000, 1],
    [300, 1],
    [2000, 3],
  ])(
    'discrete Laplace for ε = %i/1000 and sensitivity %i follows its distribution',
    (epsilonMilli, sensitivity) => {
      const trials = 8000
      const counts = new Map<number, number>()
      for (let i = 0; i < trials; i++) {
        const x = discreteLaplace({ epsilonMilli, sensitivity }, random)
        counts.set(x, (counts.get(x) ?? 0) + 1)
      }
      const q = Math.exp(-epsilonMilli / 1000 / sensitivity)
      const probability = (x: number): number => ((1 - q) / (1 + q)) * q ** Math.abs(x)
      const range = Array.from({ length: 11 }, (_, i) => i - 5)
      const observed = range.map((x) => counts.get(x) ?? 0)
      const expected = range.map((x) => trials * probability(x))
      const rest = trials - observed.reduce((sum, count) => sum + count, 0)
      const restExpected = trials - expected.reduce((sum, count) => sum + count, 0)
      const all =
        restExpected > 5
          ? { o: [...observed, rest], e: [...expected, restExpected] }
          : { o: observed, e: expected }
      expect(chiSquare(all.o, all.e)).toBeLessThan(31.3) // 11 degrees of freedom, p = 0.001
    },
  )

  test('parameters that are no positive whole numbers are refused', () => {
    for (const epsilonMilli of [0, -1, 0.5, Number.NaN, 2 ** 40]) {
      expect(() => discreteLaplace({ epsilonMilli, sensitivity: 1 }, random)).toThrow(CtidError)
    }
  })
})

function chiSquare(observed: readonly number[], expected: readonly number[]): number {
  return observed.reduce(
    (sum, count, i) => sum + (count - (expected[i] as number)) ** 2 / (expected[i] as number),
    0,
  )
}
