// Every SQL text in the library, held to what Citus, CockroachDB and YugabyteDB take: the schema can be cut by its shard
// columns, and no statement needs all shards to agree.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { replayMigrations } from '#ctid/deployment'
import { issuerMigrations } from '#ctid/issuer'
import { registryMigrations } from '#ctid/registry'
import { citusStatements, type Migrations } from '#ctid/store'
import { healthMigrations } from '../../src/health/node.ts'

const SRC = join(import.meta.dirname, '../../src')
const ROOMS: readonly Migrations[] = [
  registryMigrations,
  issuerMigrations,
  healthMigrations,
  replayMigrations,
]
/** Tables of a few rows, which stay on the coordinator. */
const WHOLE = new Set(['registry_key', 'issuer_list', 'ctid_migration'])

/** What a statement must not contain, and a statement that does. */
const REFUSED: readonly (readonly [why: string, pattern: RegExp, example: string])[] = [
  ['Citus: locks rows of one shard only', /\bfor (no key )?(update|share)\b/, 'select a from t for update'],
  [
    'CockroachDB has none, Citus on the coordinator only',
    /\bpg_(try_)?advisory/,
    'select pg_advisory_lock(1)',
  ],
  ['not in CockroachDB and YugabyteDB', /^(listen|notify|lock)\b/, 'lock table t'],
  ['a hot range', /\b(nextval|currval|setval|serial|identity)\b/, "select nextval('s')"],
  ['not in SQLite', /^with\b/, 'with x as (delete from t returning a) select a from x'],
  ['several rows at once differ between engines', /\breturning\b/, 'delete from t where a = 1 returning a'],
  [
    'Citus: only of tables cut alike',
    /\b(left|right|full|outer|cross|natural) /,
    'select a from t left join u',
  ],
  [
    'Citus: correlated over shards',
    /\b(not exists|not in|in \(select|exists \()/,
    'delete from t where not exists (…)',
  ],
  [
    'Citus: a write joined over shards',
    /^(update \S+ set .* from|delete from \S+ using)\b/,
    'delete from t using u',
  ],
  [
    'Citus: evaluated on each shard',
    /\b(now|random|clock_timestamp|gen_random_uuid)\(/,
    'update t set a = now()',
  ],
  [
    'CockroachDB: one arbiter; must be the key',
    /\bon conflict on constraint\b/,
    'insert … on conflict on constraint c',
  ],
  ['a savepoint over several machines', /^(savepoint|release|rollback to)\b/, 'savepoint copying'],
  ['Citus: per node only', /\bserializable\b/, 'begin isolation level serializable'],
  ['takes the whole table', /^truncate\b/, 'truncate t'],
  ['reads all before it', /\boffset \$?\d/, 'select a from t offset 10'],
]

/** What a schema statement must not contain. */
const REFUSED_SCHEMA: readonly (readonly [why: string, pattern: RegExp, example: string])[] = [
  ['Citus: a unique index without the shard column', /\bunique\b/, 'create unique index i on t (a)'],
  ['Citus: between shards', /\b(references|foreign key)\b/, 'create table t (a bytea references u)'],
  ['Citus', /\b(trigger|inherits|exclude|deferrable)\b/, 'create trigger g on t'],
  ['a hot range', /\b(serial|bigserial|identity|sequence|nextval)\b/, 'create table t (a bigserial)'],
  ['evaluated by the database', /\b(default|generated|now\(\))/, 'create table t (a bigint default 1)'],
]

type Statement = { readonly file: string; readonly sql: string }

// String and template literals that read as SQL; what is computed into them reads as `x`.
function statements(): Statement[] {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  return files.flatMap((file) => {
    const found: string[] = []
    const visit = (node: ts.Node): void => {
      if (ts.isStringLiteralLike(node)) found.push(node.text)
      else if (ts.isTemplateExpression(node)) {
        found.push(node.head.text + node.templateSpans.map(({ literal }) => `x${literal.text}`).join(''))
      }
      ts.forEachChild(node, visit)
    }
    visit(ts.createSourceFile(file, readFileSync(join(SRC, file), 'utf8'), ts.ScriptTarget.Latest, true))
    return found
      .map((text) => text.replace(/\s+/g, ' ').trim())
      .filter((text) =>
        /^(select .* from |select (x|[a-z_]+\()|insert into |update \S+ set |delete from |create (table|index|unique|trigger) |alter (table|role) |with .* as |copy \S+ |truncate |savepoint |release [a-z]+$|rollback to |begin( |$)|lock table )/.test(
          text,
        ),
      )
      .map((sql) => ({ file, sql }))
  })
}

const tables = new Map<string, readonly string[]>()
for (const text of ROOMS.flatMap(({ steps }) => steps.flat())) {
  const sql = text.replace(/\s+/g, ' ')
  const [, table] = /^create table (\w+)/.exec(sql) ?? []
  if (table === undefined) continue
  const [, several] = /primary key \(([^)]*)\)/.exec(sql) ?? []
  const [, single] = /(\w+) \w+(?: not null)? primary key/.exec(sql) ?? []
  tables.set(table, several?.split(',').map((name) => name.trim()) ?? [single ?? ''])
}

describe('the schema can be cut over many machines', () => {
  it('every table is cut by a column of its only key, or is small', () => {
    const shardBy = Object.assign({}, ...ROOMS.map((room) => room.shardBy ?? {})) as Record<string, string>
    for (const [table, key] of tables) {
      if (WHOLE.has(table)) expect(shardBy[table], table).toBeUndefined()
      else expect(key, table).toContain(shardBy[table])
    }
    expect(Object.keys(shardBy).every((table) => tables.has(table))).toBe(true)
    expect(citusStatements(ROOMS)).toHaveLength(1 + tables.size - 2)
  })

  it.each(REFUSED_SCHEMA)('no schema statement needs more: %s', (_, pattern, example) => {
    expect(example).toMatch(pattern)
    const schema = ROOMS.flatMap(({ steps }) => steps.flat())
    expect(schema.filter((sql) => pattern.test(sql))).toEqual([])
  })
})

describe('statements that sharded engines take', () => {
  // SQLite's own, which no other engine sees.
  const all = statements().filter(({ file }) => !/^store\/sqlite/.test(file))
  const running = all.filter(({ sql }) => !/^(create|alter)/.test(sql))

  it('are all found, and name known tables', () => {
    expect(running.length).toBeGreaterThan(45)
    const named = running.flatMap(({ sql }) =>
      [...sql.matchAll(/\b(?:from|join|into|update) ([a-z]+_[a-z_]+)/g)].map(([, table]) => table),
    )
    expect(named.length).toBeGreaterThan(30)
    expect(named.filter((table) => table !== 'ctid_migration' && !tables.has(table ?? ''))).toEqual([])
  })

  it.each(REFUSED)('%s', (_, pattern, example) => {
    expect(example).toMatch(pattern)
    expect(running.filter(({ sql }) => pattern.test(sql))).toEqual([])
  })

  it('resolve conflicts by the key or by nothing', () => {
    for (const { sql } of running) {
      const [, columns] = /on conflict \(([^)]*)\)/.exec(sql) ?? []
      const [, table] = /^insert into (\w+)/.exec(sql) ?? []
      if (columns !== undefined) expect(columns.split(', '), sql).toEqual(tables.get(table ?? ''))
    }
  })

  it('never move a row to another shard', () => {
    const shardBy = Object.assign({}, ...ROOMS.map((room) => room.shardBy ?? {})) as Record<string, string>
    for (const { sql } of running) {
      const [, table = '', set = ''] = /^update (\w+) set (.*?)(?: where |$)/.exec(sql) ?? []
      const written = [...set.matchAll(/(?:^|, )(\w+) =/g)].map(([, column]) => column)
      if (shardBy[table]) expect(written, sql).not.toContain(shardBy[table])
    }
  })
})
