// Many rows at once into PostgreSQL: COPY in its binary format.
/// <reference path="./pg-copy-streams.d.ts" />
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { driverCode } from './failure.ts'
import type { SqlValue } from './port.ts'

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const CHUNK_BYTES = 65_536
const UNIQUE_VIOLATION = '23505'

/**
 * Copies `rows` into `table` if all their keys are new, else does nothing and says `false`: COPY knows no
 * `on conflict`. Call it inside a transaction; `table` and `columns` are trusted SQL.
 */
export async function copyRows(
  client: pg.ClientBase,
  table: string,
  columns: string,
  rows: readonly (readonly SqlValue[])[],
): Promise<boolean> {
  await client.query('savepoint copying')
  try {
    const stream = client.query(copyFrom(`copy ${table} (${columns}) from stdin (format binary)`))
    await pipeline(copyFormat(rows), stream)
    await client.query('release savepoint copying')
    return true
  } catch (error) {
    if (driverCode(error) !== UNIQUE_VIOLATION) throw error
    await client.query('rollback to savepoint copying')
    return false
  }
}

/** The bytes of COPY BINARY (PostgreSQL manual, COPY, "Binary Format"), in chunks of about 64 KiB. */
export function* copyFormat(rows: Iterable<readonly SqlValue[]>): Generator<Buffer> {
  // Signature, no flags, no header extension.
  let parts: Buffer[] = [Buffer.concat([SIGNATURE, Buffer.alloc(8)])]
  let size = 0
  for (const row of rows) {
    const count = Buffer.alloc(2)
    count.writeInt16BE(row.length)
    parts.push(count)
    for (const value of row) {
      const field = copyField(value)
      parts.push(field)
      size += field.length
    }
    if (size >= CHUNK_BYTES) {
      yield Buffer.concat(parts)
      parts = []
      size = 0
    }
  }
  parts.push(Buffer.from([0xff, 0xff]))
  yield Buffer.concat(parts)
}

function copyField(value: SqlValue): Buffer {
  if (value === null) return Buffer.from([0xff, 0xff, 0xff, 0xff])
  if (typeof value === 'number') {
    const field = Buffer.alloc(12)
    field.writeInt32BE(8)
    field.writeBigInt64BE(BigInt(value), 4)
    return field
  }
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  const field = Buffer.alloc(4 + bytes.length)
  field.writeInt32BE(bytes.length)
  field.set(bytes, 4)
  return field
}
