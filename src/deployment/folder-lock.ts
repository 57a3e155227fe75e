// One process at a time changes a key folder: two that hold the key ceremony at once would mix the shares of two keys.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CtidError } from '../base/index.ts'
import { acquireLock, type Lock } from '../base/node.ts'

const FILE = 'lock'
const WAIT_SECONDS = 30

/**
 * Runs `work` while no other process changes this folder. A lock whose process on this machine has ended is taken over.
 *
 * @throws {CtidError} `ERR_DEPLOYMENT_LOCKED` after half a minute
 */
export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = await waitFor(join(folder, FILE))
  try {
    return await work()
  } finally {
    lock.release()
  }
}

async function waitFor(path: string): Promise<Lock> {
  const busy = new CtidError('ERR_DEPLOYMENT_LOCKED')
  for (const start = performance.now(); ; await sleep(50)) {
    try {
      return acquireLock(path, busy, { host: hostname() })
    } catch (error) {
      if (error !== busy || performance.now() - start > WAIT_SECONDS * 1000) throw error
    }
  }
}
