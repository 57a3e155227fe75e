// PostgreSQL, or an engine that speaks its protocol, behind the Store port: pipelined reads, pooled transactions,
// named statements, repeat on serialisation failure and deadlock, COPY for bulk.
import pg from 'pg'
import { CtidError, isCtidError } from '../base/index.ts'
import { copyRows } from './copy.ts'
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
  type TransactionOptions,
} from './port.ts'

export type PostgresOptions = {
  /**
   * Connections for transactions, and as many for bulk, opened when needed; PostgreSQL groups the commits of those that run
   * together. Default 16.
   */
  readonly connections?: number
  /** Connections that carry pipelined reads. Default 2. */
  readonly readConnections?: number
  /**
   * How long a read, or a statement of a transaction, may stay unanswered before its connection counts as broken: a server
   * that is frozen or cut off says nothing at all. Bulk transactions, snapshots and migrations are not limited. Default 60.
   */
  readonly answerSeconds?: number
  /** Accept a server that answers before its log is on disk. Only for throw-away data. Default false. */
  readonly unsafeAllowNotDurable?: boolean
}

/** How often a transaction is repeated after a serialisation failure (40001) or a deadlock (40P01). */
const ATTEMPTS = 10

/** Two processes that make the same table, index or column at once meet in the catalogue: look again. */
const MET_IN_CATALOGUE = new Set(['23505', '42P07', '42710', '42701', '40001', '40P01', 'XX000'])

/** From how many rows on COPY is worth its round trips. */
const COPY_FROM = 500

/**
 * Connects and checks that the server is durable (`fsync` on, `synchronous_commit` not off).
 * Correctness needs no more than READ COMMITTED: unique keys decide races, `on conflict do nothing` reports them.
 *
 * @throws {CtidError} `ERR_STORE_UNAVAILABLE`, `ERR_STORE_NOT_DURABLE`
 */
export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<Store> {
  const store = new PostgresStore(url, options)
  try {
    if (options.unsafeAllowNotDurable !== true) await store.requireDurable()
    else await store.rows('select 1 as one')
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

// Both engines give the same JavaScript values: bytes as Uint8Array, integers as numbers.
const parsers: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary')
    if (oid === pg.types.builtins.BYTEA) return parseBytes
    if (oid === pg.types.builtins.INT8) return parseInteger
    return pg.types.getTypeParser(oid, 'text')
  }) as typeof pg.types.getTypeParser,
}

const parseBytes = (text: string) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))

function parseInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('integer beyond 2^53')
  return value
}

// A name per statement text, so that the server parses and plans it once per connection.
const names = new Map<string, string>()

function named(text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = `ctid_${names.size}`
    names.set(text, name)
  }
  return name
}

// `inTurn` runs one call on the connection: at once where it is pipelined, after the one before where it is not.
type InTurn = <T>(call: () => Promise<T>) => Promise<T>

const atOnce: InTurn = (call) => call()

// After a failure the following calls fail as well, as they would in PostgreSQL, where the transaction is aborted.
function oneByOne(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (call) => {
    const result = last.then(call)
    last = result
    last.catch(() => {})
    return result
  }
}

// Destroying the socket fails everything that waits on it, as a cut cable would; nothing less ends a pipelined connection.
async function answeredWithin<T>(
  milliseconds: number | undefined,
  client: pg.ClientBase,
  call: () => Promise<T>,
): Promise<T> {
  if (milliseconds === undefined) return call()
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection
  const timer = setTimeout(() => stream.destroy(), milliseconds)
  try {
    return await call()
  } finally {
    clearTimeout(timer)
  }
}

/** Whether COPY may be used, and whether it met a key that exists. */
type Copying = { readonly allowed: boolean; metKey: boolean }

const NO_COPY: Copying = { allowed: false, metKey: false }
const UNIQUE_VIOLATION = '23505'

type SessionOptions = {
  readonly inTurn: InTurn
  readonly copying: Copying
  /** Milliseconds. */
  readonly patience: number | undefined
}

