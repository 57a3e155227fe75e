// One entry as a row and as its reader sees it; finding it by its token, an old one included.
import { CtidError } from '../base/index.ts'
import type { Row } from '../store/index.ts'
import type { Token } from '../token/index.ts'
import { type Binding, openBinding } from './binding.ts'
import { type Desk, type Label, labelOf } from './desk.ts'
import { ofVersion } from './keys.ts'
import { type State, type StoredState, stateAt } from './life-cycle.ts'

export type TokenRow = Row & {
  readonly token: Token
  readonly rec: Label
  readonly entry: Uint8Array
  readonly token_version: number
  readonly rec_version: number
  readonly anchor_version: number
  readonly binding_version: number
  readonly binding: Uint8Array
  readonly state: StoredState
  readonly since: number
  readonly seq: number
  readonly logged: number
  /** The token that replaced this one in a rotation; the row is then only a pointer. */
  readonly next: Token | null
}

export const REC_COLUMNS = ['rec', 'token', 'rec_version', 'anchor_version'] as const

export const TOKEN_COLUMNS = [
  'token',
  'rec',
  'entry',
  'token_version',
  'rec_version',
  'anchor_version',
  'binding_version',
  'binding',
  'state',
  'since',
  'seq',
  'logged',
  'next',
] as const

/** What the registry tells about an entry. No personal data. */
export type Entry = {
  /**
   * 16 random bytes, drawn at enrolment: the entry's name, which no rotation of any key changes. For the deployment's own
   * bookkeeping, such as the issuer's ledger; never shown outside it, where it would be a number for everything.
   */
  readonly id: Uint8Array
  /** The present token; differs from the one asked for during a rotation of the token key. */
  readonly token: Token
  readonly tokenVersion: number
  readonly state: State
  /** Unix seconds of the last change of state. */
  readonly since: number
  /** Number of events in its history. */
  readonly events: number
  /** Unix seconds from which the document is no longer valid. */
  readonly expiresAt?: number
  /** Version of the sealed record, from 1. */
  readonly recordVersion: number
  /** Token of the entry that superseded this one. */
  readonly successor?: Token
  /** Whether the log has accepted every event. Without a log always true. */
  readonly logged: boolean
}

/** A row and its opened binding. */
export type OpenRow = { readonly row: TokenRow; readonly binding: Binding }

// More hops than open rotations there can be: a longer chain is damage.
const HOPS = 4

/** The row of a token, following rotations; `undefined` if there is none. */
export async function rowOf(desk: Desk, token: Label): Promise<TokenRow | undefined> {
  let wanted = token
  for (let hop = 0; hop < HOPS; hop++) {
    const [row] = await desk.store.find<TokenRow>('registry_by_token', TOKEN_COLUMNS, [wanted])
    if (!row || row.next === null) return row
    wanted = row.next
  }
  throw new CtidError('ERR_REGISTRY_SEAL', { detail: 'a chain of tokens has no end' })
}

/**
 * As {@link rowOf}, with the binding opened.
 *
 * @throws {CtidError} `ERR_REGISTRY_TOKEN`, `ERR_REGISTRY_SEAL`
 */
export async function openRow(desk: Desk, token: Label): Promise<OpenRow> {
  const row = await rowOf(desk, token)
  if (!row) throw new CtidError('ERR_REGISTRY_TOKEN')
  return { row, binding: await bindingOf(desk, row) }
}

export function bindingOf(desk: Desk, row: TokenRow): Promise<Binding> {
  return openBinding({ binding: row.binding, version: row.binding_version }, desk.keys.binding, row.token)
}

export function entryOf(desk: Desk, { row, binding }: OpenRow): Entry {
  const { expiresAt, successorPoint, recordVersion } = binding
  const key = successorPoint && ofVersion(desk.keys.token, row.token_version)
  return {
    id: binding.entry,
    token: row.token,
    tokenVersion: row.token_version,
    state: stateAt(row.state, expiresAt, desk.clock()),
    since: row.since,
    events: row.seq,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    recordVersion,
    ...(key && successorPoint ? { successor: labelOf(key, successorPoint) } : {}),
    logged: row.logged >= row.seq,
  }
}
