// Storage: durable enrolment against the engine's own bare inserts, look-ups as the tables grow, bulk loading.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { loadSodiumGroup, type Point } from '#ctid/crypto'
import { createRegistryKeys, createVaultKey, localVault, openRegistry } from '#ctid/registry'
import { openStore, type SqlValue, type Store } from '#ctid/store'
import { loadSqlite } from '../../src/store/sqlite-driver.ts'
import { postgresForTests } from '../store/postgres-server.ts'
import { type Bench, type BenchContext, type BenchRow, compare } from './harness.ts'

const TABLES = {
  registry_by_rec: ['rec', 'token', 'rec_version', 'anchor_version'],
  registry_by_token: [
    'token',
    'rec',
    'entry',
    'token_version',
    'rec_version',
    'anchor_version',
    'binding_version',
    'binding',
    'state',
    'since',
    'seq',
    'logged',
    'next',
  ],
  registry_vault: ['entry', 'version', 'key_id', 'wrapped', 'sealed'],
  registry_event: ['entry', 'seq', 'kind', 'state', 'reason', 'officer', 'at', 'nonce'],
} as const
type Table = keyof typeof TABLES
const NAMES = Object.keys(TABLES) as Table[]

const random = (length: number) => new Uint8Array(randomBytes(length))

// One person's rows, of the sizes that enrolment writes.
function rowsOf(): Record<Table, SqlValue[]> {
  const [rec, token, entry] = [random(32), random(32), random(16)]
  return {
    registry_by_rec: [rec, token, 1, 1],
    registry_by_token: [token, rec, entry, 1, 1, 1, 1, random(158), 'active', 1_790_000_000, 1, 1, null],
    registry_vault: [entry, 1, '0123456789abcdef', random(60), random(284)],
    registry_event: [entry, 1, 'enrolled', 'active', 'enrolment', 'registrar', 1_790_000_000, random(32)],
  }
}

const insertSql = (table: Table, place: (index: number) => string) =>
  `insert into ${table} (${TABLES[table].join(', ')}) values (${TABLES[table].map((_, i) => place(i)).join(', ')})`

async function registryOn(store: Store) {
  const group = await loadSodiumGroup()
  const registry = await openRegistry({
    store,
    group,
    keys: createRegistryKeys({ group, random }),
    vault: localVault([createVaultKey(random)], { random }),
    clock: () => 1_790_000_000,
    random,
  })
  let anchor: Point = group.multiplyBase(group.randomScalar(random))
  const base = anchor
  const nextAnchor = () => {
    anchor = group.add(anchor, base)
    return anchor
  }
  return { registry, nextAnchor }
}

const record = {
  documentType: 'resident-id',
  documentNumber: '110101199001010000',
  name: '张三',
  validUntil: '2036-01-01',
}

async function writes(context: BenchContext, directory: string): Promise<BenchRow[]> {
  const store = await openStore(join(directory, 'ours.db'))
  const { registry, nextAnchor } = await registryOn(store)
  const group = await loadSodiumGroup()
  const scalar = group.randomScalar(random)
  const { open } = await loadSqlite()
  const bare = open(join(directory, 'bare.db'))
  await (await registryOn(await openStore(join(directory, 'bare.db')))).registry.audit()
  bare.exec('pragma journal_mode = wal')
  bare.exec('pragma synchronous = full')
  const statements = NAMES.map((table) => bare.prepare(insertSql(table, () => '?')))
  const bareInsert = () => {
    const rows = rowsOf()
    bare.exec('begin immediate')
    for (const [i, table] of NAMES.entries()) statements[i]?.run(...rows[table])
    bare.exec('commit')
  }
  const bareEnrolment = () => {
    group.multiply(scalar, nextAnchor())
    group.multiply(scalar, nextAnchor())
    bareInsert()
  }
  const write = (rows = rowsOf()) =>
    store.transaction(async (tx) => {
      for (const table of NAMES) await tx.insert(table, TABLES[table], [rows[table]])
    })
  const many =
    <T>(act: () => Promise<T>) =>
    () =>
      Promise.all(Array.from({ length: 64 }, act))
  const enrol = () => registry.enrol({ anchor: nextAnchor(), record })
  const reference = 'the same four rows, bare driver, one commit each'
  const withPoints = 'those rows, and the two multiplications'
  const options = { unit: 'person', reference, kind: 'limit', target: 1.5 } as const
  const result = [
    await compare(() => write(), bareInsert, { ...options, name: 'SQLite, durable write, one caller' }),
    await compare(
      many(() => write()),
      bareInsert,
      { ...options, name: 'SQLite, durable write, 64 callers', oursPerCall: 64 },
    ),
    await compare(many(enrol), bareEnrolment, {
      ...options,
      reference: withPoints,
      name: 'SQLite, whole enrolment, 64 callers',
      oursPerCall: 64,
    }),
    await compare(
      () => registry.enrolMany(Array.from({ length: 500 }, () => ({ anchor: nextAnchor(), record }))),
      bareEnrolment,
      { ...options, reference: withPoints, name: 'SQLite, whole enrolment, blocks of 500', oursPerCall: 500 },
    ),
  ]
  context.log(`entries afterwards: ${(await registry.audit()).entries}`)
  bare.close()
  await store.close()
  return result
}

