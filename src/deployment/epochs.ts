// The directory of a running log: which labels are bound, checked before anything is logged, and the epochs that publish
// its roots. It is rebuilt from the log itself, so what a crash left half done is counted as every auditor counts it.
import { CtidError, toHex } from '../base/index.ts'
import {
  type AppendableLog,
  type BindingEntry,
  createAuditor,
  type Directory,
  encodeEntry,
  epochEntry,
  type LogEntry,
  parseEntry,
  readEntries,
} from '../transparency/index.ts'

/** The last epoch that was logged. */
export type Epoch = { readonly number: number; readonly index: number; readonly entry: Uint8Array }

export type Epochs = {
  /** The directory at the last epoch. */
  readonly directory: Directory
  last(): Epoch | undefined
  /** Index of the binding of a record label, if the last epoch has it. */
  indexOf(recordLabel: Uint8Array): number | undefined
  /**
   * Appends entries, after checking that no label of a binding among them is bound to another.
   *
   * @throws {CtidError} `ERR_LOG_DUPLICATE` (nothing is logged then), and what the log throws
   */
  append(entries: readonly Uint8Array[]): ReturnType<AppendableLog['append']>
  /** Publishes the roots of the directory if bindings were added; returns the epoch in force. */
  publish(): Promise<Epoch | undefined>
}

/** Reads the log to its end. `onEntry` hears of every entry, now and at later epochs. */
export async function openEpochs(
  log: AppendableLog,
  onEntry: (entry: LogEntry, index: number) => void,
): Promise<Epochs> {
  const auditor = createAuditor()
  const places = new Map<string, number>()
  // Bound since the last epoch, or about to be: label → the other label.
  const recent = { record: new Map<string, string>(), token: new Map<string, string>() }
  const running = new Set<Promise<unknown>>()
  let turn: Promise<unknown> = Promise.resolve()
  let read = 0
  let last: Epoch | undefined

  async function follow(): Promise<void> {
    const { size } = log.published()
    for await (const { index, entry: bytes } of readEntries(log.source, { start: read, end: size }, size)) {
      const { findings, entry } = auditor.see(index, bytes)
      const [first] = findings
      if (first) throw new CtidError('ERR_LOG_CORRUPT', { detail: `${first.rule} at ${index}` })
      if (entry?.form === 'binding' && !places.has(toHex(entry.recordLabel)))
        places.set(toHex(entry.recordLabel), index)
      if (entry?.form === 'epoch') last = { number: entry.epoch, index, entry: bytes }
      if (entry) onEntry(entry, index)
      read = index + 1
    }
  }

  function reserve({ recordLabel, tokenLabel, ...rest }: BindingEntry): void {
    const [record, token] = [toHex(recordLabel), toHex(tokenLabel)]
    const known = auditor.directory.conflict({ recordLabel, tokenLabel, ...rest })
    if (known === 'repeat') return
    const side =
      known ??
      ((recent.record.get(record) ?? token) !== token
        ? 'record'
        : (recent.token.get(token) ?? record) !== record
          ? 'token'
          : undefined)
    if (side) throw new CtidError('ERR_LOG_DUPLICATE', { detail: `${side} label` })
    recent.record.set(record, token)
    recent.token.set(token, record)
  }

  async function publish(): Promise<Epoch | undefined> {
    await Promise.allSettled(running)
    // What was sequenced but refused for want of witnesses is in the tree, and counts: have it published first.
    await log.append([])
    await follow()
    recent.record.clear()
    recent.token.clear()
    const roots = auditor.directory.roots()
    const lastEntry = last && parseEntry(last.entry)
    if (roots.count === (lastEntry?.form === 'epoch' ? lastEntry.count : 0)) return last
    await log.append([encodeEntry(epochEntry((last?.number ?? 0) + 1, roots))])
    await follow()
    return last
  }

  const epochs: Epochs = {
    directory: auditor.directory,
    last: () => last,
    indexOf: (label) => places.get(toHex(label)),
    async append(entries) {
      // From here to the log without a pause: an epoch that begins later waits for this append.
      for (let seen: unknown; seen !== turn; ) {
        seen = turn
        await turn.catch(() => undefined)
      }
      for (const bytes of entries) {
        const entry = parseEntry(bytes)
        if (entry.form === 'binding') reserve(entry)
      }
      const appended = log.append(entries)
      running.add(appended)
      const forget = () => running.delete(appended)
      appended.then(forget, forget)
      return appended
    },
    publish() {
      const mine = turn.catch(() => undefined).then(publish)
      turn = mine
      return mine
    },
  }
  await follow()
  return epochs
}
