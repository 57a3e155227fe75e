// A journal in one file (Node only): a line a record, flushed to disk before anything depends on it. Each line begins with
// a hash over the line before it and itself, so that a damaged or edited file is noticed when it is opened.
import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  CtidError,
  canonicalJson,
  concatBytes,
  fromUtf8,
  type JsonObject,
  parseJsonObject,
  toHex,
  utf8,
} from '../base/index.ts'
import { acquireLock, type Lock } from '../base/node.ts'
import { sha256 } from '../crypto/index.ts'
import type { Journal } from './journal.ts'

/** Longest record in bytes: the entries of 4,096 rows under the longest grant take some 80 million. */
export const MAX_RECORD_BYTES = 134_217_728
const HASH_DIGITS = 64
const CHUNK = 1_048_576
const BUSY = 'open in another process'

/**
 * Opens or creates the file. A last line that a crash cut short was never acknowledged and is dropped; any other
 * damage is refused. One process at a time has it open: two would each count to the whole of a grant. The lock of a
 * process that died is taken over.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_JOURNAL`
 */
export function openJournalFile(path: string): Journal & { close(): void } {
  const lock = attempt(() => acquireLock(`${path}.lock`, damaged(BUSY)))
  try {
    const file = attempt(() => openSync(path, 'a+', 0o600))
    try {
      attempt(() => syncDirectory(dirname(path)))
      return openLocked(file, lock)
    } catch (error) {
      closeSync(file)
      throw error
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

function openLocked(file: number, lock: Lock): Journal & { close(): void } {
  const records: JsonObject[] = []
  let link: Uint8Array = new Uint8Array(32)
  let end = 0
  for (const line of readLines(file)) {
    const content = line.subarray(HASH_DIGITS + 1)
    link = next(link, content)
    if (line.length <= HASH_DIGITS || !startsWith(line, `${toHex(link)} `)) throw damaged()
    records.push(parseRecord(content))
    end += line.length + 1
  }
  attempt(() => ftruncateSync(file, end))
  let broken = false
  return {
    records,
    append: (record) => {
      // After a failed write nobody knows where the file ends; it must be opened anew.
      if (broken) throw damaged()
      if (!attempt(lock.held)) throw damaged(BUSY)
      const content = utf8(canonicalJson(record))
      // What could not be read again must not be written.
      if (content.length > MAX_RECORD_BYTES) throw damaged('record too long')
      broken = true
      const following = next(link, content)
      attempt(() => {
        writeFully(file, concatBytes(utf8(`${toHex(following)} `), content, utf8('\n')))
        fsyncSync(file)
      })
      link = following
      broken = false
    },
    close: () => {
      closeSync(file)
      lock.release()
    },
  }
}

// Line by line, so that a journal may be longer than the longest string. What follows the last line break is left out.
function* readLines(file: number): Generator<Uint8Array> {
  let started: Uint8Array[] = []
  let position = 0
  for (;;) {
    const chunk = new Uint8Array(CHUNK)
    const length = attempt(() => readSync(file, chunk, 0, CHUNK, position))
    if (length === 0) return
    position += length
    let from = 0
    for (let at = chunk.indexOf(0x0a); at >= 0 && at < length; at = chunk.indexOf(0x0a, from)) {
      yield concatBytes(...started, chunk.subarray(from, at))
      started = []
      from = at + 1
    }
    started.push(chunk.subarray(from, length))
    if (started.length > MAX_RECORD_BYTES / CHUNK + 2) throw damaged()
  }
}

function parseRecord(content: Uint8Array): JsonObject {
  try {
    return parseJsonObject(fromUtf8(content), { maxLength: MAX_RECORD_BYTES })
  } catch {
    throw damaged()
  }
}

function startsWith(line: Uint8Array, text: string): boolean {
  return utf8(text).every((byte, i) => line[i] === byte)
}

function writeFully(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
}

// A new file is there after a crash only if its directory was flushed too. Windows cannot open directories.
function syncDirectory(path: string): void {
  if (process.platform === 'win32') return
  const directory = openSync(path, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

function next(link: Uint8Array, content: Uint8Array): Uint8Array {
  return sha256(concatBytes(link, content))
}

function damaged(detail?: string): CtidError {
  return new CtidError('ERR_PSEUDONYM_JOURNAL', detail === undefined ? {} : { detail })
}

function attempt<T>(action: () => T): T {
  try {
    return action()
  } catch (cause) {
    if (cause instanceof CtidError) throw cause
    throw new CtidError('ERR_PSEUDONYM_JOURNAL', { cause })
  }
}
