// What every store must do, whatever engine is behind it. Run by the test files of each engine.

import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { type Migrations, migrate, type Store } from '#ctid/store'

export const pairs: Migrations = {
  room: 'pair',
  steps: [
    [
      'create table pair_left (l bytea not null primary key, r bytea not null, n bigint, t text) without rowid',
      'create table pair_right (r bytea not null primary key, l bytea not null) without rowid',
    ],
  ],
  shardBy: { pair_left: 'l', pair_right: 'r' },
}

export const bytes = (...values: number[]) => Uint8Array.from(values)

const LEFT = 'insert into pair_left (l, r) values ($1, $2) on conflict do nothing'
const RIGHT = 'insert into pair_right (r, l) values ($1, $2) on conflict do nothing'

class Taken extends Error {}

/** Binds both directions in one transaction, the shape on which one-to-one rests. */
export async function bind(store: Store, l: Uint8Array, r: Uint8Array): Promise<'bound' | 'left' | 'right'> {
  try {
    return await store.transaction(async (tx) => {
      if ((await tx.run(LEFT, [l, r])) === 0) return 'left'
      if ((await tx.run(RIGHT, [r, l])) === 0) throw new Taken()
      return 'bound'
    })
  } catch (error) {
    if (error instanceof Taken) return 'right'
    throw error
  }
}

export async function broken(store: Store): Promise<number> {
  const [row] = await store.rows<{ n: number }>(
    `select (select count(*) from pair_left a left join pair_right b on b.r = a.r and b.l = a.l where b.l is null)
          + (select count(*) from pair_right b left join pair_left a on a.l = b.l and a.r = b.r where a.l is null) as n`,
  )
  return Number(row?.n)
}

