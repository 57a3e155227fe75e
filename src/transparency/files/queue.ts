// What waits to be sequenced: entries as bundles, encoded side by side when they arrive, in batches that callers share.
import type { Appended } from './file-log.ts'

export type Caller = {
  /** Entries of this caller; they follow those of the caller before. */
  readonly count: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
}

export type Waiting = {
  readonly callers: readonly Caller[]
  /** The entries as one bundle, which is how the journal and the tiles hold them. */
  readonly bundle: Uint8Array
}

export type Queue = {
  add(entries: readonly Uint8Array[], caller: Caller): void
  /** The oldest batch, to be sequenced: nothing is added to it any more. */
  take(): Waiting | undefined
  /** Whether anybody waits: a caller may bring no entries. */
  isEmpty(): boolean
  /** Entries that wait. */
  size(): number
  /** Gives the memory of a batch back, which nobody reads any more: large buffers that come and go cost collections. */
  recycle(batch: Waiting): void
}

/** Limits of a batch, unless one call brings more. */
export type BatchLimits = { readonly entries: number; readonly bytes: number }

const FIRST_LENGTH = 4_096
/** What is kept between batches: one is being filled, one hashed, one written. */
const MAX_SPARE = 3
const MAX_SPARE_LENGTH = 4 << 20

type Filling = { readonly callers: Caller[]; bytes: Uint8Array; length: number; entries: number }

export function createQueue(limits: BatchLimits): Queue {
  const batches: Filling[] = []
  const spare: Uint8Array[] = []
  let size = 0

  function batchFor(entries: number, bytes: number): Filling {
    const newest = batches.at(-1)
    const fits = newest && newest.entries + entries <= limits.entries && newest.length + bytes <= limits.bytes
    const batch = fits
      ? newest
      : { callers: [], bytes: spare.pop() ?? new Uint8Array(FIRST_LENGTH), length: 0, entries: 0 }
    if (!fits) batches.push(batch)
    if (batch.length + bytes > batch.bytes.length) {
      const larger = new Uint8Array(Math.max(batch.length + bytes, 2 * batch.bytes.length))
      larger.set(batch.bytes.subarray(0, batch.length))
      batch.bytes = larger
    }
    return batch
  }

  return {
    isEmpty: () => batches.length === 0,
    size: () => size,
    add(entries, caller) {
      let length = 0
      for (const entry of entries) length += 2 + entry.length
      const batch = batchFor(entries.length, length)
      const { bytes } = batch
      for (const entry of entries) {
        bytes[batch.length] = entry.length >> 8
        bytes[batch.length + 1] = entry.length & 255
        bytes.set(entry, batch.length + 2)
        batch.length += 2 + entry.length
      }
      batch.entries += entries.length
      batch.callers.push(caller)
      size += entries.length
    },
    recycle({ bundle }) {
      const isWanted = spare.length < MAX_SPARE && bundle.buffer.byteLength <= MAX_SPARE_LENGTH
      if (isWanted) spare.push(new Uint8Array(bundle.buffer))
    },
    take() {
      const batch = batches.shift()
      if (batch === undefined) return undefined
      size -= batch.entries
      return { callers: batch.callers, bundle: batch.bytes.subarray(0, batch.length) }
    },
  }
}
