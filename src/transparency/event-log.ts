// The registry's events as log entries: a commitment for every event, and a binding when the event has labels.
import { CtidError, type MaybePromise } from '../base/index.ts'
import { encodeEntry } from './entry.ts'
import type { Receipt } from './receipt.ts'
import type { RegistryLog } from './registry-log.ts'

/** An event as a registry hands it in. The commitment is the registry's own, over the event and 32 random bytes. */
export type LoggedEvent = {
  readonly kind: string
  /** Unix seconds. */
  readonly at: number
  readonly commitment: Uint8Array
  readonly labels?: { readonly epoch: string; readonly record: Uint8Array; readonly token: Uint8Array }
}

/** Tag of entries whose person finds them by their commitment, not by an audit key. */
export const NO_TAG: Uint8Array = new Uint8Array(32)

/** A port for a registry over a log. Receipts come in the order of the entries, a binding before its commitment. */
export function eventLog(log: RegistryLog): {
  append(events: readonly LoggedEvent[]): MaybePromise<readonly Receipt[]>
} {
  return { append: (events) => log.append(events.flatMap(entriesOf)) }
}

function entriesOf({ kind, at, commitment, labels }: LoggedEvent): Uint8Array[] {
  const event = encodeEntry({ form: 'personal', type: 'life-cycle', time: at, tag: NO_TAG, commitment })
  if (!labels) return [event]
  const binding = encodeEntry({
    form: 'binding',
    type: kind === 'enrolled' ? 'registration' : 'replacement',
    epoch: keyEpoch(labels.epoch),
    recordLabel: labels.record,
    tokenLabel: labels.token,
  })
  return [binding, event]
}

// `t<token key version>.r<record key version>` as one number: versions stay below 2^16.
function keyEpoch(text: string): number {
  const [, token, record] = /^t(\d{1,5})\.r(\d{1,5})$/.exec(text) ?? []
  const number = Number(token) * 65_536 + Number(record)
  if (!(number >= 0) || Number(record) > 65_535) throw new CtidError('ERR_LOG_ENTRY', { detail: 'key epoch' })
  return number
}