export function storeContract(open: () => Promise<Store>): void {
  let store: Store
  const opened = async () => {
    store = await open()
    await migrate(store, [pairs])
    return store
  }
  afterEach(() => store?.close())

  it('keeps bytes, integers, text and nothing as they are', async () => {
    const s = await opened()
    const row = {
      l: bytes(0, 1, 255),
      r: new Uint8Array(0),
      n: Number.MAX_SAFE_INTEGER,
      t: "O'Brien · 𠮷 \\x00",
    }
    await s.run('insert into pair_left (t, n, r, l) values ($4, $3, $2, $1)', [row.l, row.r, row.n, row.t])
    await s.run('insert into pair_left (l, r, n, t) values ($1, $1, $2, $3)', [bytes(9), null, null])
    const found = await s.rows('select l, r, n, t from pair_left order by l')
    expect(found).toStrictEqual(
      [row, { l: bytes(9), r: bytes(9), n: null, t: null }].map((r) => expect.objectContaining(r)),
    )
    expect(found[0]?.['l']?.constructor).toBe(Uint8Array)
  })

  it('applies a transaction whole or not at all', async () => {
    const s = await opened()
    const failing = s.transaction(async (tx) => {
      await tx.run(LEFT, [bytes(1), bytes(2)])
      throw new RangeError('the work failed')
    })
    await expect(failing).rejects.toThrow(RangeError)
    expect(await s.rows('select l from pair_left')).toHaveLength(0)
    expect(await bind(s, bytes(1), bytes(2))).toBe('bound')
    expect(await broken(s)).toBe(0)
  })

  it('undoes only the transaction that failed when several share a commit', async () => {
    const s = await opened()
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) =>
        s.transaction(async (tx) => {
          await tx.run(LEFT, [bytes(1, i), bytes(2, i)])
          await tx.run(RIGHT, [bytes(2, i), bytes(1, i)])
          if (i % 3 === 0) throw new RangeError('every third')
        }),
      ),
    )
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(14)
    expect(await s.rows('select l from pair_left')).toHaveLength(26)
    expect(await broken(s)).toBe(0)
  })

  it('undoes a transaction whose statement is wrong, and goes on', async () => {
    const s = await opened()
    const wrong = s.transaction(async (tx) => {
      await tx.run(LEFT, [bytes(1), bytes(1)])
      await tx.run('insert into no_such_table values ($1)', [1])
    })
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_STORE_FAILED' })
    expect(await s.rows('select l from pair_left')).toHaveLength(0)
    expect(await bind(s, bytes(1), bytes(1))).toBe('bound')
  })

  it('shows a transaction its own rows and nobody else uncommitted ones', async () => {
    const s = await opened()
    let inside: Promise<unknown[]> | undefined
    await s
      .transaction(async (tx) => {
        await tx.run(LEFT, [bytes(1), bytes(1)])
        expect(await tx.rows('select l from pair_left')).toHaveLength(1)
        inside = s.rows('select l from pair_left').then((rows) => rows)
        // Two statements more, so that a read on the same connection would have run by now.
        await tx.rows('select 1 as one')
        await tx.rows('select 1 as one')
        throw new RangeError('undone')
      })
      .catch(() => {})
    expect(await inside).toHaveLength(0)
  })

  it('reads a snapshot that later writers do not change', async () => {
    const s = await opened()
    await bind(s, bytes(1), bytes(1))
    const [before, after] = await s.snapshot(async (tx) => {
      const first = await tx.rows('select l from pair_left')
      const writing = bind(s, bytes(2), bytes(2))
      if (s.engine === 'postgres') await writing
      return [first, await tx.rows('select l from pair_left')] as const
    })
    expect([before.length, after.length]).toEqual([1, 1])
  })

  it('finds many keys and inserts many rows, the known ones left alone', async () => {
    const s = await opened()
    for (const count of [3, 1200]) {
      const rows = Array.from({ length: count }, (_, i) => [bytes(i >> 8, i & 255), bytes(i & 255), i, null])
      const inserted = await s.transaction((tx) => tx.insert('pair_left', ['l', 'r', 'n', 't'], rows), {
        bulk: true,
      })
      expect(inserted).toBe(count === 3 ? 3 : 1197)
    }
    const keys = [bytes(0, 7), bytes(4, 0), bytes(99, 99)]
    const found = await s.find<{ l: Uint8Array; n: number }>('pair_left', ['l', 'n'], keys)
    expect(found.map(({ n }) => n).sort()).toEqual([1024, 7])
    expect(
      await s.insert(
        'pair_left',
        ['l', 'r'],
        [
          [bytes(0, 7), bytes(1)],
          [bytes(50, 50), bytes(1)],
        ],
      ),
    ).toBe(1)
    expect(await s.find('pair_left', ['l'], [])).toEqual([])
    expect(await s.insert('pair_left', ['l', 'r'], [])).toBe(0)
  })

  it('counts a row given twice in one insert once', async () => {
    const s = await opened()
    const twice = [
      [bytes(1), bytes(1)],
      [bytes(1), bytes(2)],
    ]
    expect(await s.insert('pair_left', ['l', 'r'], twice)).toBe(1)
  })

  it('migrates again without effect, by several at once, and refuses edited or unknown steps', async () => {
    const s = await opened()
    const more: Migrations = {
      room: 'pair',
      steps: [...pairs.steps, ['alter table pair_right add column note text']],
    }
    await Promise.all(Array.from({ length: 5 }, () => migrate(s, [more])))
    await s.run('insert into pair_right (r, l, note) values ($1, $1, $2)', [bytes(1), 'here'])
    await expect(migrate(s, [pairs])).rejects.toMatchObject({ code: 'ERR_STORE_SCHEMA' })
    const edited: Migrations = {
      room: 'pair',
      steps: [['create table pair_other (l bytea primary key)'], []],
    }
    await expect(migrate(s, [edited])).rejects.toMatchObject({ code: 'ERR_STORE_SCHEMA' })
    const failing: Migrations = {
      room: 'fail',
      steps: [['create table fail_one (l bytea primary key)', 'no sql']],
    }
    await expect(migrate(s, [failing])).rejects.toMatchObject({ code: 'ERR_STORE_FAILED' })
    await expect(s.rows('select * from fail_one')).rejects.toMatchObject({ code: 'ERR_STORE_FAILED' })
  })

  it('stays a bijection for any sequence of concurrent bindings (model: two maps)', async () => {
    const s = await opened()
    let round = 0
    const small = fc.integer({ min: 0, max: 5 })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(small, small), { maxLength: 24 }), async (wanted) => {
        round += 1
        const key = (side: number, value: number) => bytes(round >> 8, round & 255, side, value)
        // In sequence against the model …
        const lefts = new Map<number, number>()
        const rights = new Map<number, number>()
        for (const [l, r] of wanted.slice(0, 12)) {
          const expected = lefts.has(l) ? 'left' : rights.has(r) ? 'right' : 'bound'
          expect(await bind(s, key(0, l), key(1, r))).toBe(expected)
          if (expected === 'bound') {
            lefts.set(l, r)
            rights.set(r, l)
          }
        }
        // … then all at once, where any order is right but every bound pair is unique in both directions.
        const answers = await Promise.all(wanted.slice(12).map(([l, r]) => bind(s, key(2, l), key(3, r))))
        const bound = wanted.slice(12).filter((_, i) => answers[i] === 'bound')
        expect(new Set(bound.map(([l]) => l)).size).toBe(bound.length)
        expect(new Set(bound.map(([, r]) => r)).size).toBe(bound.length)
        for (const [l, r] of bound) {
          const [row] = await s.rows<{ r: Uint8Array }>('select r from pair_left where l = $1', [key(2, l)])
          expect(row?.r).toEqual(key(3, r))
        }
      }),
      { numRuns: process.env['CTID_FULL'] === '1' ? 150 : 25, seed: 2 },
    )
    expect(await broken(s)).toBe(0)
  })

  it('refuses work after closing', async () => {
    const s = await opened()
    const last = bind(s, bytes(1), bytes(1))
    await s.close()
    expect(await last).toBe('bound')
    await expect(s.rows('select 1 as one')).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
    await expect(bind(s, bytes(2), bytes(2))).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
  })
}
