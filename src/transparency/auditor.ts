// The public auditor: reads every entry in order, holds no secret, and checks the rules of the log.
import { type Clock, CtidError, equalBytes, isCtidError } from '../base/index.ts'
import { createDirectory, type Directory } from './directory.ts'
import { type EpochEntry, type LogEntry, parseEntry } from './entry.ts'

export type Rule =
  | 'entry-form'
  | 'entry-time'
  | 'record-label-once'
  | 'token-label-once'
  | 'epoch-order'
  | 'epoch-roots'

/** A broken rule: which, and at which entry. */
export type Finding = { readonly rule: Rule; readonly index: number; readonly detail: string }

export type Auditor = {
  /** The next entry of the log; entries must come in order. */
  see(index: number, bytes: Uint8Array): { readonly entry?: LogEntry; readonly findings: readonly Finding[] }
  /** The directory rebuilt from what was seen. */
  readonly directory: Directory
  readonly counts: ReadonlyMap<string, number>
}

export type AuditorOptions = {
  /** With a clock, entries of the future (beyond `skewSeconds`) are findings. */
  readonly clock?: Clock
  /** Default 300. */
  readonly skewSeconds?: number
}

/** An auditor that has seen nothing yet. */
export function createAuditor({ clock, skewSeconds = 300 }: AuditorOptions = {}): Auditor {
  const directory = createDirectory()
  const counts = new Map<string, number>()
  let epoch = 0

  function check(index: number, entry: LogEntry): Finding[] {
    if (entry.form === 'binding') {
      const side = directory.conflict(entry)
      if (side === 'repeat') return []
      if (side) return [{ rule: `${side}-label-once`, index, detail: `this ${side} label is bound already` }]
      directory.add({ index, entry })
      return []
    }
    if (entry.form === 'epoch') return checkEpoch(index, entry)
    const late = clock !== undefined && entry.time > clock() + skewSeconds
    return late ? [{ rule: 'entry-time', index, detail: 'the entry lies in the future' }] : []
  }

  function checkEpoch(index: number, entry: EpochEntry): Finding[] {
    const findings: Finding[] = []
    if (entry.epoch !== epoch + 1) {
      findings.push({ rule: 'epoch-order', index, detail: `epoch ${entry.epoch} follows ${epoch}` })
    }
    epoch = entry.epoch
    const roots = directory.roots()
    const same =
      roots.count === entry.count &&
      equalBytes(roots.recordRoot, entry.recordRoot) &&
      equalBytes(roots.tokenRoot, entry.tokenRoot)
    if (!same)
      findings.push({ rule: 'epoch-roots', index, detail: 'the roots are not those of the bindings before' })
    return findings
  }

  return {
    directory,
    counts,
    see(index, bytes) {
      let entry: LogEntry
      try {
        entry = parseEntry(bytes)
      } catch (error) {
        const detail = isCtidError(error) ? (error.detail ?? error.code) : 'malformed'
        return { findings: [{ rule: 'entry-form', index, detail }] }
      }
      counts.set(entry.type, (counts.get(entry.type) ?? 0) + 1)
      return { entry, findings: check(index, entry) }
    },
  }
}

/** Throws `ERR_LOG_ENTRY` on the first finding: for tools that want a yes or a no. */
export function requireNoFindings(findings: readonly Finding[]): void {
  const [first] = findings
  if (first) throw new CtidError('ERR_LOG_ENTRY', { detail: `${first.rule} at ${first.index}` })
}
