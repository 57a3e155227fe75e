// One writer per file or directory. The lock is a file that names its owner; the lock of a dead process can be taken over.
import { randomUUID } from 'node:crypto'
import { existsSync, linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CtidError } from './errors.ts'

const POLL_MILLISECONDS = 20

export type Lock = {
  /**
   * Whether the lock is still ours. Another machine, or a container with process numbers of its own, may have taken us
   * for dead: whoever is about to write asks first.
   */
  held(): boolean
  /** Lets go of the lock, if it is still ours. */
  release(): void
}

export type LockOptions = {
  /** The machine, where several share the folder: the lock of another one is never taken over, for nobody here knows its processes. */
  readonly host?: string
}

/**
 * Takes the lock that lies at `path`. It is there with its owner's name in it or not at all, also on a disk that is full.
 *
 * @throws `busy` while its owner lives, and errors of the file system
 */
export function acquireLock(path: string, busy: CtidError, options: LockOptions = {}): Lock {
  const id = randomUUID()
  const mine = `${path}.${id}`
  const text = JSON.stringify({ pid: process.pid, started: startOf(process.pid), id, ...options })
  try {
    writeFileSync(mine, text, { mode: 0o600 })
    if (!tryLink(mine, path)) takeOver(mine, path, busy, options)
  } finally {
    rmSync(mine, { force: true })
  }
  const held = () => existsSync(path) && readFileSync(path, 'utf8') === text
  return {
    held,
    release: () => {
      if (held()) unlinkSync(path)
    },
  }
}

/**
 * As {@link acquireLock}, and waits for the owner.
 *
 * @throws `busy` when it has not let go after `seconds`, and errors of the file system
 */
export async function waitForLock(
  path: string,
  busy: CtidError,
  { seconds, ...options }: LockOptions & { readonly seconds: number },
): Promise<Lock> {
  for (const start = performance.now(); ; await sleep(POLL_MILLISECONDS)) {
    try {
      return acquireLock(path, busy, options)
    } catch (error) {
      if (error !== busy || performance.now() - start > seconds * 1000) throw error
    }
  }
}

// Only one process at a time may judge a lock stale and replace it: without this second lock, two could both see the
// dead owner and the slower one would replace the lock that the faster one just took.
function takeOver(mine: string, path: string, busy: CtidError, { host }: LockOptions): void {
  const guard = `${path}.takeover`
  if (!tryLink(mine, guard)) {
    if (ownerLives(guard, host)) throw busy
    unlinkSync(guard)
    if (!tryLink(mine, guard)) throw busy
  }
  try {
    if (ownerLives(path, host)) throw busy
    const copy = `${mine}.link`
    linkSync(mine, copy)
    // POSIX: renaming onto another link of the same file does nothing, so the stale lock is a different file here.
    renameSync(copy, path)
  } finally {
    unlinkSync(guard)
  }
}

// link(2) fails when the target exists, on every file system: create-if-absent with the contents already in place.
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function ownerLives(path: string, host: string | undefined): boolean {
  if (!existsSync(path)) return false
  const owner = readOwner(path)
  if (owner === undefined) return false
  if (owner.host !== host) return true
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  // A process number is used again in time; the start time tells the new process from the old.
  const started = startOf(owner.pid)
  return started !== 'zombie' && started === owner.started
}

function readOwner(path: string): { pid: number; started: string; host: unknown } | undefined {
  try {
    const { pid, started, host } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started, host } : undefined
  } catch {
    return undefined
  }
}

// Field 22 of /proc/<pid>/stat on Linux; elsewhere there is no cheap answer and the number alone decides.
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? 'zombie' : (fields[19] ?? '')
  } catch {
    return ''
  }
}
