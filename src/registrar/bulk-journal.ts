// Where a bulk enrolment stands, on disk beside its file: after a kill it goes on behind the last block that was enrolled.
import { open, rm, stat } from 'node:fs/promises'
import { CtidError, isJsonObject, type JsonObject, parseJsonObject } from '../base/index.ts'
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
}

export type BulkJournal = {
  /** The last checkpoint, if there is one of this very file; the rejected lines behind it are cut off again. */
  resume(): Promise<Checkpoint | undefined>
  /** Sets rejected lines aside, then says that all before the checkpoint is done. Both are on disk when it resolves. */
  record(state: Omit<Checkpoint, 'rejectedBytes'>, rejected: readonly Uint8Array[]): Promise<void>
  /** All is done: the checkpoint goes, and the file of rejected lines too if none was. */
  finish(): Promise<void>
}

export type JournalOptions = {
  /** The bulk file; absent for standard input, which cannot be gone on with. */
  readonly file?: string
  /** Default: the file's name with `.rejected`. Made with mode 0600: the lines in it are personal data. */
  readonly rejectedFile: string
}

const FORMAT = 'ctid/bulk-checkpoint/v1'

/**
 * Opens the journal of a file: `FILE.checkpoint` and the file of rejected lines.
 *
 * @throws {CtidError} `ERR_REGISTRAR_BULK_FILE`, `ERR_REGISTRAR_BULK_CHECKPOINT` from `resume`
 */
export async function openBulkJournal(
  options: JournalOptions,
): Promise<BulkJournal & { close(): Promise<void> }> {
  const { file, rejectedFile } = options
  const checkpointFile = file === undefined ? undefined : `${file}.checkpoint`
  // Size and time of change, no hash: a hash of a short file would tell who is in it.
  const identity = file === undefined ? undefined : await reading(async () => identityOf(await stat(file)))
  const rejected = await reading(() => open(rejectedFile, 'a+', 0o600))
  let rejectedBytes = 0
  return {
    async resume() {
      const checkpoint = checkpointFile && (await readCheckpoint(checkpointFile, identity))
      rejectedBytes = checkpoint ? checkpoint.rejectedBytes : 0
      if ((await rejected.stat()).size < rejectedBytes) throw new CtidError('ERR_REGISTRAR_BULK_CHECKPOINT')
      await rejected.truncate(rejectedBytes)
      return checkpoint || undefined
    },
    async record(state, lines) {
      if (lines.length > 0) {
        const bytes = Buffer.concat(lines.flatMap((line) => [line, NEWLINE]))
        await reading(async () => {
          await rejected.appendFile(bytes)
          await rejected.sync()
        })
        rejectedBytes += bytes.length
      }
      if (checkpointFile === undefined) return
      const document = { checkpointOf: FORMAT, file: identity ?? null, ...state, rejectedBytes }
      await writePrivateFile(checkpointFile, `${JSON.stringify(document)}\n`)
    },
    async finish() {
      if (rejectedBytes === 0) await rm(rejectedFile, { force: true })
      if (checkpointFile) await rm(checkpointFile, { force: true })
    },
    async close() {
      const { size } = await rejected.stat()
      await rejected.close()
      if (size === 0) await rm(rejectedFile, { force: true })
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
  const names = ['offset', 'line', 'created', 'existing', 'rejected', 'rejectedBytes'] as const
  const [offset, line, created, existing, rejected, rejectedBytes] = names.map((name) =>
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
