// Issuer: which index a new credential copy gets. Unpredictable and never twice, so that an index says nothing.
import { CtidError, type MaybePromise, type RandomBytes } from '../base/index.ts'

/** A place in a status list. */
export type StatusPlace = {
  /** Number of the list; its URI is made from it. */
  readonly list: number
  readonly index: number
}

/**
 * Hands out places. Implementations must never give one place twice, also under concurrency and after a crash.
 */
export type IndexAllocator = {
  /** `count` places no one has. Copies of one person are spread at random over the open list. */
  allocate(count: number): MaybePromise<readonly StatusPlace[]>
}

export type AllocatorOptions = {
  /** Entries per list. Default 2^20. */
  readonly listSize?: number
  /**
   * A list is closed when this share of it is taken; the rest stays as decoys, so that the number of issued copies
   * and the next index cannot be read from the list. Default 0.75.
   */
  readonly fill?: number
  readonly random: RandomBytes
}

/**
 * Allocator in memory: a bit map per open list, random draws until a free place is hit (four on average at the end). Throws
 * `ERR_STATUS_FULL` when more are asked for than a list gives away.
 */
export function memoryIndexAllocator(options: AllocatorOptions): IndexAllocator {
  const { listSize = 1_048_576, fill = 0.75, random } = options
  let list = 0
  let taken = new Set<number>()
  return {
    allocate: (count) => {
      if (count > listSize * fill) throw new CtidError('ERR_STATUS_FULL')
      const places: StatusPlace[] = []
      while (places.length < count) {
        if (taken.size >= Math.floor(listSize * fill)) {
          list++
          taken = new Set()
        }
        const index = randomIndex(listSize, random)
        if (taken.has(index)) continue
        taken.add(index)
        places.push({ list, index })
      }
      return places
    },
  }
}

/** A uniform number below `size` (at most 2^32) by rejection, so that no index is likelier than another. */
export function randomIndex(size: number, random: RandomBytes): number {
  const limit = 2 ** 32 - (2 ** 32 % size)
  for (;;) {
    const bytes = random(4)
    const value = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0)
    if (value < limit) return value % size
  }
}
