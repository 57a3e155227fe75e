// Bulk enrolment wired to a deployment: what its worker threads may hold, which file is read, what is written beside it.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { CtidError } from '../base/index.ts'
import {
  type BulkEvent,
  type BulkSummary,
  enrolBulk,
  type KeyAccess,
  openBulkJournal,
  openBulkPool,
  type WorkerSetting,
} from '../registrar/index.ts'
import { exportRegistryKeys } from '../registry/index.ts'
import { formatKeySet } from '../token/index.ts'
import { REGISTRAR } from './keyring.ts'
import type { RegistrarParty } from './registrar-party.ts'

export type BulkFileOptions = {
  /** A path, or `-` with {@link BulkFileOptions.stdin}. */
  readonly file: string
  readonly stdin?: AsyncIterable<Uint8Array>
  readonly workers: number
  readonly prove: 'all' | 'sampled'
  /** As given to `openDeployment`: evaluators in processes of their own. */
  readonly evaluatorUrls?: ReadonlyMap<number, string>
  readonly plainHttp?: boolean
  /** Default: the file's name with `.rejected`, or `bulk.rejected` for standard input. */
  readonly rejectedFile?: string
  readonly officer?: string
  readonly blockSize?: number
  readonly warmSeconds?: number
  readonly onEvent?: (event: BulkEvent) => void
  /** Called when all threads are warm. */
  readonly onReady?: () => void
  readonly signal?: AbortSignal
}

/**
 * What the worker threads of a single-machine deployment are given: shares or addresses of the evaluators, and the
 * registry's keys, since they play the registry's part as well.
 */
export async function bulkSetting(
  { keyring, log }: Pick<RegistrarParty, 'keyring' | 'log'>,
  options: Pick<BulkFileOptions, 'prove' | 'evaluatorUrls' | 'plainHttp' | 'officer'>,
): Promise<WorkerSetting> {
  const { evaluatorUrls, plainHttp = false, prove, officer = 'bulk' } = options
  const secrets = keyring.registrar()
  await keyring.reload()
  const present: KeyAccess = {
    keySet: formatKeySet(keyring.keySet()),
    evaluators: evaluatorUrls
      ? {
          kind: 'urls',
          caller: REGISTRAR,
          plainHttp,
          urls: [...evaluatorUrls].flatMap(([id, url]) => {
            const secret = secrets.get(id)
            return secret ? [{ id, url, secret }] : []
          }),
        }
      : { kind: 'shares', shares: await keyring.shares() },
  }
  // While the evaluators' key is rotated the registry asks for the anchors under both.
  const next = (await keyring.rotation())?.next
  const keys = next && {
    keySet: formatKeySet(next.keySet),
    evaluators: { kind: 'shares', shares: next.shares } as const,
  }
  return {
    ...(keys ? { ...keys, former: present } : present),
    registry: {
      keys: exportRegistryKeys(keyring.registry()),
      vault: keyring.vault().map((key) => key.reveal()),
      logs: log !== undefined,
    },
    officer,
    prove,
  }
}

/**
 * Enrols a file of documents into a deployment. See `enrolBulk`.
 *
 * @throws {CtidError} `ERR_REGISTRAR_*`, `ERR_TOKEN_QUORUM`, store errors
 */
export async function enrolFile(deployment: RegistrarParty, options: BulkFileOptions): Promise<BulkSummary> {
  const { file, stdin, onEvent, signal } = options
  const isFile = file !== '-'
  const size = isFile ? await sizeOf(file) : undefined
  const rejectedFile = options.rejectedFile ?? (isFile ? `${file}.rejected` : 'bulk.rejected')
  const journal = await openBulkJournal({ rejectedFile, ...(isFile ? { file } : {}) })
  try {
    // Before the threads warm up: a checkpoint that does not fit is said at once.
    const begun = await journal.resume()
    const pool = await openBulkPool(await bulkSetting(deployment, options), options)
    try {
      options.onReady?.()
      const read = (start: number): AsyncIterable<Uint8Array> =>
        isFile ? bytesOf(file, start) : (stdin ?? none())
      return await enrolBulk(
        { read, ...(size === undefined ? {} : { size }) },
        {
          pool,
          registry: deployment.registry,
          journal: { ...journal, resume: async () => begun },
          ...(onEvent === undefined ? {} : { onEvent }),
          ...(signal === undefined ? {} : { signal }),
        },
        {
          drafts: true,
          sampled: options.prove === 'sampled',
          ...(options.blockSize === undefined ? {} : { blockSize: options.blockSize }),
        },
      )
    } finally {
      await pool.close()
    }
  } finally {
    await journal.close()
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    const found = await stat(file)
    if (!found.isDirectory()) return found.size
  } catch (cause) {
    throw new CtidError('ERR_REGISTRAR_BULK_FILE', { cause })
  }
  throw new CtidError('ERR_REGISTRAR_BULK_FILE', { detail: 'a folder' })
}

// A bad disk, a share that is gone: what the system says stays in `cause`.
async function* bytesOf(file: string, start: number): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file, { start, highWaterMark: 262_144 })
  } catch (cause) {
    throw new CtidError('ERR_REGISTRAR_BULK_FILE', { cause })
  }
}

async function* none(): AsyncGenerator<Uint8Array> {}
