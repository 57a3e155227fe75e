// A journal in one file (Node only): a line a record, flushed to disk before anything depends on it. Each line begins with
// a hash over the line before it and itself, so that a damaged or edited file is noticed when it is opened.
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import {
  CtidError,
  canonicalJson,
  concatBytes,
  type JsonObject,
  parseJsonObject,
  toHex,
  utf8,
} from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import type { Journal } from './journal.ts'

const MAX_LINE = 16_777_216

/**
 * Opens or creates the file. A last line that a crash cut short was never acknowledged and is dropped; any other
 * damage is refused. One process at a time may have it open.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_JOURNAL`
 */
export function openJournalFile(path: string): Journal & { close(): void } {
  const file = attempt(() => openSync(path, 'a+', 0o600))
  const bytes = attempt(() => readFileSync(path))
  const end = bytes.lastIndexOf(0x0a) + 1
  if (end < bytes.length) attempt(() => ftruncateSync(file, end))
  const records: JsonObject[] = []
  let link: Uint8Array = new Uint8Array(32)
  for (const line of bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)) {
    const text = line.slice(65)
    link = next(link, text)
    if (line.slice(0, 65) !== `${toHex(link)} `) throw new CtidError('ERR_PSEUDONYM_JOURNAL')
    records.push(parseJsonObject(text, { maxLength: MAX_LINE }))
  }
  let broken = false
  return {
    records,
    append: (record) => {
      // After a failed write nobody knows where the file ends; it must be opened anew.
      if (broken) throw new CtidError('ERR_PSEUDONYM_JOURNAL')
      broken = true
      const text = canonicalJson(record)
      const following = next(link, text)
      attempt(() => {
        writeFully(file, utf8(`${toHex(following)} ${text}\n`))
        fsyncSync(file)
      })
      link = following
      broken = false
    },
    close: () => closeSync(file),
  }
}

function writeFully(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
}

function next(link: Uint8Array, text: string): Uint8Array {
  return sha256(concatBytes(link, utf8(text)))
}

function attempt<T>(action: () => T): T {
  try {
    return action()
  } catch (cause) {
    throw new CtidError('ERR_PSEUDONYM_JOURNAL', { cause })
  }
}
