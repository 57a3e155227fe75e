// Node only: the evaluator's append-only count: who asked for how many elements when, and nothing of their content.
// Each line is hashed onto the one before, so that the last hash, published now and then, fixes the whole history.
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CtidError, canonicalJson, type JsonObject, parseJsonObject, toHex, utf8 } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import { syncDirectory } from './share-file.ts'

/** One answered request. */
export type CountEntry = {
  /** Unix seconds. */
  readonly time: number
  readonly caller: string
  readonly operation: 'evaluate' | 'prove'
  readonly elements: number
}

export type CountLog = {
  /**
   * Resolves when the entry is on the disk. Entries that wait at the same time share one sync. Rejects with `ERR_TOKEN_COUNT_LOG` when
   * it could not be written; the next one is tried again, so that an evaluator goes on once there is room.
   */
  append(entry: CountEntry): Promise<void>
  /** Hash of the last line, hexadecimal: what to publish. */
  head(): string
  /** Elements each caller was counted for, over the log's whole life. */
  totals(): ReadonlyMap<string, number>
  close(): Promise<void>
}

const GENESIS = '0'.repeat(64)
const MAX_LINE = 512

/**
 * Opens or creates a count log and checks its chain. A last line without its end was never acknowledged (the process
 * died while writing it) and is cut off; any other damage is an error, because a count that can be edited counts nothing.
 *
 * @param replay is given every entry in order, to rebuild what follows from them
 * @throws {CtidError} `ERR_TOKEN_COUNT_LOG`
 */
export async function openCountLog(
  path: string,
  replay: (entry: CountEntry) => void = () => {},
): Promise<CountLog> {
  const file = await open(path, 'a+', 0o600).catch((cause: unknown) => {
    throw new CtidError('ERR_TOKEN_COUNT_LOG', { detail: 'cannot be opened', cause })
  })
  const totals = new Map<string, number>()
  const add = ({ caller, elements }: CountEntry) => totals.set(caller, (totals.get(caller) ?? 0) + elements)
  try {
    const end = await readChain(file, (entry) => {
      add(entry)
      replay(entry)
    })
    await syncDirectory(dirname(path))
    return appender(file, end, { totals, add })
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Where a log ends: hash of its last line, and its length in bytes. */
type End = { readonly head: string; readonly size: number }

function appender(
  file: FileHandle,
  start: End,
  { totals, add }: { readonly totals: Map<string, number>; readonly add: (entry: CountEntry) => void },
): CountLog {
  let { head, size } = start
  let waiting: CountEntry[] = []
  let flush: Promise<void> | undefined
  let last: Promise<void> = Promise.resolve()
  let torn = false

  // Chained onto what is on the disk, so that what could not be written leaves no gap: it is cut off, and the next goes on.
  const write = async (entries: readonly CountEntry[]): Promise<void> => {
    let text = ''
    let chain = head
    for (const entry of entries) {
      const line = formatLine(chain, entry)
      chain = line.chain
      text += line.text
    }
    if (torn) await file.truncate(size)
    torn = true
    await file.appendFile(text)
    await file.datasync()
    torn = false
    head = chain
    size += utf8(text).length
    entries.forEach(add)
  }

  // Group commit: while one sync runs, later entries gather for the next.
  const next = (): Promise<void> => {
    flush ??= last
      .catch(() => {})
      .then(async () => {
        const entries = waiting
        waiting = []
        flush = undefined
        try {
          await write(entries)
        } catch (cause) {
          throw new CtidError('ERR_TOKEN_COUNT_LOG', { detail: 'cannot be written', cause })
        }
      })
    last = flush
    return flush
  }

  return {
    append(entry) {
      waiting.push(entry)
      return next()
    },
    head: () => head,
    totals: () => totals,
    async close() {
      await last.catch(() => {})
      await file.close()
    },
  }
}

function formatLine(head: string, entry: CountEntry): { readonly text: string; readonly chain: string } {
  const { time, caller, operation, elements } = entry
  const chain = link(head, { time, caller, operation, elements })
  return { text: `${canonicalJson({ time, caller, operation, elements, chain })}\n`, chain }
}

function link(head: string, entry: JsonObject): string {
  return toHex(sha256(utf8(`${head}\n${canonicalJson(entry)}`)))
}

async function readChain(file: FileHandle, visit: (entry: CountEntry) => void): Promise<End> {
  let head = GENESIS
  let offset = 0
  let rest = Buffer.alloc(0)
  const chunk = Buffer.alloc(65_536)
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, offset)
    if (bytesRead === 0) break
    offset += bytesRead
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = parseLine(rest.toString('utf8', 0, end), head)
      head = line.chain
      visit(line.entry)
      rest = rest.subarray(end + 1)
    }
    if (rest.length > MAX_LINE) throw new CtidError('ERR_TOKEN_COUNT_LOG', { detail: 'damaged' })
  }
  if (rest.length > 0) {
    await file.truncate(offset - rest.length)
    await file.sync()
  }
  return { head, size: offset - rest.length }
}

function parseLine(text: string, head: string): { readonly entry: CountEntry; readonly chain: string } {
  let body: JsonObject
  try {
    body = parseJsonObject(text, { maxLength: MAX_LINE })
  } catch (cause) {
    throw new CtidError('ERR_TOKEN_COUNT_LOG', { detail: 'damaged', cause })
  }
  const { time, caller, operation, elements, chain } = body
  const sound =
    typeof time === 'number' &&
    typeof caller === 'string' &&
    (operation === 'evaluate' || operation === 'prove') &&
    typeof elements === 'number' &&
    typeof chain === 'string' &&
    chain === link(head, { time, caller, operation, elements })
  if (!sound) throw new CtidError('ERR_TOKEN_COUNT_LOG', { detail: 'damaged' })
  return { entry: { time, caller, operation, elements }, chain }
}
