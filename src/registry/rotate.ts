// Key rotation without plaintext and without re-enrolment: labels on one side, sealing of the bindings, vault key.
// Every page is one transaction and finds its rows by their version, so a killed rotation is simply run again.
import { CtidError, framed } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import type { Session, SqlValue } from '../store/index.ts'
import { type Binding, rekeyPoint, sealBinding } from './binding.ts'
import {
  type Desk,
  type KeyState,
  type Label,
  labelOf,
  RingChanged,
  readRing,
  requireSameRing,
  writingVersion,
} from './desk.ts'
import { bindingOf, TOKEN_COLUMNS, type TokenRow } from './entry.ts'
import { type BindingKey, type KeyKind, keyCheck, newest, ofVersion, type SectorKey } from './keys.ts'
import { handIn, publicLabels, type RegistryLogEntry } from './log.ts'
import { rewrap } from './vault.ts'

export type Progress = { readonly done: number }

export type RotateOptions = {
  readonly onProgress?: (progress: Progress) => void
  /** Rows in one transaction. Default 500. */
  readonly pageSize?: number
}

/**
 * Rolls every entry to the newest version of a key, which must be in the keys of every process of the registry
 * (a process without it refuses to enrol from now on). Both labels answer until {@link retire}. Enrolment, look-ups
 * and steps go on meanwhile. Run it again after a crash.
 *
 * @throws {CtidError} `ERR_REGISTRY_ROTATION` when there is no newer key, or an earlier rotation is not retired
 */
export async function rotate(desk: Desk, kind: KeyKind, options: RotateOptions = {}): Promise<Progress> {
  await begin(desk, kind)
  const version = writingVersion(desk, kind)
  let done = 0
  // New rows of slower processes may appear behind the cursor: pass over the table until one pass finds nothing.
  for (;;) {
    const moved = await pass(desk, kind, version, options, (count) => {
      done += count
      options.onProgress?.({ done })
    })
    if (moved === 0) break
  }
  await setStates(desk, kind, (state, of) => {
    if (of === version) return 'current'
    return state === 'current' ? 'old' : state
  })
  return { done }
}

/**
 * Ends a rotation: the former labels stop answering and are deleted, the former key is refused from now on.
 * `settleSeconds` after the roll must have passed (default 120 on PostgreSQL, where a transaction begun before it may
 * still be under way; 0 on SQLite, which has one writer).
 *
 * @throws {CtidError} `ERR_REGISTRY_ROTATION`
 */
export async function retire(
  desk: Desk,
  kind: KeyKind,
  options: { readonly settleSeconds?: number } = {},
): Promise<void> {
  const { store, clock } = desk
  await readRing(desk)
  const old = desk.ring.find((row) => row.kind === kind && row.state === 'old')
  if (!old || desk.ring.some((row) => row.kind === kind && row.state === 'next')) {
    throw new CtidError('ERR_REGISTRY_ROTATION', { detail: 'rotate first' })
  }
  const settle = options.settleSeconds ?? (store.engine === 'postgres' ? 120 : 0)
  if (clock() < old.since + settle) {
    throw new CtidError('ERR_REGISTRY_ROTATION', { detail: `wait ${settle} seconds after the roll` })
  }
  const column = `${kind}_version`.replace('record', 'rec')
  const [left] = await store.rows<{ n: number }>(
    `select count(*) as n from registry_by_token where ${column} <= $1 and next is null`,
    [old.version],
  )
  if (left?.n !== 0)
    throw new CtidError('ERR_REGISTRY_ROTATION', { detail: 'rotate again: entries are left' })
  await setStates(desk, kind, (state) => (state === 'old' ? 'retired' : state))
  if (kind === 'token') await store.run('delete from registry_by_token where next is not null', [])
  if (kind === 'record') await store.run('delete from registry_by_rec where rec_version <= $1', [old.version])
}

/**
 * Wraps every record key anew under the vault's present key. No record is opened. Erased rows are passed over: without
 * the former vault key they are gone from backups as well.
 */
