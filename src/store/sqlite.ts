// SQLite behind the Store port: one writer with group commit, one reader, several processes on one file.
import { closeSync, openSync } from 'node:fs'
import { CtidError } from '../base/index.ts'
import { driverCode, guarded, pause, storeFailure } from './failure.ts'
import {
  type DefinitionRecord,
  identifier,
  type Row,
  repeatable,
  type Session,
  type SqlValue,
  type Store,
  scoped,
  sortedByKey,
} from './port.ts'
import { type Database, loadSqlite, type Statement } from './sqlite-driver.ts'

/** How many transactions at most share one commit. Beyond 64 the gain is gone (22,000 rows a second at 16 and 64). */
const GROUP = 64

export type SqliteOptions = {
  /** How long to wait for another process that is writing. Default 30. */
  readonly busySeconds?: number
  /**
   * Journal synchronisation. Anything but FULL loses acknowledged rows in a power cut; the tests' control proves it.
   * @internal
   */
  readonly unsafeSynchronous?: 'NORMAL' | 'OFF'
}

type Unit = {
  readonly work: (session: Session) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Opens a database file, made with mode 0600 if absent, or `:memory:`.
 * WAL journal, `synchronous=FULL`: a resolved transaction survives a power cut.
 *
 * @throws {CtidError} `ERR_STORE_SQLITE_VERSION` (older than 3.51.3), `ERR_STORE_UNAVAILABLE`
 */
export async function openSqlite(path: string, options: SqliteOptions = {}): Promise<Store> {
  const memory = path === ':memory:'
  const busyMilliseconds = (options.busySeconds ?? 30) * 1000
  const { open } = await loadSqlite()
  const connect = async (): Promise<Connection> => {
    if (!memory) closeSync(openSync(path, 'a', 0o600))
    const connection = new Connection(open(path))
    connection.exec('pragma busy_timeout = 5000')
    if (!memory) await connection.whenFree(busyMilliseconds, 'pragma journal_mode = wal')
    connection.exec(`pragma synchronous = ${options.unsafeSynchronous ?? 'full'}`)
    connection.exec('pragma trusted_schema = off')
    connection.exec('pragma secure_delete = on')
    return connection
  }
  try {
    const writer = await connect()
    // Without its own waiting: `whenFree` waits for other processes and lets this one go on meanwhile.
    writer.exec('pragma busy_timeout = 0')
    return new SqliteStore(writer, memory ? undefined : await reader(connect), connect, busyMilliseconds)
  } catch (error) {
    throw storeFailure('sqlite', error)
  }
}

async function reader(connect: () => Promise<Connection>): Promise<Connection> {
  const connection = await connect()
  connection.exec('pragma query_only = on')
  return connection
}

// One connection with its prepared statements. Everything is synchronous below; promises are for the port.
class Connection implements Session {
  readonly #database: Database
  readonly #prepared = new Map<string, { statement: Statement; order: readonly number[] }>()

  constructor(database: Database) {
    this.#database = database
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction
  }

  exec(sql: string): void {
    this.#database.exec(sql)
  }

  /** Runs a statement without parameters that comes again and again, prepared once. */
  step(sql: string): void {
    this.#prepare(sql).statement.run()
  }

  /** Runs `sql`, waiting up to `milliseconds` for another process to let go. */
  async whenFree(milliseconds: number, sql: string): Promise<void> {
    const deadline = Date.now() + milliseconds
    for (let round = 0; ; round++) {
      try {
        this.step(sql)
        return
      } catch (error) {
        const code = driverCode(error)
        if (code !== '5' && code !== '6') throw error
        if (Date.now() > deadline) throw new CtidError('ERR_STORE_BUSY', { cause: error })
      }
      // Not the same interval for everybody: a spread taken from the clock is enough here.
      await pause(1 + (performance.now() % Math.min(2 + round, 8)))
    }
  }

  rows<T extends Row>(sql: string, parameters: readonly SqlValue[] = []): Promise<T[]> {
    return guarded('sqlite', () => {
      const { statement, order } = this.#prepare(sql)
      return statement.all(...arrange(order, parameters)) as T[]
    })
  }

  run(sql: string, parameters: readonly SqlValue[] = []): Promise<number> {
    return guarded('sqlite', () => {
      const { statement, order } = this.#prepare(sql)
      return Number(statement.run(...arrange(order, parameters)).changes)
    })
  }

  async find<T extends Row>(
    table: string,
    columns: readonly string[],
    keys: readonly SqlValue[],
  ): Promise<T[]> {
    const [key = ''] = columns
    const sql = `select ${columns.map(identifier).join(', ')} from ${identifier(table)} where ${identifier(key)} = ?`
    return guarded('sqlite', () => {
      const { statement } = this.#prepare(sql)
      return keys.flatMap((value) => statement.all(value) as T[])
    })
  }

  async insert(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly SqlValue[])[],
  ): Promise<number> {
    const places = columns.map(() => '?').join(', ')
    const names = columns.map(identifier).join(', ')
    const sql = `insert into ${identifier(table)} (${names}) values (${places}) on conflict do nothing`
    return guarded('sqlite', () => {
      const { statement } = this.#prepare(sql)
      let inserted = 0
      for (const row of sortedByKey(rows)) inserted += Number(statement.run(...row).changes)
      return inserted
    })
  }

  close(): void {
    this.#prepared.clear()
    this.#database.close()
  }

  #prepare(sql: string): { statement: Statement; order: readonly number[] } {
    const known = this.#prepared.get(sql)
    if (known) return known
    // Drivers disagree about `?1` given by position, and none but PostgreSQL knows `$1`: plain `?` works in all.
    const order: number[] = []
    const text = sql.replace(/\$(\d+)/g, (_, number: string) => {
      order.push(Number(number) - 1)
      return '?'
    })
    const entry = { statement: this.#database.prepare(text), order }
    this.#prepared.set(sql, entry)
    return entry
  }
}

