// Where a bulk enrolment stands, on disk beside its file: after a kill it goes on behind the last block that was enrolled.
import { open, rm, stat } from 'node:fs/promises'
import {
  CtidError,
  type ErrorCode,
  isCtidError,
  isJsonObject,
  type JsonObject,
  parseJsonObject,
} from '../base/index.ts'
import { acquireLock, type Lock } from '../base/node.ts'
import { writePrivateFile } from '../token/node.ts'
import type { BulkFormat } from './bulk-parse.ts'

export type BulkCounts = { readonly created: number; readonly existing: number; readonly rejected: number }

/** Everything before `offset` is enrolled or set aside. */
export type Checkpoint = BulkCounts & {
  readonly offset: number
  /** Number of the line at `offset`. */
  readonly line: number
  readonly format: BulkFormat
  /** Length of the file of rejected lines. */
  readonly rejectedBytes: number
  /** Length of the file of their reasons. */
  readonly reasonsBytes: number
}

/** Why a line was set aside: its number in the bulk file and a code, and nothing that it says. */
export type Rejected = { readonly line: number; readonly code: ErrorCode }

/** What is set aside at once: lines as they were read, and the reason of each that is no header. */
export type SetAside = { readonly lines: readonly Uint8Array[]; readonly reasons: readonly Rejected[] }

export type BulkJournal = {
  /** The last checkpoint, if there is one of this very file; the rejected lines behind it are cut off again. */
  resume(): Promise<Checkpoint | undefined>
  /** Sets rejected lines aside, then says that all before the checkpoint is done. Both are on disk when it resolves. */
  record(state: Omit<Checkpoint, 'rejectedBytes' | 'reasonsBytes'>, rejected: SetAside): Promise<void>
  /** All is done: the checkpoint goes, and the files of rejected lines and reasons too if none was. */
  finish(): Promise<void>
}

export type JournalOptions = {
  /** The bulk file; absent for standard input, which cannot be gone on with. */
  readonly file?: string
  /**
   * Default: the file's name with `.rejected`. Made with mode 0600: the lines in it are personal data. Beside it, with
   * `.reasons`, are line numbers and codes, which are none.
   */
  readonly rejectedFile: string
}

const FORMAT = 'ctid/bulk-checkpoint/v2'

/**
 * Opens the journal of a file: `FILE.checkpoint`, the file of rejected lines and that of their reasons. While it is open nobody
 * else gets it: two runs would cut off each other's lines and move one checkpoint. The lock of a dead process is taken over.
 *
 * @throws {CtidError} `ERR_REGISTRAR_BULK_BUSY`, `ERR_REGISTRAR_BULK_FILE`, `ERR_REGISTRAR_BULK_CHECKPOINT` from `resume`
 */
export async function openBulkJournal(
  options: JournalOptions,
): Promise<BulkJournal & { close(): Promise<void> }> {
  const { file, rejectedFile } = options
  const checkpointFile = file === undefined ? undefined : `${file}.checkpoint`
  // Size and time of change, no hash: a hash of a short file would tell who is in it.
  const identity = file === undefined ? undefined : await reading(async () => identityOf(await stat(file)))
  const locks = takeLocks([checkpointFile, rejectedFile])
  const release = () => {
    for (const lock of locks) lock.release()
  }
  const opened = await Promise.allSettled([openTail(rejectedFile), openTail(`${rejectedFile}.reasons`)])
  const [rejected, reasons] = opened.map((one) => (one.status === 'fulfilled' ? one.value : undefined))
  if (!rejected || !reasons) {
    await rejected?.close()
    await reasons?.close()
    release()
    throw new CtidError('ERR_REGISTRAR_BULK_FILE', { cause: opened })
  }
  return {
    async resume() {
      const checkpoint = checkpointFile && (await readCheckpoint(checkpointFile, identity))
      await rejected.cutTo(checkpoint ? checkpoint.rejectedBytes : 0)
      await reasons.cutTo(checkpoint ? checkpoint.reasonsBytes : 0)
      return checkpoint || undefined
    },
    async record(state, aside) {
      if (!locks.every((lock) => lock.held())) throw new CtidError('ERR_REGISTRAR_BULK_BUSY')
      if (aside.lines.length > 0) {
        await rejected.append(Buffer.concat(aside.lines.flatMap((line) => [line, NEWLINE])))
        const text = aside.reasons.map(({ line, code }) => `${line},${code}\n`).join('')
        await reasons.append(Buffer.from(reasons.length() === 0 ? `line,code\n${text}` : text))
      }
      if (checkpointFile === undefined) return
      const lengths = { rejectedBytes: rejected.length(), reasonsBytes: reasons.length() }
      const document = { checkpointOf: FORMAT, file: identity ?? null, ...state, ...lengths }
      await writePrivateFile(checkpointFile, `${JSON.stringify(document)}\n`)
    },
    async finish() {
      if (checkpointFile) await rm(checkpointFile, { force: true })
    },
    async close() {
      await rejected.close()
      await reasons.close()
      release()
    },
  }
}

