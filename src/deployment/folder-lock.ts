// One process at a time changes a key folder: two that hold the key ceremony at once would mix the shares of two keys.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CtidError } from '../base/index.ts'
import { waitForLock } from '../base/node.ts'

const FILE = 'lock'
const WAIT_SECONDS = 30

/**
 * Runs `work` while no other process changes this folder. A lock whose process on this machine has ended is taken over.
 *
 * @throws {CtidError} `ERR_DEPLOYMENT_LOCKED` after half a minute
 */
export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const busy = new CtidError('ERR_DEPLOYMENT_LOCKED')
  const lock = await waitForLock(join(folder, FILE), busy, { seconds: WAIT_SECONDS, host: hostname() })
  try {
    return await work()
  } finally {
    lock.release()
  }
}
