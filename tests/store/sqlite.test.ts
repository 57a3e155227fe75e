// The store contract on SQLite, in a file and in memory, and what only SQLite can get wrong.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { citusStatements, migrate, openStore } from '#ctid/store'
import { isNewEnough, loadSqlite } from '../../src/store/sqlite-driver.ts'
import { bind, bytes, pairs, storeContract } from './contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctid-sqlite-'))
let count = 0
const path = () => join(directory, `${count++}.db`)
afterAll(() => rmSync(directory, { recursive: true }))

describe('contract, SQLite file', () => storeContract(() => openStore(path())))
describe('contract, SQLite in memory', () => storeContract(() => openStore(':memory:')))

describe('SQLite', () => {
  it('is new enough, in WAL mode with full synchronisation, in a file only the owner reads', async () => {
    expect(isNewEnough((await loadSqlite()).version)).toBe(true)
    const file = path()
    const store = await openStore(file)
    const answers = await store.transaction(async (tx) => [
      ...(await tx.rows('pragma journal_mode')),
      ...(await tx.rows('pragma synchronous')),
    ])
    expect(answers).toEqual([{ journal_mode: 'wal' }, { synchronous: 2 }])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await store.close()
  })

  it.each([
    ['3.51.2', false],
    ['3.51.3', true],
    ['3.7.0', false],
    ['3.50.99', false],
    ['3.52.0', true],
    ['4.0', true],
    ['3', false],
  ])('judges version %s', (version, good) => expect(isNewEnough(version)).toBe(good))

  it('waits for another writer on the same file, and gives up after its limit', async () => {
    const file = path()
    const [one, two] = await Promise.all([openStore(file), openStore(file, { busySeconds: 0.05 })])
    await migrate(one, [pairs])
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let first: Promise<void> = held
    await new Promise<void>((written) => {
      first = one.transaction(async (tx) => {
        await tx.run('insert into pair_left (l, r) values ($1, $1)', [bytes(1)])
        written()
        await held
      })
    })
    await expect(bind(two, bytes(2), bytes(2))).rejects.toMatchObject({ code: 'ERR_STORE_BUSY' })
    expect(await two.rows('select l from pair_left')).toHaveLength(0)
    release()
    await first
    expect(await bind(two, bytes(2), bytes(2))).toBe('bound')
    await Promise.all([one.close(), two.close()])
  })

  it('leaves nothing of what was overwritten in any of its files once it is closed', async () => {
    const file = path()
    const store = await openStore(file)
    await migrate(store, [pairs])
    const secret = Buffer.from('a wrapped key that is to be erased')
    await store.run('insert into pair_left (l, r) values ($1, $2)', [bytes(1), secret])
    await store.run('update pair_left set r = $2 where l = $1', [bytes(1), bytes(2)])
    await store.close()
    for (const name of readdirSync(directory).filter((one) => file.endsWith(one.replace(/-(wal|shm)$/, ''))))
      expect(readFileSync(join(directory, name)).includes(secret), name).toBe(false)
  })

  it('says by a code that a snapshot cannot be had', async () => {
    const folder = mkdtempSync(join(directory, 'gone-'))
    const store = await openStore(join(folder, 'a.db'))
    rmSync(folder, { recursive: true })
    await expect(store.snapshot((session) => session.rows('select 1 as n'))).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    await store.close()
  })

  it('refuses a file that is not a database, and an address it does not know', async () => {
    const file = path()
    writeFileSync(file, 'this is a text of more than a hundred bytes, '.repeat(30))
    await expect(openStore(file)).rejects.toMatchObject({ code: 'ERR_STORE_FAILED' })
    await expect(openStore(join(directory, 'no/such/place.db'))).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    await expect(openStore('mysql://localhost/x')).rejects.toMatchObject({ code: 'ERR_STORE_URL' })
    await expect(openStore('')).rejects.toMatchObject({ code: 'ERR_STORE_URL' })
  })
})

it('lists what spreads the tables over a Citus cluster', () => {
  expect(citusStatements([pairs]).slice(1)).toEqual([
    "select create_distributed_table('pair_left', 'l')",
    "select create_distributed_table('pair_right', 'r')",
  ])
  expect(() => citusStatements([{ room: 'x', steps: [], shardBy: { "x'; drop": 'l' } }])).toThrow(RangeError)
})
