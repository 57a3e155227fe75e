// The memory of used codes, bounded: when it is full of codes that still count, the verifier refuses rather than forgets.
import { type Clock, CtidError } from '../base/index.ts'
import type { ReplayCache } from './ports.ts'

export type ReplayCacheOptions = {
  readonly clock: Clock
  /** Most entries kept. Default 100,000 (about 15 MB); codes live about a minute. */
  readonly maxEntries?: number
}

/**
 * A replay cache for one process. Several gates that share a queue need a shared one. `consume` throws `ERR_VERIFIER_REPLAY_FULL` when
 * `maxEntries` codes still count.
 */
export function memoryReplayCache(options: ReplayCacheOptions): ReplayCache & { readonly size: number } {
  const { clock, maxEntries = 100_000 } = options
  const used = new Map<string, number>()
  let sweepAt = Math.min(maxEntries, 1024)
  let sweptAt = Number.NEGATIVE_INFINITY

  function sweep(): void {
    const now = clock()
    // Within one second nothing more expires: a full cache must not cost a sweep per scan.
    if (now === sweptAt) return
    sweptAt = now
    for (const [key, expiresAt] of used) if (expiresAt <= now) used.delete(key)
    // Sweeping again only after doubling keeps the cost per entry constant.
    sweepAt = Math.min(maxEntries, Math.max(1024, used.size * 2))
  }
  return {
    get size() {
      return used.size
    },
    // Synchronous from look to set: on one thread nobody comes in between.
    consume(key, expiresAt) {
      const known = used.get(key)
      if (known !== undefined && known > clock()) return false
      if (used.size >= sweepAt) sweep()
      if (used.size >= maxEntries) throw new CtidError('ERR_VERIFIER_REPLAY_FULL')
      used.set(key, expiresAt)
      return true
    },
  }
}
