// The journal: what was sequenced, in order, on disk before anybody hears of it. A torn last record is dropped on opening.
import { createHash } from 'node:crypto'
import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CtidError, concatBytes, equalBytes, fromUtf8, uintBytes, utf8 } from '../../base/index.ts'
import { sha256 } from '../../crypto/index.ts'

/** A batch as sequenced: the entries from `firstIndex` on as a bundle, and the signed checkpoint that covers them. */
export type Batch = {
  readonly firstIndex: number
  readonly note: string
  readonly bundle: Uint8Array
}

/** The state of the log when the journal was begun, as JSON bytes. */
export type Snapshot = Uint8Array

export type Journal = {
  /** Drops a torn last record. To be called before the first append, once the rest was found to be right. */
  trim(): Promise<void>
  /** Appends a record and returns when it is on the disk. */
  append(batch: Batch): Promise<void>
  /** Starts again from a snapshot, atomically. */
  rotate(snapshot: Snapshot): Promise<void>
  close(): Promise<void>
  /** Bytes written so far. */
  length(): number
}

const HEADER = 12
const SNAPSHOT = 0
const BATCH = 1

/**
 * Opens a journal, or begins one with `initial`. Nothing of an existing file is changed: a damaged length looks like a
 * torn record, and only what was published tells the two apart.
 *
 * @throws {CtidError} `ERR_LOG_CORRUPT` when a record other than the last is damaged
 */
export async function openJournal(
  path: string,
  initial: Snapshot,
): Promise<{ journal: Journal; snapshot: Snapshot; batches: Batch[] }> {
  const existing = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    // A journal that cannot be read must not look like one that was never begun: it would be replaced.
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (existing === undefined) await begin(path, initial)
  const { records, length } = existing ? readRecords(existing) : { records: [], length: undefined }
  const [first, ...rest] = records
  if (existing && first?.[0] !== SNAPSHOT) throw new CtidError('ERR_LOG_CORRUPT', { detail: 'journal' })
  let handle = await open(path, 'r+')
  let position = length ?? (await handle.stat()).size

  return {
    snapshot: first ? first.subarray(1) : initial,
    batches: rest.map(decodeBatch),
    journal: {
      async trim() {
        await handle.truncate(position)
        await handle.datasync()
      },
      async append(batch) {
        position = await writeAll(handle, frame(encodeBatch(batch)), position)
        await handle.datasync()
      },
      async rotate(snapshot) {
        await begin(path, snapshot)
        await handle.close()
        handle = await open(path, 'r+')
        position = (await handle.stat()).size
      },
      close: () => handle.close(),
      length: () => position,
    },
  }
}

async function begin(path: string, snapshot: Snapshot): Promise<void> {
  const handle = await open(`${path}.new`, 'w')
  try {
    await writeAll(handle, frame([uintBytes(SNAPSHOT, 1), snapshot]), 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${path}.new`, path)
  await syncDirectory(dirname(path))
}

// Returns the position after the last byte.
async function writeAll(handle: FileHandle, parts: Uint8Array[], position: number): Promise<number> {
  let at = position
  for (const part of parts) {
    for (let done = 0; done < part.length; ) {
      const { bytesWritten } = await handle.write(part, done, part.length - done, at)
      done += bytesWritten
      at += bytesWritten
    }
  }
  return at
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

// Record: length (4 bytes), first 8 bytes of the SHA-256 of the payload, payload. The payload comes in parts, so that a
// large one is not copied.
function frame(payload: readonly [Uint8Array, Uint8Array]): Uint8Array[] {
  const digest = createHash('sha256').update(payload[0]).update(payload[1]).digest()
  const length = uintBytes(payload[0].length + payload[1].length, 4)
  return [concatBytes(length, digest.subarray(0, 8), payload[0]), payload[1]]
}

function readRecords(file: Uint8Array): { records: Uint8Array[]; length: number } {
  const records: Uint8Array[] = []
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  let offset = 0
  while (offset + HEADER <= file.length) {
    const end = offset + HEADER + view.getUint32(offset)
    if (end > file.length) break
    const payload = file.subarray(offset + HEADER, end)
    if (!equalBytes(sha256(payload).subarray(0, 8), file.subarray(offset + 4, offset + HEADER))) {
      // Each record is synced before the next is begun, so only the last can be torn.
      if (end < file.length) throw new CtidError('ERR_LOG_CORRUPT', { detail: 'journal' })
      break
    }
    records.push(payload)
    offset = end
  }
  return { records, length: offset }
}

// Batch: 0x01, first index (8 bytes), length of the note (4 bytes), note, entries as a bundle.
function encodeBatch({ firstIndex, note, bundle }: Batch): [Uint8Array, Uint8Array] {
  const text = utf8(note)
  const index = concatBytes(new Uint8Array(2), uintBytes(firstIndex, 6))
  return [concatBytes(uintBytes(BATCH, 1), index, uintBytes(text.length, 4), text), bundle]
}

function decodeBatch(payload: Uint8Array): Batch {
  if (payload[0] !== BATCH) throw new CtidError('ERR_LOG_CORRUPT', { detail: 'journal record' })
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  const start = 13 + view.getUint32(9)
  const note = fromUtf8(payload.subarray(13, start))
  return { firstIndex: Number(view.getBigUint64(1)), note, bundle: payload.subarray(start) }
}
