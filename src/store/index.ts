// store: where state is kept, in SQLite or PostgreSQL behind one small port. It has no idea what the rows mean.
export { citusStatements, type Migrations, migrate } from './migrate.ts'
export { type OpenStoreOptions, openStore } from './open.ts'
export type { Columns, Row, Session, SqlValue, Store, TransactionOptions } from './port.ts'
export { openPostgres, type PostgresOptions } from './postgres.ts'
export { openSqlite, type SqliteOptions } from './sqlite.ts'
