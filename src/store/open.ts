// One address, one store: a path, `:memory:`, or a PostgreSQL connection string.
import { CtidError } from '../base/index.ts'
import type { Store } from './port.ts'
import { openPostgres, type PostgresOptions } from './postgres.ts'
import { openSqlite, type SqliteOptions } from './sqlite.ts'

export type OpenStoreOptions = SqliteOptions & PostgresOptions

/**
 * Opens a store: `postgres://…` and `postgresql://…` are PostgreSQL or an engine that speaks its protocol, `:memory:`
 * lives as long as the process, anything else is the path of a SQLite file.
 *
 * @throws {CtidError} `ERR_STORE_URL`, `ERR_STORE_UNAVAILABLE`, `ERR_STORE_NOT_DURABLE`, `ERR_STORE_SQLITE_VERSION`
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(url, options)
  if (url === '' || /^[a-z][a-z0-9+.-]+:\/\//i.test(url)) throw new CtidError('ERR_STORE_URL')
  return openSqlite(url, options)
}
