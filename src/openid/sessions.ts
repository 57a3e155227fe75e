// Short-lived state of protocol runs, in memory: bounded in number and time, nothing survives its use.
import type { Clock } from '../base/index.ts'

/** Values by id, each with an end. Reads and writes are synchronous, so a check and a mark cannot be split. */
export type Sessions<T> = {
  put(id: string, value: T, expiresAt: number): void
  get(id: string): T | undefined
  /** Removes and returns: the one atomic consume. */
  take(id: string): T | undefined
}

/**
 * Sessions in memory. When `capacity` is reached the oldest go first, so that a flood cannot exhaust memory.
 */
export function createSessions<T>(options: {
  readonly clock: Clock
  readonly capacity?: number
}): Sessions<T> {
  const { clock, capacity = 100_000 } = options
  const entries = new Map<string, { value: T; expiresAt: number }>()
  const live = (id: string): T | undefined => {
    const entry = entries.get(id)
    if (!entry) return undefined
    if (entry.expiresAt > clock()) return entry.value
    entries.delete(id)
    return undefined
  }
  return {
    put: (id, value, expiresAt) => {
      entries.set(id, { value, expiresAt })
      // Insertion order is nearly order of expiry: the first entries are the ones to look at.
      for (const [oldest, entry] of entries) {
        if (entry.expiresAt > clock() && entries.size <= capacity) break
        entries.delete(oldest)
      }
    },
    get: live,
    take: (id) => {
      const value = live(id)
      entries.delete(id)
      return value
    },
  }
}
