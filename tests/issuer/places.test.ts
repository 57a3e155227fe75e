// Places in status lists: drawn at random, never given twice, a whole batch in a few round trips, whoever else asks at the same
// time, on both engines.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemRandom } from '#ctid/base'
import { type IssuerLedger, issuerMigrations, storeLedger } from '#ctid/issuer'
import { migrate, openStore, type Session, type Store } from '#ctid/store'
import { postgresForTests } from '../store/postgres-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctid-places-'))
const database = await postgresForTests()
const stores: Store[] = []
afterAll(async () => {
  for (const store of stores) await store.close()
  await database?.stop()
  rmSync(folder, { recursive: true })
})

async function open(url: string): Promise<Store> {
  const store = await openStore(url)
  stores.push(store)
  await migrate(store, [issuerMigrations])
  return store
}
const engines = [
  { engine: 'SQLite', fresh: async () => join(folder, `${stores.length}.db`), present: true },
  {
    engine: 'PostgreSQL',
    fresh: async () => (await database?.fresh()) ?? '',
    present: database !== undefined,
  },
]
const SIZES = { listSize: 1024, fill: 0.75 }

// A store that counts what is sent to it.
function counting(store: Store): { readonly store: Store; sent(): number } {
  let sent = 0
  const session = (inner: Session): Session =>
    new Proxy(inner, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...given: unknown[]) => unknown
        return (...given: unknown[]) => {
          sent++
          return method.apply(target, given)
        }
      },
    })
  const counted: Store = Object.create(store, {
    transaction: {
      value: (work: (one: Session) => Promise<unknown>) => store.transaction((one) => work(session(one))),
    },
  })
  return { store: counted, sent: () => sent }
}