export async function rotateVault(desk: Desk, options: RotateOptions = {}): Promise<Progress> {
  const { store, vault } = desk
  let after: Uint8Array = new Uint8Array(0)
  let done = 0
  for (;;) {
    const page = await store.rows<VaultRow>(
      `select entry, version, key_id, wrapped from registry_vault
       where entry > $1 and key_id <> $2 and key_id <> '' order by entry limit $3`,
      [after, vault.keyId, options.pageSize ?? 500],
    )
    const last = page.at(-1)
    if (!last) return { done }
    const rewrapped = await Promise.all(
      page.map(async (row) => {
        const sealed = { ...row, keyId: row.key_id, sealed: new Uint8Array(0) }
        return { row, ...(await rewrap(sealed, vault, row.entry)) }
      }),
    )
    done += await store.transaction(async (tx) => {
      const sql =
        'update registry_vault set key_id = $4, wrapped = $5 where entry = $1 and version = $2 and key_id = $3'
      const counts = await Promise.all(
        rewrapped.map(({ row, keyId, wrapped }) =>
          tx.run(sql, [row.entry, row.version, row.key_id, keyId, wrapped]),
        ),
      )
      return counts.reduce((sum, count) => sum + count, 0)
    })
    options.onProgress?.({ done })
    after = last.entry
  }
}

type VaultRow = { entry: Uint8Array; version: number; key_id: string; wrapped: Uint8Array }

// Marks the newest version of our keys as `next`, unless that was done before.
async function begin(desk: Desk, kind: KeyKind): Promise<void> {
  await readRing(desk)
  const key = newest<SectorKey | BindingKey>(desk.keys[kind])
  const own = desk.ring.filter((row) => row.kind === kind)
  const known = own.find(({ version }) => version === key.version)
  // Begun before, by a run that was killed or that left stragglers behind: go on.
  if (known?.state === 'next' || (known?.state === 'current' && own.some(({ state }) => state === 'old')))
    return
  if (desk.ring.some(({ state }) => state === 'next' || state === 'old')) {
    throw new CtidError('ERR_REGISTRY_ROTATION', { detail: 'an earlier rotation is not retired' })
  }
  if (key.version <= writingVersion(desk, kind)) {
    throw new CtidError('ERR_REGISTRY_ROTATION', { detail: 'add a key version first' })
  }
  const proof = keyCheck(desk.group, kind, key)
  await desk.store.transaction(async (tx) => {
    await requireSameRing(desk, tx)
    const sql =
      "insert into registry_key (kind, version, state, since, proof) values ($1, $2, 'next', $3, $4) on conflict do nothing"
    if ((await tx.run(sql, [kind, key.version, desk.clock(), proof])) !== 1) throw new RingChanged()
  })
  await readRing(desk)
}

async function setStates(
  desk: Desk,
  kind: KeyKind,
  change: (state: KeyState, version: number) => KeyState,
): Promise<void> {
  await desk.store.transaction(async (tx) => {
    for (const row of desk.ring.filter((one) => one.kind === kind)) {
      const state = change(row.state, row.version)
      const sql =
        'update registry_key set state = $3, since = $4 where kind = $1 and version = $2 and state <> $3'
      await tx.run(sql, [kind, row.version, state, desk.clock()])
    }
  })
  await readRing(desk)
}

// One pass over the entries that are not on `version` yet, in pages; returns how many were moved.
async function pass(
  desk: Desk,
  kind: KeyKind,
  version: number,
  options: RotateOptions,
  onPage: (count: number) => void,
): Promise<number> {
  const column = `${kind}_version`.replace('record', 'rec')
  const sql = `select ${TOKEN_COLUMNS.join(', ')} from registry_by_token
    where token > $1 and ${column} < $2 and next is null order by token limit $3`
  let after: Uint8Array = new Uint8Array(0)
  let moved = 0
  for (;;) {
    const page = await desk.store.rows<TokenRow>(sql, [after, version, options.pageSize ?? 500])
    const last = page.at(-1)
    if (!last) return moved
    const moves = await Promise.all(page.map((row) => moveOf(desk, kind, version, row)))
    await handIn(desk, kind === 'binding' ? [] : moves.map((move) => rekeyed(desk, move)))
    const count = await desk.store.transaction((tx) => write(desk, tx, kind, moves))
    moved += count
    onPage(count)
    after = last.token
  }
}

/** A row and what it becomes. */
type Move = { readonly from: TokenRow; readonly to: TokenRow }