function takeLocks(paths: readonly (string | undefined)[]): readonly Lock[] {
  const locks: Lock[] = []
  try {
    for (const path of paths) {
      const busy = new CtidError('ERR_REGISTRAR_BULK_BUSY')
      if (path !== undefined) locks.push(acquireLock(`${path}.lock`, busy))
    }
    return locks
  } catch (cause) {
    for (const lock of locks) lock.release()
    if (isCtidError(cause)) throw cause
    throw new CtidError('ERR_REGISTRAR_BULK_FILE', { cause })
  }
}

// A file that is only appended to, and cut where the checkpoint says; an empty one does not stay.
async function openTail(path: string) {
  const file = await reading(() => open(path, 'a+', 0o600))
  let length = 0
  return {
    length: () => length,
    async cutTo(bytes: number) {
      if ((await file.stat()).size < bytes) throw new CtidError('ERR_REGISTRAR_BULK_CHECKPOINT')
      await file.truncate(bytes)
      length = bytes
    },
    async append(bytes: Uint8Array) {
      await reading(async () => {
        await file.appendFile(bytes)
        await file.sync()
      })
      length += bytes.length
    },
    async close() {
      const { size } = await file.stat()
      await file.close()
      if (size === 0) await rm(path, { force: true })
    },
  }
}

const NEWLINE = Buffer.from('\n')

type FileIdentity = { readonly size: number; readonly changed: number }

function identityOf({ size, mtimeMs }: { size: number; mtimeMs: number }): FileIdentity {
  return { size, changed: Math.floor(mtimeMs) }
}

async function readCheckpoint(path: string, file: FileIdentity | undefined): Promise<Checkpoint | undefined> {
  let text: string
  try {
    const handle = await open(path)
    text = await handle.readFile('utf8').finally(() => handle.close())
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ENOENT') return undefined
    throw new CtidError('ERR_REGISTRAR_BULK_FILE', { cause })
  }
  let document: JsonObject
  try {
    document = parseJsonObject(text)
  } catch (cause) {
    throw new CtidError('ERR_REGISTRAR_BULK_CHECKPOINT', { cause })
  }
  const { checkpointOf, file: of, format, ...numbers } = document
  const names = [
    ...['offset', 'line', 'created', 'existing', 'rejected'],
    ...['rejectedBytes', 'reasonsBytes'],
  ] as const
  const [offset, line, created, existing, rejected, rejectedBytes, reasonsBytes] = names.map((name) =>
    countOf(numbers[name]),
  )
  const isOurs =
    checkpointOf === FORMAT &&
    isJsonObject(of) &&
    of['size'] === file?.size &&
    of['changed'] === file?.changed &&
    isJsonObject(format)
  if (!isOurs) throw new CtidError('ERR_REGISTRAR_BULK_CHECKPOINT')
  return {
    offset: offset ?? 0,
    line: line ?? 1,
    created: created ?? 0,
    existing: existing ?? 0,
    rejected: rejected ?? 0,
    rejectedBytes: rejectedBytes ?? 0,
    reasonsBytes: reasonsBytes ?? 0,
    format: readFormat(format),
  }
}

function countOf(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new CtidError('ERR_REGISTRAR_BULK_CHECKPOINT')
}

function readFormat({ kind, columns }: JsonObject): BulkFormat {
  if (kind === 'json') return { kind }
  if (kind === 'csv' && Array.isArray(columns) && columns.every((name) => typeof name === 'string')) {
    return { kind, columns }
  }
  throw new CtidError('ERR_REGISTRAR_BULK_CHECKPOINT')
}

async function reading<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    throw new CtidError('ERR_REGISTRAR_BULK_FILE', { cause })
  }
}