// Fills the two directions with `count` rows; of these, `known` are real entries whose bindings open.
async function fill(store: Store, count: number): Promise<void> {
  const block = 100_000
  for (let done = 0; done < count; done += block) {
    const rows = Array.from({ length: Math.min(block, count - done) }, rowsOf)
    await store.transaction(
      async (tx) => {
        for (const table of ['registry_by_rec', 'registry_by_token'] as const) {
          await tx.insert(
            table,
            TABLES[table],
            rows.map((row) => row[table]),
          )
        }
      },
      { bulk: true },
    )
  }
}

async function lookups(context: BenchContext, directory: string): Promise<BenchRow[]> {
  const sizes = [100_000, 1_000_000, ...(context.full ? [10_000_000] : [])]
  const sides = []
  for (const size of sizes) {
    const store = await openStore(join(directory, `${size}.db`))
    const { registry, nextAnchor } = await registryOn(store)
    await fill(store, size / 2)
    const people = Array.from({ length: 2000 }, () => ({ anchor: nextAnchor(), record }))
    const tokens = (await registry.enrolMany(people)).map(({ token }) => token)
    await fill(store, size / 2)
    context.log(`filled ${size} rows`)
    let turn = 0
    const lookup = () => registry.lookup(tokens[turn++ % tokens.length] ?? new Uint8Array(32))
    sides.push({ size, store, lookup })
  }
  const [smallest, ...larger] = sides
  const result: BenchRow[] = []
  for (const { size, lookup } of larger) {
    if (!smallest) continue
    const name = `SQLite, look-up among ${size.toLocaleString('en')}`
    result.push(
      await compare(lookup, smallest.lookup, {
        name,
        unit: 'token',
        reference: 'among 100,000',
        kind: 'limit',
        target: 2,
      }),
    )
  }
  for (const { store } of sides) await store.close()
  return result
}

async function bulk(directory: string): Promise<BenchRow> {
  const sizes = { ours: 100_000, theirs: 1000 }
  const stores = {
    ours: await openStore(join(directory, 'bulk-large.db')),
    theirs: await openStore(join(directory, 'bulk-small.db')),
  }
  for (const store of Object.values(stores)) await registryOn(store)
  const load = (side: 'ours' | 'theirs') => async () => {
    const rows = Array.from({ length: sizes[side] }, () => [random(32), random(32), 1, 1])
    await stores[side].insert('registry_by_rec', TABLES.registry_by_rec, rows)
  }
  for (const side of ['ours', 'theirs'] as const) {
    for (let n = 0; n < 300_000 / sizes[side]; n++) await load(side)()
  }
  const row = await compare(load('ours'), load('theirs'), {
    name: 'SQLite, bulk in sorted blocks of 100,000',
    unit: 'row',
    reference: 'sorted blocks of 1,000, from 300,000 rows on',
    kind: 'peer',
    target: 1,
    rounds: 3,
    oursPerCall: sizes.ours,
    theirsPerCall: sizes.theirs,
  })
  for (const store of Object.values(stores)) await store.close()
  return row
}

