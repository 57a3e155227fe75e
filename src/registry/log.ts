// The port to a transparency log, and what an event looks like there: a commitment, and two labels when it binds.
import { CtidError, framed, uintBytes } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import type { Row } from '../store/index.ts'
import type { Desk, Label } from './desk.ts'
import type { EventKind, StoredState } from './life-cycle.ts'

/** One leaf. No personal data, nothing that can be guessed: whoever holds the event and its nonce can show it. */
export type RegistryLogEntry = {
  readonly kind: EventKind | 'rekeyed'
  readonly at: number
  /** SHA-256 over the event and 32 random bytes. */
  readonly commitment: Uint8Array
  /**
   * When the event binds a token to a record: one label per side. Within an epoch no label may occur twice
   * (except in identical leaves), which anybody can check: that is one-to-one in public.
   */
  readonly labels?: { readonly epoch: string; readonly record: Uint8Array; readonly token: Uint8Array }
}

/**
 * Accepts leaves. Resolving means that the log is committed to them; the receipt is the log's own. A leaf may come
 * twice after a failure, byte for byte the same.
 */
export interface RegistryLog {
  append(entries: readonly RegistryLogEntry[]): Promise<unknown>
}

export type EventRow = Row & {
  readonly entry: Uint8Array
  readonly seq: number
  readonly kind: EventKind
  readonly state: StoredState
  readonly reason: string
  readonly officer: string
  readonly at: number
  readonly nonce: Uint8Array
}

export const EVENT_COLUMNS = ['entry', 'seq', 'kind', 'state', 'reason', 'officer', 'at', 'nonce'] as const

/**
 * The commitment of an event, as the holder of its row can recompute it.
 *
 * @throws {CtidError} `ERR_REGISTRY_SEAL` for a row that no registry wrote
 */
export function commitmentOf(event: EventRow): Uint8Array {
  const { entry, seq, kind, state, reason, officer, at, nonce } = event
  const isOurs = [seq, at].every((value) => value >= 0 && value < 2 ** 48)
  if (!isOurs)
    throw new CtidError('ERR_REGISTRY_SEAL', { detail: 'an event with an impossible number or time' })
  return sha256(
    framed(
      'ctid/registry/event/v1',
      nonce,
      entry,
      uintBytes(seq, 6),
      kind,
      state,
      reason,
      officer,
      uintBytes(at, 6),
    ),
  )
}

/** The public labels of a binding: hashes of two secret-keyed HMACs, so they reveal neither and cannot be guessed. */
export function publicLabels(
  rec: Label,
  token: Label,
  versions: { readonly anchor: number; readonly token: number; readonly record: number },
) {
  return {
    epoch: `k${versions.anchor}.t${versions.token}.r${versions.record}`,
    record: sha256(framed('ctid/registry/record-label/v1', rec)),
    token: sha256(framed('ctid/registry/token-label/v1', token)),
  }
}

/** The row parts that publishing needs. */
export type Publishable = {
  readonly token: Label
  readonly rec: Label
  readonly entry: Uint8Array
  readonly token_version: number
  readonly rec_version: number
  readonly anchor_version: number
  readonly seq: number
  readonly logged: number
}

/**
 * Hands events that the log has not accepted yet to the log, then marks them. Called before any acknowledgement.
 *
 * @throws {CtidError} `ERR_REGISTRY_LOG`; the events stay, and are handed in again with the next operation
 */
export async function publish(desk: Desk, rows: readonly Publishable[]): Promise<void> {
  const waiting = rows.filter((row) => row.logged < row.seq)
  if (!desk.log || waiting.length === 0) return
  const leaves: RegistryLogEntry[] = []
  for (const row of waiting) {
    const events = await desk.store.rows<EventRow>(
      `select ${EVENT_COLUMNS.join(', ')} from registry_event where entry = $1 and seq > $2 and seq <= $3 order by seq`,
      [row.entry, row.logged, row.seq],
    )
    for (const event of events) {
      const { kind, at } = event
      const versions = { anchor: row.anchor_version, token: row.token_version, record: row.rec_version }
      const labels = kind === 'enrolled' ? { labels: publicLabels(row.rec, row.token, versions) } : {}
      leaves.push({ kind, at, commitment: commitmentOf(event), ...labels })
    }
  }
  await handIn(desk, leaves)
  await desk.store.transaction(async (tx) => {
    const sql = 'update registry_by_token set logged = $2 where token = $1 and logged < $2'
    for (const row of waiting) await tx.run(sql, [row.token, row.seq])
  })
}

/** Appends, and turns any failure into `ERR_REGISTRY_LOG`. */
export async function handIn(desk: Desk, leaves: readonly RegistryLogEntry[]): Promise<void> {
  if (!desk.log || leaves.length === 0) return
  try {
    await desk.log.append(leaves)
  } catch (cause) {
    throw new CtidError('ERR_REGISTRY_LOG', { cause })
  }
}
