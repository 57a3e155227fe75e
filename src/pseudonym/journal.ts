// The port to durable memory: an append-only list of records. Counters, receipts and budgets are folded from it.
import type { JsonObject } from '../base/index.ts'

/** Append-only records. `append` returns only when the record would survive a crash. */
export type Journal = {
  /** What was there when the journal was opened, oldest first. */
  readonly records: readonly JsonObject[]
  /** Throws `ERR_PSEUDONYM_JOURNAL` if it cannot be made durable; the caller must then refuse. */
  append(record: JsonObject): void
}

/** A journal that forgets with the process, for tests and demo; `records` may seed it. */
export function memoryJournal(records: JsonObject[] = []): Journal {
  return { records, append: (record) => void records.push(record) }
}