function arrange(order: readonly number[], parameters: readonly SqlValue[]): readonly SqlValue[] {
  return order.map((index) => parameters[index] ?? null)
}

class SqliteStore implements Store {
  readonly engine = 'sqlite'
  readonly #writer: Connection
  readonly #reader: Connection | undefined
  readonly #connect: () => Promise<Connection>
  readonly #busyMilliseconds: number
  readonly #queue: Unit[] = []
  #draining: Promise<void> | undefined
  #closed = false

  constructor(
    writer: Connection,
    reader: Connection | undefined,
    connect: () => Promise<Connection>,
    busyMilliseconds: number,
  ) {
    this.#writer = writer
    this.#reader = reader
    this.#connect = connect
    this.#busyMilliseconds = busyMilliseconds
  }

  rows<T extends Row>(sql: string, parameters?: readonly SqlValue[]): Promise<T[]> {
    return this.#read((session) => session.rows<T>(sql, parameters))
  }

  run(sql: string, parameters?: readonly SqlValue[]): Promise<number> {
    return this.transaction((session) => session.run(sql, parameters))
  }

  find<T extends Row>(table: string, columns: readonly string[], keys: readonly SqlValue[]): Promise<T[]> {
    return this.#read((session) => session.find<T>(table, columns, keys))
  }

  insert(table: string, columns: readonly string[], rows: readonly (readonly SqlValue[])[]): Promise<number> {
    return this.transaction((session) => session.insert(table, columns, rows))
  }

  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new CtidError('ERR_STORE_CLOSED'))
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject })
      this.#draining ??= this.#drain()
    })
  }

  async snapshot<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (!this.#reader) return this.transaction(work)
    if (this.#closed) throw new CtidError('ERR_STORE_CLOSED')
    const connection = await guarded('sqlite', () => reader(this.#connect))
    try {
      await guarded('sqlite', () => connection.exec('begin'))
      return await work(connection)
    } finally {
      connection.close()
    }
  }

  async define(statements: readonly string[], { isDone, done }: DefinitionRecord): Promise<void> {
    await this.transaction(async (session) => {
      if (await isDone(session)) return
      for (const statement of statements) {
        await guarded('sqlite', () => this.#writer.exec(sqliteSchema(statement)))
      }
      await done(session)
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#draining
    this.#reader?.close()
    try {
      // Statements that are not collected yet keep the connection, and the journal beside the file would keep what was erased.
      this.#writer.exec('pragma wal_checkpoint(truncate)')
    } catch {
      // Another process is at it, or the disk is full: nothing is lost, the journal only stays.
    }
    this.#writer.close()
  }

  // In memory there is one connection, and reading beside an open group would show uncommitted rows: it queues too.
  async #read<T>(query: (session: Session) => Promise<T>): Promise<T> {
    if (!this.#reader) return this.transaction(query)
    if (this.#closed) throw new CtidError('ERR_STORE_CLOSED')
    return query(this.#reader)
  }

  async #drain(): Promise<void> {
    // Everybody who asks in the same turn of the event loop shares the first commit.
    await new Promise(setImmediate)
    while (this.#queue.length > 0) {
      await this.#commitGroup()
      await new Promise(setImmediate)
    }
    this.#draining = undefined
  }

  // Group commit: transactions that wait share one BEGIN … COMMIT, each inside its own savepoint. Nobody is answered
  // before the commit; a transaction that fails is undone alone; when the commit fails, all fail.
  async #commitGroup(): Promise<void> {
    const group: Unit[] = []
    const answers: (() => void)[] = []
    try {
      await this.#writer.whenFree(this.#busyMilliseconds, 'begin immediate')
      for (
        let unit = this.#queue.shift();
        unit;
        unit = group.length < GROUP ? this.#queue.shift() : undefined
      ) {
        group.push(unit)
        answers.push(await this.#attempt(unit))
      }
      this.#writer.step('commit')
      for (const answer of answers) answer()
    } catch (error) {
      this.#rollback()
      const failure = storeFailure('sqlite', error)
      // Failing to begin concerns those who wait; failing later concerns those who ran.
      for (const unit of group.length > 0 ? group : this.#queue.splice(0)) unit.reject(failure)
    }
  }

  async #attempt(unit: Unit): Promise<() => void> {
    this.#writer.step('savepoint unit')
    const { session, end } = scoped(this.#writer)
    try {
      const value = await unit.work(session).finally(end)
      this.#writer.step('release unit')
      return () => unit.resolve(value)
    } catch (error) {
      // A full disk or an input/output error rolls back everything by itself; then the whole group has failed.
      if (!this.#writer.inTransaction) throw error
      this.#writer.step('rollback to unit')
      this.#writer.step('release unit')
      return () => unit.reject(error)
    }
  }

  #rollback(): void {
    try {
      if (this.#writer.inTransaction) this.#writer.exec('rollback')
    } catch {
      // The connection is beyond help; the next begin says so to its caller.
    }
  }
}

/** The shared schema text in SQLite's words: strict column types. */
export function sqliteSchema(statement: string): string {
  if (!/^\s*create table/i.test(statement)) return repeatable(statement)
  const text = repeatable(statement)
    .replace(/\bbytea\b/gi, 'blob')
    .replace(/\bbigint\b/gi, 'integer')
  return /without rowid\s*$/i.test(text) ? `${text.trimEnd()}, strict` : `${text.trimEnd()} strict`
}
