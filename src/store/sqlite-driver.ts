// Which SQLite: the one inside Node where it is new enough, else the package with the same interface.
import { CtidError } from '../base/index.ts'

/** What is used of `node:sqlite`'s StatementSync. */
export type Statement = {
  run(...parameters: readonly unknown[]): { readonly changes: number | bigint }
  all(...parameters: readonly unknown[]): unknown[]
}

/** What is used of `node:sqlite`'s DatabaseSync. */
export type Database = {
  readonly isTransaction: boolean
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

export type SqliteDriver = {
  readonly name: string
  /** SQLite's own version, such as `3.53.0`. */
  readonly version: string
  open(path: string): Database
}

/** 3.7.0 to 3.51.2 can corrupt a database when a WAL reset meets a concurrent writer or checkpoint. */
const OLDEST = [3, 51, 3] as const

type Module = { DatabaseSync: new (path: string) => Database }

let loading: Promise<SqliteDriver> | undefined

/** Loads the driver once. Throws `ERR_STORE_SQLITE_VERSION` when only an older SQLite is to be had. */
export function loadSqlite(): Promise<SqliteDriver> {
  loading ??= choose()
  return loading
}

async function choose(): Promise<SqliteDriver> {
  const builtin = process.getBuiltinModule?.('node:sqlite') as Module | undefined
  const own = builtin && driver('node:sqlite', builtin)
  if (own && isNewEnough(own.version)) return own
  const packaged = driver('@photostructure/sqlite', (await import('@photostructure/sqlite')) as Module)
  if (!isNewEnough(packaged.version)) throw new CtidError('ERR_STORE_SQLITE_VERSION')
  return packaged
}

function driver(name: string, { DatabaseSync }: Module): SqliteDriver {
  const probe = new DatabaseSync(':memory:')
  const [row] = probe.prepare('select sqlite_version() as version').all() as { version: string }[]
  probe.close()
  return { name, version: row?.version ?? '0', open: (path) => new DatabaseSync(path) }
}

/** Whether a version is 3.51.3 or later. */
export function isNewEnough(version: string): boolean {
  const parts = version.split('.').map(Number)
  for (const [i, least] of OLDEST.entries()) {
    const part = parts[i] ?? 0
    if (part !== least) return part > least
  }
  return true
}