describe.each(engines)('$engine', ({ fresh, present }) => {
  it.skipIf(!present)('gives fifty places in as many statements as five', async () => {
    const { store, sent } = counting(await open(await fresh()))
    const ledger = storeLedger(store, { random: systemRandom, listSize: 1000 })
    await ledger.allocate(5)
    const counts: number[] = []
    for (const count of [1, 5, 50, 50]) {
      const before = sent()
      expect(await ledger.allocate(count)).toHaveLength(count)
      counts.push(sent() - before)
    }
    // Which list, its count, which are taken, the places.
    expect(counts).toEqual([4, 4, 4, 4])
  })

  it.skipIf(!present)(
    'writes the places of many batches at once, so that its rows do not tell which are one',
    async () => {
      const real = await open(await fresh())
      const { store, sent } = counting(real)
      const ledger = storeLedger(store, { random: systemRandom })
      const batches = await Promise.all(Array.from({ length: 70 }, () => ledger.allocate(10)))
      // As for one batch, and two more for the first list of all.
      expect(sent()).toBe(6)
      const placeOf = ({ list, index }: { list: number; index: number }) => list * 2 ** 24 + index
      // As they lie on disk: PostgreSQL keeps the order of writing.
      const rows = await real.rows<{ place: number }>('select place from issuer_place')
      const at = new Map(rows.map(({ place }, i) => [Number(place), i]))
      expect(rows).toHaveLength(768)
      const steps = batches.flatMap((batch) =>
        batch.slice(1).map((place, i) => {
          const before = at.get(placeOf(batch[i] as typeof place)) as number
          return Math.abs((at.get(placeOf(place)) as number) - before)
        }),
      )
      // Two places at random among 768 are a third of that apart.
      const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length
      expect(Math.abs(mean - 256)).toBeLessThan(60)
    },
  )

  it.skipIf(!present)(
    'gives each place once, and no list more than its share, whoever asks at once',
    async () => {
      const url = await fresh()
      const ledgers: IssuerLedger[] = []
      for (let i = 0; i < 3; i++)
        ledgers.push(storeLedger(await open(url), { random: systemRandom, ...SIZES }))
      const batches = await Promise.all(
        Array.from({ length: 60 }, (_, i) => ledgers[i % 3]?.allocate(1 + ((i * 17) % 50))),
      )
      const places = batches.flatMap((batch) => batch ?? [])
      expect(batches.map((batch) => batch?.length)).toEqual(batches.map((_, i) => 1 + ((i * 17) % 50)))
      expect(new Set(places.map(({ list, index }) => `${list}/${index}`)).size).toBe(places.length)
      const perList = new Map<number, number>()
      for (const { list, index } of places) {
        expect(index).toBeLessThan(SIZES.listSize)
        perList.set(list, (perList.get(list) ?? 0) + 1)
      }
      expect(perList.size).toBeGreaterThan(1)
      for (const count of perList.values()) expect(count).toBeLessThanOrEqual(768)
      const store = stores.at(-1) as Store
      const rows = await store.rows<{ list: number; taken: number }>('select list, taken from issuer_list')
      expect(new Map(rows.map(({ list, taken }) => [list, taken]))).toEqual(perList)
    },
  )

  it.skipIf(!present)('spreads a batch over the whole list, in no order, up to its last place', async () => {
    const ledger = storeLedger(await open(await fresh()), { random: systemRandom, ...SIZES, fill: 1 })
    const all: number[] = []
    for (let i = 0; i < 64; i++) all.push(...(await ledger.allocate(16)).map(({ index }) => index))
    expect(await ledger.newestList()).toBe(0)
    expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: 1024 }, (_, i) => i))
    // Halves of the list take turns as coins do: 512 of 1024 neighbours, give or take six deviations.
    const ups = all.filter((index, i) => index > (all[i - 1] ?? -1)).length
    expect(Math.abs(ups - 512)).toBeLessThan(60)
    expect((await ledger.allocate(1))[0]?.list).toBe(1)
  })

  it.skipIf(!present)(
    'gives fifty places a status in one statement, or in two when they have one',
    async () => {
      const real = await open(await fresh())
      const { store, sent } = counting(real)
      const { statuses: read } = storeLedger(real, { random: systemRandom })
      const ledger = { ...storeLedger(store, { random: systemRandom }), statuses: read }
      const places = await ledger.allocate(50)
      const [other] = await ledger.allocate(1)
      const counts: number[] = []
      const statuses = new Set<number>()
      for (const status of [2, 0, 2, 1]) {
        const before = sent()
        await ledger.setStatuses(places, status)
        counts.push(sent() - before)
        for (const one of await ledger.statuses(0)) statuses.add(one.status)
        expect(await ledger.statuses(0)).toHaveLength(status === 0 ? 0 : 50)
      }
      expect(counts).toEqual([1, 2, 2, 2])
      expect(statuses).toEqual(new Set([1, 2]))
      // Of two hundred, some new, some known, some revoked: revoked ones stay so.
      const more = await ledger.allocate(150)
      await ledger.setStatuses([...more, ...places], 2)
      const now = new Map((await ledger.statuses(0)).map(({ index, status }) => [index, status]))
      expect(places.map(({ index }) => now.get(index))).toEqual(places.map(() => 1))
      expect(more.map(({ index }) => now.get(index))).toEqual(more.map(() => 2))
      expect(now.has(other?.index ?? -1)).toBe(false)
      await ledger.setStatuses([], 1)
    },
  )

  it.skipIf(!present)('a subject that was revoked stays so, whoever asks for what at once', async () => {
    const url = await fresh()
    const [one, two] = [
      storeLedger(await open(url), { random: systemRandom }),
      storeLedger(await open(url), { random: systemRandom }),
    ] as const
    for (let i = 0; i < 10; i++) {
      const label = systemRandom(32)
      const asked = [one, two, one, two].map((ledger, j) =>
        ledger.setSubjectStatus(label, [0, 1, 2, 0][j] ?? 0),
      )
      expect((await Promise.all(asked))[1]).toBe(true)
      expect([await one.subjectStatus(label), await two.setSubjectStatus(label, 0)]).toEqual([1, false])
      expect([await two.setSubjectStatus(label, 1), await two.subjectStatus(label)]).toEqual([true, 1])
    }
  })

  it.skipIf(!present)('takes no place that somebody took without counting it', async () => {
    const store = await open(await fresh())
    const ledger = storeLedger(store, { random: systemRandom, listSize: 64, fill: 0.5 })
    await store.insert(
      'issuer_place',
      ['place'],
      Array.from({ length: 60 }, (_, i) => [i]),
    )
    const places = await ledger.allocate(4)
    expect(places.map(({ index }) => index).sort()).toEqual([60, 61, 62, 63])
    await expect((async () => ledger.allocate(1))()).rejects.toMatchObject({ code: 'ERR_STATUS_FULL' })
  })
})