function session(client: pg.ClientBase, { inTurn, copying, patience }: SessionOptions): Session {
  const query = (text: string, values: readonly unknown[]) =>
    guarded('postgres', () =>
      inTurn(() =>
        answeredWithin(patience, client, () =>
          client.query({ name: named(text), text, values: values as unknown[] }),
        ),
      ),
    )
  return {
    async rows<T extends Row>(sql: string, parameters: readonly SqlValue[] = []) {
      return (await query(sql, parameters)).rows as T[]
    },
    async run(sql, parameters = []) {
      return (await query(sql, parameters)).rowCount ?? 0
    },
    async find<T extends Row>(table: string, columns: readonly string[], keys: readonly SqlValue[]) {
      if (keys.length === 0) return []
      const [key = ''] = columns
      const sql = `select ${columns.map(identifier).join(', ')} from ${identifier(table)} where ${identifier(key)} = any($1)`
      return (await query(sql, [keys])).rows as T[]
    },
    async insert(table, columns, rows) {
      if (rows.length === 0) return 0
      const list = columns.map(identifier).join(', ')
      const only = rows.length === 1 ? rows[0] : undefined
      if (only) {
        const places = only.map((_, index) => `$${index + 1}`).join(', ')
        const sql = `insert into ${identifier(table)} (${list}) values (${places}) on conflict do nothing`
        return (await query(sql, only)).rowCount ?? 0
      }
      const sorted = sortedByKey(rows)
      if (copying.allowed && rows.length >= COPY_FROM) {
        const copy = async () => {
          try {
            await copyRows(client, identifier(table), list, sorted)
          } catch (error) {
            copying.metKey ||= driverCode(error) === UNIQUE_VIOLATION
            throw error
          }
        }
        await guarded('postgres', () => inTurn(copy))
        return rows.length
      }
      const types = columns.map((_, column) => arrayType(sorted, column))
      const arrays = columns.map((_, column) => sorted.map((row) => row[column] ?? null))
      const places = types.map((type, index) => `$${index + 1}::${type}[]`).join(', ')
      const sql = `insert into ${identifier(table)} (${list}) select * from unnest(${places}) on conflict do nothing`
      return (await query(sql, arrays)).rowCount ?? 0
    },
  }
}

/** PostgreSQL's name for the type of a column, from its first value that is not null. */
export function arrayType(rows: readonly (readonly SqlValue[])[], column: number): string {
  const value = rows.find((row) => row[column] !== null && row[column] !== undefined)?.[column]
  return typeof value === 'number' ? 'bigint' : typeof value === 'string' ? 'text' : 'bytea'
}

type Once<T> = {
  readonly begin: string
  readonly bulk: boolean
  readonly work: (session: Session) => Promise<T>
  readonly copying?: Copying
  readonly patience?: number | undefined
}

function isOutage(error: unknown): boolean {
  return isCtidError(error) && error.code === 'ERR_STORE_UNAVAILABLE'
}

class PostgresStore implements Store {
  readonly engine = 'postgres'
  readonly #config: pg.ClientConfig
  readonly #transactions: pg.Pool
  readonly #bulk: pg.Pool
  readonly #patience: number
  readonly #readers: (Promise<pg.Client> | undefined)[]
  #turn = 0
  #closed = false