async function moveOf(desk: Desk, kind: KeyKind, version: number, from: TokenRow): Promise<Move> {
  const { group, keys, random } = desk
  const binding = await bindingOf(desk, from)
  let to = from
  let rekeyedBinding: Binding = binding
  if (kind === 'token') {
    const [before, after] = [ofVersion(keys.token, from.token_version), ofVersion(keys.token, version)]
    const move = (point: Binding['tokenPoint']) => rekeyPoint(group, point, before, after)
    const { successorPoint } = binding
    const tokenPoint = requireGenuine(before, binding.tokenPoint, from.token) && move(binding.tokenPoint)
    rekeyedBinding = {
      ...binding,
      tokenPoint,
      ...(successorPoint ? { successorPoint: move(successorPoint) } : {}),
    }
    to = { ...from, token: labelOf(after, tokenPoint), token_version: version }
  } else if (kind === 'record') {
    const [before, after] = [ofVersion(keys.record, from.rec_version), ofVersion(keys.record, version)]
    requireGenuine(before, binding.recordPoint, from.rec)
    const recordPoint = rekeyPoint(group, binding.recordPoint, before, after)
    rekeyedBinding = { ...binding, recordPoint }
    to = { ...from, rec: labelOf(after, recordPoint), rec_version: version }
  }
  const key = ofVersion(keys.binding, writingVersion(desk, 'binding'))
  const sealed = await sealBinding(rekeyedBinding, key, { token: to.token, random })
  return { from, to: { ...to, binding: sealed.binding, binding_version: sealed.version } }
}

// A row whose label is not that of its own sealed point was tampered with: stop rather than carry it over.
function requireGenuine(key: SectorKey, point: Binding['tokenPoint'], label: Label): true {
  const expected = labelOf(key, point)
  if (!expected.every((byte, i) => byte === label[i])) throw new CtidError('ERR_REGISTRY_SEAL')
  return true
}

function rekeyed(desk: Desk, { to }: Move): RegistryLogEntry {
  const labels = publicLabels(to.rec, to.token, { token: to.token_version, record: to.rec_version })
  const commitment = sha256(framed('ctid/registry/rekey/v1', labels.epoch, labels.record, labels.token))
  return { kind: 'rekeyed', at: desk.clock(), commitment, labels }
}

// Rows that changed since they were read (`binding` differs or `seq` moved on) are left for the next pass.
async function write(desk: Desk, tx: Session, kind: KeyKind, moves: readonly Move[]): Promise<number> {
  await requireSameRing(desk, tx)
  const claim =
    kind === 'token'
      ? `update registry_by_token set next = $4, binding = $5 where token = $1 and seq = $2 and binding = $3 and next is null`
      : `update registry_by_token set rec = $4, rec_version = $5, binding = $6, binding_version = $7
         where token = $1 and seq = $2 and binding = $3 and next is null`
  const counts = await Promise.all(
    moves.map(({ from, to }) => {
      const which: SqlValue[] = [from.token, from.seq, from.binding]
      if (kind === 'token') return tx.run(claim, [...which, to.token, new Uint8Array(0)])
      return tx.run(claim, [...which, to.rec, to.rec_version, to.binding, to.binding_version])
    }),
  )
  const claimed = moves.filter((_, i) => counts[i] === 1)
  if (kind === 'token') {
    const rows = claimed.map(({ to }) => TOKEN_COLUMNS.map((column) => to[column] as SqlValue))
    if ((await tx.insert('registry_by_token', TOKEN_COLUMNS, rows)) !== rows.length) throw conflict()
    const counts_ = await Promise.all(
      claimed.map(({ from, to }) =>
        tx.run('update registry_by_rec set token = $2 where rec = $1 and token = $3', [
          from.rec,
          to.token,
          from.token,
        ]),
      ),
    )
    if (counts_.some((count) => count !== 1)) throw conflict()
  } else if (kind === 'record') {
    // Present already when this person was enrolled during the rotation by a process that wrote both labels.
    const rows = claimed.map(({ to }) => [to.rec, to.token, to.rec_version])
    await tx.insert('registry_by_rec', ['rec', 'token', 'rec_version'], rows)
    const bound = await tx.find<{ rec: Label; token: Label }>(
      'registry_by_rec',
      ['rec', 'token'],
      rows.map((r) => r[0] as Label),
    )
    const tokens = new Map(bound.map(({ rec, token }) => [Buffer.from(rec).toString('hex'), token]))
    for (const { to } of claimed) {
      const token = tokens.get(Buffer.from(to.rec).toString('hex'))
      if (!token?.every((byte, i) => byte === to.token[i])) throw conflict()
    }
  }
  return claimed.length
}

function conflict(): CtidError {
  return new CtidError('ERR_REGISTRY_CONFLICT', { detail: 'a rotated label is bound to another entry' })
}
