// One process at a time changes a key folder: two that hold the key ceremony at once would mix the shares of two keys.
import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CtidError } from '../base/index.ts'

const FILE = 'lock'
const WAIT_SECONDS = 30

/**
 * Runs `work` while no other process changes this folder. A lock whose process on this machine has ended is taken over.
 *
 * @throws {CtidError} `ERR_DEPLOYMENT_LOCKED` after half a minute
 */
export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const path = join(folder, FILE)
  const own = `${hostname()} ${process.pid}\n`
  for (const start = performance.now(); ; await sleep(50)) {
    if (await isTaken(path, own)) break
    if (performance.now() - start > WAIT_SECONDS * 1000) throw new CtidError('ERR_DEPLOYMENT_LOCKED')
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function isTaken(path: string, own: string): Promise<boolean> {
  try {
    await writeFile(path, own, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const holder = await readFile(path, 'utf8').catch(() => '')
  const [host, pid] = holder.trim().split(' ')
  if (host === hostname() && !isAlive(Number(pid))) await rm(path, { force: true })
  return false
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
