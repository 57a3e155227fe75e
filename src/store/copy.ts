// Many rows at once into PostgreSQL: COPY in its binary format.
/// <reference path="./pg-copy-streams.d.ts" />
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { SqlValue } from './port.ts'

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const CHUNK_BYTES = 262_144
const TWO_32 = 2 ** 32

/**
 * Copies `rows` into `table`. COPY knows no `on conflict`: a key that exists fails it (23505), and the transaction with
 * it. `table` and `columns` are trusted SQL.
 */
export async function copyRows(
  client: pg.ClientBase,
  table: string,
  columns: string,
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  const stream = client.query(copyFrom(`copy ${table} (${columns}) from stdin with binary`))
  await pipeline(Readable.from(copyFormat(rows)), stream)
}

/**
 * The bytes of COPY BINARY (PostgreSQL manual, COPY, "Binary Format") in chunks of 256 KiB. Written in place: an object for
 * each field cost as much as the server's own work on the row.
 */
export function* copyFormat(rows: Iterable<readonly SqlValue[]>): Generator<Buffer> {
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  // Signature, no flags, no header extension.
  let at = SIGNATURE.copy(chunk)
  chunk.fill(0, at, at + 8)
  at += 8
  for (const row of rows) {
    const needed = row.reduce<number>((sum, value) => sum + 4 + fieldBytes(value), 2)
    if (at + needed + 2 > chunk.length) {
      yield chunk.subarray(0, at)
      chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, needed + 2))
      at = 0
    }
    at = chunk.writeInt16BE(row.length, at)
    for (const value of row) at = writeField(chunk, at, value)
  }
  at = chunk.writeInt16BE(-1, at)
  yield chunk.subarray(0, at)
}

function fieldBytes(value: SqlValue): number {
  if (value === null) return 0
  if (typeof value === 'number') return 8
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length
}

function writeField(chunk: Buffer, at: number, value: SqlValue): number {
  if (value === null) return chunk.writeInt32BE(-1, at)
  const start = chunk.writeInt32BE(fieldBytes(value), at)
  if (typeof value === 'number') {
    return chunk.writeUInt32BE(value >>> 0, chunk.writeInt32BE(Math.floor(value / TWO_32), start))
  }
  if (typeof value === 'string') return start + chunk.write(value, start)
  chunk.set(value, start)
  return start + value.length
}