async function postgres(context: BenchContext): Promise<BenchRow[]> {
  const database = await postgresForTests()
  if (!database) {
    context.log('no PostgreSQL: its rows are left out')
    return []
  }
  const url = await database.fresh()
  const store = await openStore(url)
  const { registry, nextAnchor } = await registryOn(store)
  const pool = new pg.Pool({ connectionString: url, max: 16 })
  // A connection that is still saying goodbye when the server stops is no failure of the bench.
  pool.on('error', () => {})
  const group = await loadSodiumGroup()
  const scalar = group.randomScalar(random)
  const statements = NAMES.map((name) => ({
    name: `bare_${name}`,
    text: insertSql(name, (i) => `$${i + 1}`),
  }))
  const bare = async () => {
    const client = await pool.connect()
    const rows = rowsOf()
    await client.query('begin')
    for (const [i, name] of NAMES.entries()) {
      await client.query({
        ...(statements[i] ?? { name: '', text: '' }),
        values: rows[name].map((v) => (v instanceof Uint8Array ? Buffer.from(v) : v)),
      })
    }
    await client.query('commit')
    client.release()
  }
  const many =
    <T>(act: () => Promise<T>) =>
    () =>
      Promise.all(Array.from({ length: 64 }, act))
  const bareEnrolment = () => {
    group.multiply(scalar, nextAnchor())
    group.multiply(scalar, nextAnchor())
    return bare()
  }
  const write = (rows = rowsOf()) =>
    store.transaction((tx) => Promise.all(NAMES.map((name) => tx.insert(name, TABLES[name], [rows[name]]))))
  const enrol = () => registry.enrol({ anchor: nextAnchor(), record })
  const reference = 'the same four rows, bare pool of 16'
  const options = {
    unit: 'person',
    reference,
    kind: 'limit',
    target: 1.5,
    oursPerCall: 64,
    theirsPerCall: 64,
  } as const
  const tokens = (
    await registry.enrolMany(Array.from({ length: 1000 }, () => ({ anchor: nextAnchor(), record })))
  ).map(({ token }) => token)
  let turn = 0
  const token = () => tokens[turn++ % tokens.length] ?? new Uint8Array(32)
  const bareGet = { name: 'bare_get', text: 'select * from registry_by_token where token = $1' }
  const result = [
    await compare(
      many(() => write()),
      many(bare),
      { ...options, name: 'PostgreSQL, durable write, 64 callers' },
    ),
    await compare(many(enrol), many(bareEnrolment), {
      ...options,
      name: 'PostgreSQL, whole enrolment, 64 callers',
      reference: 'those rows, and the two multiplications',
    }),
    await compare(
      many(() => registry.lookup(token())),
      many(() => pool.query({ ...bareGet, values: [token()] })),
      {
        ...options,
        unit: 'token',
        name: 'PostgreSQL, look-up, 64 callers',
        reference: 'the same row, bare pool of 16',
      },
    ),
    await compare(
      () =>
        store.insert(
          'registry_by_rec',
          TABLES.registry_by_rec,
          Array.from({ length: 20_000 }, () => [random(32), random(32), 1, 1]),
        ),
      () =>
        pool.query(
          'insert into registry_by_rec select * from unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[])',
          [
            Array.from({ length: 20_000 }, () => randomBytes(32)),
            Array.from({ length: 20_000 }, () => randomBytes(32)),
            Array.from({ length: 20_000 }, () => 1),
            Array.from({ length: 20_000 }, () => 1),
          ],
        ),
      {
        name: 'PostgreSQL, bulk by COPY',
        unit: 'row',
        reference: 'unnest, unsorted',
        kind: 'peer',
        oursPerCall: 20_000,
        theirsPerCall: 20_000,
        rounds: 3,
      },
    ),
  ]
  await pool.end()
  await store.close()
  await database.stop()
  return result
}

export const bench: Bench = {
  name: 'storage',
  async run(context) {
    const directory = mkdtempSync(join(tmpdir(), 'ctid-bench-'))
    try {
      const full = context.full || process.env['CTID_BENCH_FULL'] === '1'
      return [
        ...(await writes(context, directory)),
        ...(await lookups({ ...context, full }, directory)),
        await bulk(directory),
        ...(await postgres(context)),
      ]
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
}
