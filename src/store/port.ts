// The port that every room's tables are reached through: values, rows, sessions, transactions. No SQL engine here.
import { CtidError } from '../base/index.ts'

/** What a column holds: the types both engines store without loss. Integers are safe integers (below 2^53). */
export type SqlValue = null | number | string | Uint8Array

/** One row, by column name. */
export type Row = Readonly<Record<string, SqlValue>>

/** Names the columns of {@link Session.insert} and {@link Session.find}; the first one is the key. */
export type Columns = readonly string[]

/** Something that runs statements: the store itself (each statement on its own) or one transaction. */
export interface Session {
  /** Runs a query. Parameters are `$1` … `$n` on both engines, each of one type. */
  rows<T extends Row = Row>(sql: string, parameters?: readonly SqlValue[]): Promise<T[]>
  /** Runs a statement and returns how many rows it changed. */
  run(sql: string, parameters?: readonly SqlValue[]): Promise<number>
  /** Rows of `table` whose first named column is one of `keys`, in no particular order; one round trip. */
  find<T extends Row = Row>(table: string, columns: Columns, keys: readonly SqlValue[]): Promise<T[]>
  /**
   * Inserts rows whose key (the first column) is not there yet and returns how many it inserted. Rows are sorted by
   * key first: pages are written once, and two writers cannot wait for each other in a circle.
   */
  insert(table: string, columns: Columns, rows: readonly (readonly SqlValue[])[]): Promise<number>
}

export type TransactionOptions = {
  /** Expect many rows: PostgreSQL then uses COPY for {@link Session.insert}. Default false. */
  readonly bulk?: boolean
}

/** How {@link Store.define} knows whether its statements were run, and says that they are. */
export type DefinitionRecord = {
  isDone(session: Session): Promise<boolean>
  done(session: Session): Promise<void>
}

/**
 * A database. Statements outside a transaction are durable one by one; they see committed data only.
 *
 * `work` given to {@link transaction} may await nothing but its own session: SQLite has one writer, which would wait
 * with it. It may run more than once (PostgreSQL asks to repeat on serialisation failures and deadlocks).
 */
export interface Store extends Session {
  readonly engine: 'sqlite' | 'postgres'
  /**
   * Runs `work` atomically. When the promise resolves the changes are on disk.
   *
   * @throws {CtidError} `ERR_STORE_BUSY`, `ERR_STORE_UNAVAILABLE`, `ERR_STORE_OUTCOME_UNKNOWN`, or what `work` threw
   */
  transaction<T>(work: (session: Session) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Runs read-only `work` on one consistent state of the database, without stopping writers. */
  snapshot<T>(work: (session: Session) => Promise<T>): Promise<T>
  /**
   * Runs schema statements in one transaction unless they were run before; see {@link migrate}. What a statement creates
   * may be there already.
   */
  define(statements: readonly string[], record: DefinitionRecord): Promise<void>
  /** Finishes what is under way and releases files and connections. */
  close(): Promise<void>
}

/**
 * A session that ends with its transaction: what is asked of it later is refused, instead of running outside.
 * @internal
 */
export function scoped(session: Session): { readonly session: Session; end(): void } {
  let ended = false
  const inside = async <T>(act: () => Promise<T>): Promise<T> => {
    if (ended) throw new CtidError('ERR_STORE_CLOSED', { detail: 'the transaction is over' })
    return act()
  }
  return {
    session: {
      rows: <T extends Row>(sql: string, parameters?: readonly SqlValue[]) =>
        inside(() => session.rows<T>(sql, parameters)),
      run: (sql, parameters) => inside(() => session.run(sql, parameters)),
      find: <T extends Row>(table: string, columns: Columns, keys: readonly SqlValue[]) =>
        inside(() => session.find<T>(table, columns, keys)),
      insert: (table, columns, rows) => inside(() => session.insert(table, columns, rows)),
    },
    end() {
      ended = true
    },
  }
}

/**
 * A table name or column name that came from code, checked all the same: it is the one thing that cannot be a
 * parameter.
 */
export function identifier(name: string): string {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) throw new RangeError('not a plain SQL identifier')
  return name
}

/** A schema statement that may be run again: `create table` and `create index` leave alone what is there. */
export function repeatable(statement: string): string {
  return statement.replace(/^(\s*create\s+(?:table|index))\s+(?!if\b)/i, '$1 if not exists ')
}

/** Orders keys as the engines do: bytes and text by unsigned value, numbers by size. */
export function compareKeys(a: SqlValue | undefined, b: SqlValue | undefined): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    const length = Math.min(a.length, b.length)
    for (let i = 0; i < length; i++) {
      const difference = (a[i] as number) - (b[i] as number)
      if (difference !== 0) return difference
    }
    return a.length - b.length
  }
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const left = String(a)
  const right = String(b)
  return left < right ? -1 : left > right ? 1 : 0
}

/** A copy of `rows` ordered by their first column. */
export function sortedByKey(rows: readonly (readonly SqlValue[])[]): (readonly SqlValue[])[] {
  return [...rows].sort((a, b) => compareKeys(a[0], b[0]))
}
