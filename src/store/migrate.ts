// Schema: each room exports its steps, forward only; `migrate` brings a database to where all of them say.
import { CtidError } from '../base/index.ts'
import { identifier, type Store } from './port.ts'

/**
 * The tables of one room. A step is a list of statements that run in one transaction, once; steps are never edited
 * after release, only added. Column types: `bytea`, `bigint`, `text`. A table of narrow rows may end in
 * `without rowid`, which only SQLite sees.
 */
export type Migrations = {
  /** The room's name, also the prefix of its tables. */
  readonly room: string
  readonly steps: readonly (readonly string[])[]
  /** For a sharded engine: the column each table is cut by. Tables left out stay on the coordinator. */
  readonly shardBy?: Readonly<Record<string, string>>
}

/**
 * Applies the missing steps, each in one transaction. Repeatable, and safe when several processes start at once.
 *
 * @throws {CtidError} `ERR_STORE_SCHEMA` when the database is newer than this code, or a step was edited
 */
export async function migrate(store: Store, rooms: readonly Migrations[]): Promise<void> {
  await store.define(
    [
      'create table ctid_migration (room text not null, step bigint not null, digest text not null, primary key (room, step)) without rowid',
    ],
    { isDone: async () => false, done: async () => {} },
  )
  for (const { room, steps } of rooms) {
    const applied = await store.rows<{ step: number; digest: string }>(
      'select step, digest from ctid_migration where room = $1 order by step',
      [room],
    )
    if (applied.length > steps.length) {
      throw new CtidError('ERR_STORE_SCHEMA', { detail: `${room} is newer than this program` })
    }
    for (const [index, statements] of steps.entries()) {
      const digest = await fingerprint(statements)
      const earlier = applied[index]
      if (earlier && earlier.digest !== digest) {
        throw new CtidError('ERR_STORE_SCHEMA', { detail: `${room} step ${index + 1} was edited` })
      }
      if (earlier) continue
      const key = [room, index + 1]
      await store.define(statements, {
        isDone: async (session) => {
          const sql = 'select step from ctid_migration where room = $1 and step = $2'
          return (await session.rows(sql, key)).length > 0
        },
        // Last: an engine that commits each schema statement by itself may die between two of them, and goes on here.
        done: async (session) => {
          const sql =
            'insert into ctid_migration (room, step, digest) values ($1, $2, $3) on conflict do nothing'
          await session.run(sql, [...key, digest])
        },
      })
    }
  }
}

/**
 * The statements that spread the rooms' tables over a Citus cluster; run them once, after {@link migrate}, on the
 * coordinator. CockroachDB and YugabyteDB spread by primary key and need none.
 */
export function citusStatements(rooms: readonly Migrations[]): string[] {
  const tables = rooms.flatMap(({ shardBy = {} }) => Object.entries(shardBy))
  return [
    // The audit joins the two directions, which are cut by different columns. Holds for new connections.
    'alter role current_user set citus.enable_repartition_joins to on',
    ...tables.map(
      ([table, column]) => `select create_distributed_table('${identifier(table)}', '${identifier(column)}')`,
    ),
  ]
}

async function fingerprint(statements: readonly string[]): Promise<string> {
  const text = new TextEncoder().encode(statements.join(';\n'))
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', text))
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
