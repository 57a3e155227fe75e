// What an issuer must remember: which places it gave away, which belong together, and what their status is.
import type { MaybePromise, RandomBytes } from '../base/index.ts'
import {
  type IndexAllocator,
  memoryIndexAllocator,
  STATUS_INVALID,
  type StatusPlace,
} from '../status/index.ts'

/** Places of one issuance, sealed, under a label that only the issuer can make from a subject's name. */
export type LedgerEntry = {
  /** 32 bytes, keyed; the same for all issuances of one subject. */
  readonly label: Uint8Array
  readonly sealed: Uint8Array
  /** Unix seconds, a whole day: from then on the entry may be swept away. */
  readonly expiresAt: number
}

/** Port to the issuer's memory. Every method is durable when it resolves, and may be repeated after a crash. */
export type IssuerLedger = IndexAllocator & {
  append(entry: LedgerEntry): MaybePromise<void>
  /** The sealed places of a label. */
  entries(label: Uint8Array): MaybePromise<readonly Uint8Array[]>
  /** Status that holds for all copies of a label; 0 when none was set. */
  subjectStatus(label: Uint8Array): MaybePromise<number>
  /**
   * Whether the status holds now: what was revoked (1) stays so, however many ask at once, and keeps out any other status. Looking
   * and writing are one step.
   */
  setSubjectStatus(label: Uint8Array, status: number): MaybePromise<boolean>
  /** Gives places a status, but for those that were revoked. */
  setStatuses(places: readonly StatusPlace[], status: number): MaybePromise<void>
  /** Every entry of a list that is not valid. */
  statuses(list: number): MaybePromise<readonly { readonly index: number; readonly status: number }[]>
  /** Number of the newest list. */
  newestList(): MaybePromise<number>
  /** Forgets entries whose copies have all expired; returns how many. */
  sweep(now: number): MaybePromise<number>
}

export type LedgerOptions = {
  readonly random: RandomBytes
  /** Entries per list. Default 2^20. */
  readonly listSize?: number
  /** Share of a list that is given away before the next is opened. Default 0.75. */
  readonly fill?: number
}

/** A ledger in memory, for tests and short demos. */
export function memoryLedger(options: LedgerOptions): IssuerLedger {
  const allocator = memoryIndexAllocator(options)
  const statuses = new Map<number, Map<number, number>>()
  const subjects = new Map<string, number>()
  let kept: LedgerEntry[] = []
  let newest = 0
  return {
    allocate: async (count) => {
      const places = await allocator.allocate(count)
      for (const place of places) newest = Math.max(newest, place.list)
      return places
    },
    append: (entry) => void kept.push(entry),
    entries: (label) => kept.filter((one) => one.label.join() === label.join()).map((one) => one.sealed),
    subjectStatus: (label) => subjects.get(label.join()) ?? 0,
    setSubjectStatus: (label, status) => {
      if (subjects.get(label.join()) !== STATUS_INVALID) subjects.set(label.join(), status)
      return subjects.get(label.join()) === status
    },
    setStatuses: (places, status) => {
      for (const { list, index } of places) {
        const known = statuses.get(list) ?? new Map<number, number>()
        if (known.get(index) !== STATUS_INVALID) statuses.set(list, known.set(index, status))
      }
    },
    statuses: (list) => [...(statuses.get(list) ?? [])].map(([index, status]) => ({ index, status })),
    newestList: () => newest,
    sweep: (now) => {
      const before = kept.length
      kept = kept.filter((entry) => entry.expiresAt > now)
      return before - kept.length
    },
  }
}
