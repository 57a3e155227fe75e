// The registry's events as log entries: a commitment for every event, and a binding when the event has labels.
import { CtidError, HOUR, type MaybePromise } from '../base/index.ts'
import { encodeEntry } from './entry.ts'
import type { Receipt } from './receipt.ts'
import type { RegistryLog } from './registry-log.ts'

/** An event as a registry hands it in. The commitment is the registry's own, over the event and 32 random bytes. */
export type LoggedEvent = {
  readonly kind: string
  /** Unix seconds; the entry carries the hour. */
  readonly at: number
  readonly commitment: Uint8Array
  readonly labels?: EventLabels
}

/** The registry's own labels of a binding: hashes of keyed MACs, per key epoch `k1.t1.r1`. */
export type EventLabels = { readonly epoch: string; readonly record: Uint8Array; readonly token: Uint8Array }

/** Turns the registry's labels into those that the log shows; VRF outputs, in a deployment. */
export type BlindLabels = (
  labels: EventLabels,
) => MaybePromise<{ readonly record: Uint8Array; readonly token: Uint8Array }>

/** Tag of entries whose person finds them by their commitment, not by an audit key. */
export const NO_TAG: Uint8Array = new Uint8Array(32)

/**
 * A port for a registry over a log. Receipts come in the order of the entries, a binding before its commitment. The same
 * event gives the same bytes again, so that handing it in twice is no second binding.
 */
export function eventLog(
  log: Pick<RegistryLog, 'append'>,
  blind: BlindLabels = (labels) => labels,
): { append(events: readonly LoggedEvent[]): Promise<readonly Receipt[]> } {
  return {
    async append(events) {
      const entries: Uint8Array[] = []
      // One after the other: labels are heavy, and a caller that yields between them keeps its process answering.
      for (const event of events) entries.push(...(await entriesOf(event, blind)))
      return log.append(entries)
    },
  }
}

async function entriesOf(
  { kind, at, commitment, labels }: LoggedEvent,
  blind: BlindLabels,
): Promise<Uint8Array[]> {
  const type = kind === 'opened' ? 'record-access' : 'life-cycle'
  const event = encodeEntry({ form: 'personal', type, time: at - (at % HOUR), tag: NO_TAG, commitment })
  if (!labels) return [event]
  const epoch = keyEpoch(labels.epoch)
  const { record, token } = await blind(labels)
  const binding = encodeEntry({
    form: 'binding',
    type: kind === 'enrolled' ? 'registration' : 'replacement',
    epoch,
    recordLabel: record,
    tokenLabel: token,
  })
  return [binding, event]
}

/**
 * `k<evaluators' key>.t<token key>.r<record key>` as one number, `k · 2^32 + t · 2^16 + r`; versions are below 2^16.
 *
 * @throws {CtidError} `ERR_LOG_ENTRY`
 */
export function keyEpoch(text: string): number {
  const versions = /^k(\d{1,5})\.t(\d{1,5})\.r(\d{1,5})$/.exec(text)?.slice(1).map(Number) ?? [Number.NaN]
  if (!versions.every((version) => version < 65_536)) {
    throw new CtidError('ERR_LOG_ENTRY', { detail: 'key epoch' })
  }
  return versions.reduce((number, version) => number * 65_536 + version, 0)
}