  constructor(url: string, options: PostgresOptions) {
    this.#config = {
      connectionString: url,
      application_name: 'ctid',
      types: parsers,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      connectionTimeoutMillis: 10_000,
      idle_in_transaction_session_timeout: 60_000,
    }
    const pool = (max: number, pipeline: boolean) => {
      const made = new pg.Pool({ ...this.#config, max, pipeline, allowExitOnIdle: true })
      // An idle connection that breaks is replaced by the pool; without a listener Node would exit.
      made.on('error', () => {})
      return made
    }
    this.#patience = (options.answerSeconds ?? 60) * 1000
    const connections = options.connections ?? 16
    this.#transactions = pool(connections, true)
    // COPY cannot share a pipelined connection. As many: two were what many bulk workers waited for in vain.
    this.#bulk = pool(connections, false)
    this.#readers = new Array(options.readConnections ?? 2).fill(undefined)
  }

  rows<T extends Row>(sql: string, parameters?: readonly SqlValue[]): Promise<T[]> {
    return this.#read((client) => client.rows<T>(sql, parameters))
  }

  find<T extends Row>(table: string, columns: readonly string[], keys: readonly SqlValue[]): Promise<T[]> {
    return this.#read((client) => client.find<T>(table, columns, keys))
  }

  run(sql: string, parameters?: readonly SqlValue[]): Promise<number> {
    return this.transaction((client) => client.run(sql, parameters))
  }

  insert(table: string, columns: readonly string[], rows: readonly (readonly SqlValue[])[]): Promise<number> {
    return this.transaction((client) => client.insert(table, columns, rows), {
      bulk: rows.length >= COPY_FROM,
    })
  }

  async transaction<T>(work: (session: Session) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const bulk = options.bulk === true
    let copying: Copying = { allowed: bulk, metKey: false }
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once({
          begin: 'begin',
          bulk,
          work,
          copying,
          patience: bulk ? undefined : this.#patience,
        })
      } catch (error) {
        // Once more from the start, with `on conflict do nothing`: a savepoint around COPY would be one more thing that
        // every engine has to do right.
        if (copying.metKey) {
          copying = { allowed: false, metKey: false }
          continue
        }
        const code = driverCode(error)
        if ((code !== '40001' && code !== '40P01') || attempt === ATTEMPTS) throw error
        await pause(((performance.now() * 1000) % 5) * attempt + attempt)
      }
    }
  }

  snapshot<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#once({ begin: 'begin isolation level repeatable read read only', bulk: false, work })
  }

  async define(statements: readonly string[], { isDone, done }: DefinitionRecord): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once({
          begin: 'begin',
          bulk: true,
          work: async (session) => {
            if (await isDone(session)) return
            for (const statement of statements) await session.run(postgresSchema(statement))
            await done(session)
          },
        })
      } catch (error) {
        if (!MET_IN_CATALOGUE.has(driverCode(error)) || attempt === ATTEMPTS) throw error
        await pause(10 * attempt)
      }
    }
  }

  async requireDurable(): Promise<void> {
    const [row] = await this.rows<{ fsync: string | null; commit: string | null }>(
      "select current_setting('fsync', true) as fsync, current_setting('synchronous_commit', true) as commit",
    )
    if (row?.fsync === 'off' || row?.commit === 'off') throw new CtidError('ERR_STORE_NOT_DURABLE')
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const readers = this.#readers.map(async (reader) => (await reader?.catch(() => undefined))?.end())
    await Promise.all([this.#transactions.end(), this.#bulk.end(), ...readers])
  }

  async #once<T>({ begin, bulk, work, copying = NO_COPY, patience }: Once<T>): Promise<T> {
    if (this.#closed) throw new CtidError('ERR_STORE_CLOSED')
    const client = await guarded('postgres', () => (bulk ? this.#bulk : this.#transactions).connect())
    let broken: Error | undefined
    const onError = (error: Error) => {
      broken = error
    }
    client.on('error', onError)
    const inTurn = bulk ? oneByOne() : atOnce
    const { session: inside, end } = scoped(session(client, { inTurn, copying, patience }))
    try {
      // Not awaited: a pipelined connection sends BEGIN together with the first statements of the work.
      const begun = inTurn(() => answeredWithin(patience, client, () => client.query(begin)))
      begun.catch(() => {})
      const value = await work(inside).finally(end)
      await guarded('postgres', () => begun)
      await answeredWithin(patience, client, () => commit(client))
      return value
    } catch (error) {
      // What was asked for before still runs, and is undone: the rollback comes after it.
      await inTurn(async () => {}).catch(() => {})
      const undo = () => client.query('rollback')
      await answeredWithin(this.#patience, client, undo).catch((failure: Error) => {
        broken ??= failure
      })
      // A server that became a standby keeps its connections: the next one must be a new one.
      if (error instanceof Error && isOutage(error)) broken ??= error
      throw error
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  // Reads may be repeated: a connection that broke, in a failover for instance, is replaced once.
  async #read<T>(query: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closed) throw new CtidError('ERR_STORE_CLOSED')
    const slot = this.#turn++ % this.#readers.length
    for (let attempt = 1; ; attempt++) {
      const reader = this.#reader(slot)
      try {
        const client = await guarded('postgres', () => reader)
        return await query(session(client, { inTurn: atOnce, copying: NO_COPY, patience: this.#patience }))
      } catch (error) {
        const outage = isOutage(error)
        // The connection may not know yet that it is dead.
        if (outage && this.#readers[slot] === reader) this.#readers[slot] = undefined
        if (!outage || attempt === 2 || this.#closed) throw error
      }
    }
  }

  #reader(slot: number): Promise<pg.Client> {
    const existing = this.#readers[slot]
    if (existing) return existing
    const client = new pg.Client({ ...this.#config, pipeline: true })
    const forget = () => {
      if (this.#readers[slot] === connecting) this.#readers[slot] = undefined
    }
    client.on('error', forget)
    client.on('end', forget)
    const connecting: Promise<pg.Client> = client.connect().then(
      () => client,
      (error: unknown) => {
        forget()
        throw error
      },
    )
    this.#readers[slot] = connecting
    return connecting
  }
}

// After COMMIT is sent a broken connection leaves the outcome open, and a standby that does not answer makes the server
// commit locally with a warning: neither is "done". The caller repeats; every operation of ours may be repeated.
async function commit(client: pg.ClientBase): Promise<void> {
  let unconfirmed = false
  const onNotice = (notice: { routine?: string | undefined }) => {
    if (notice.routine === 'SyncRepWaitForLSN') unconfirmed = true
  }
  client.on('notice', onNotice)
  try {
    const { command } = await client.query('commit')
    if (command !== 'COMMIT')
      throw new CtidError('ERR_STORE_FAILED', { detail: 'the transaction was aborted' })
  } catch (error) {
    const code = driverCode(error)
    if (error instanceof CtidError) throw error
    // A SQLSTATE is the server's own refusal, unless it says that the server is going away or does not know (40003).
    if (/^[0-9A-Z]{5}$/.test(code) && !/^(08|57P|40003)/.test(code)) throw storeFailure('postgres', error)
    throw new CtidError('ERR_STORE_OUTCOME_UNKNOWN', { cause: error })
  } finally {
    client.off('notice', onNotice)
  }
  if (unconfirmed) throw new CtidError('ERR_STORE_OUTCOME_UNKNOWN', { detail: 'no standby confirmed' })
}

/** The shared schema text in PostgreSQL's words; as in {@link repeatable}, a column may be there already. */
export function postgresSchema(statement: string): string {
  return repeatable(statement)
    .replace(/\)\s*without rowid\s*$/i, ')')
    .replace(/\badd column\s+(?!if\b)/i, 'add column if not exists ')
}
