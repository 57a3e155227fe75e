// The memory of a witness on disk: one file per log, replaced atomically and synced before the cosignature is given.
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { CtidError, isCtidError } from '../../base/index.ts'
import { waitForLock } from '../../base/node.ts'
import type { WitnessStore } from '../witness.ts'
import { syncDirectory } from './journal.ts'

const WAIT_SECONDS = 5

/**
 * Keeps checkpoints as `<hash of the origin>.checkpoint`, and evidence of misbehaviour beside them.
 *
 * @throws {CtidError} on its functions `ERR_LOG_CLOSED` when the disk refuses, `ERR_LOG_LOCKED` while another process writes
 */
export async function fileWitnessStore(directory: string): Promise<WitnessStore> {
  await mkdir(directory, { recursive: true })
  const nameOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)
  const pathOf = (origin: string) => join(directory, `${nameOf(origin)}.checkpoint`)

  async function write(path: string, text: string): Promise<void> {
    const handle = await open(`${path}.tmp`, 'w')
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(`${path}.tmp`, path)
    await syncDirectory(directory)
  }

  async function get(origin: string): Promise<string | undefined> {
    try {
      return await readFile(pathOf(origin), 'utf8')
    } catch (error) {
      // A file that exists but cannot be read must not look like a log never seen: that would allow a rollback.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  // Two processes that both looked would otherwise both write, and cosign two histories.
  async function put(origin: string, note: string, last: string | undefined): Promise<boolean> {
    const busy = new CtidError('ERR_LOG_LOCKED')
    const lock = await waitForLock(`${pathOf(origin)}.lock`, busy, { seconds: WAIT_SECONDS })
    try {
      if ((await get(origin)) !== last) return false
      await write(pathOf(origin), note)
      return true
    } finally {
      lock.release()
    }
  }

  return {
    get: (origin) => onDisk(() => get(origin)),
    put: (origin, note, last) => onDisk(() => put(origin, note, last)),
    evidence: (origin, note, reason) =>
      onDisk(() => write(join(directory, `${nameOf(origin)}.${reason}.${nameOf(note)}.evidence`), note)),
  }
}

// A disk that is full or broken is no secret, and passes: whoever asks is told to come again.
async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw isCtidError(cause)
      ? cause
      : new CtidError('ERR_LOG_CLOSED', { detail: "the witness's memory", cause })
  }
}
