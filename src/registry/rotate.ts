// Rotation without plaintext and without re-enrolment: of the registry's own keys, and of the evaluators' key K.
// Marks the versions, passes over the entries until none is left, retires the former version.
import { CtidError, equalBytes, framed } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import type { Fault } from '../token/index.ts'
import {
  type Desk,
  type KeyState,
  RingChanged,
  type RollKind,
  readRing,
  requireSameRing,
  writingVersion,
} from './desk.ts'
import { type BindingKey, type KeyKind, keyCheck, newest, type SectorKey } from './keys.ts'
import {
  type AnchorRotation,
  type Mover,
  moveByEvaluators,
  moveByKeys,
  pass,
  VERSION_COLUMNS,
} from './move.ts'

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
  const key = newest<SectorKey | BindingKey>(desk.keys[kind])
  await begin(desk, { kind, version: key.version, proof: keyCheck(desk.group, kind, key) })
  return roll(desk, kind, moveByKeys(desk, kind), options)
}

export type AnchorProgress = Progress & {
  /** Evaluators that failed while enough others did not. */
  readonly faults: readonly Fault[]
}

/**
 * Rolls every entry from K to K′: both points times ρ through the blind path with proofs, both labels computed again.
 * From its start until {@link retire} an enrolment must bring the anchors under both keys: every entry has a label under
 * K, old or new, so nobody enrols twice. Both tokens answer meanwhile. Run it again, with the same ρ, after a crash.
 * Costs 3 + 2t multiplications a point here.
 *
 * @throws {CtidError} `ERR_REGISTRY_ROTATION`; `ERR_REGISTRY_KEYS` when it was begun with another ρ; `ERR_TOKEN_QUORUM`
 */
export async function rotateAnchors(
  desk: Desk,
  rotation: AnchorRotation,
  options: RotateOptions = {},
): Promise<AnchorProgress> {
  const { version, groupKey } = rotation.keySet
  const proof = sha256(framed('ctid/registry/key-check/v1', 'anchor', groupKey))
  await begin(desk, { kind: 'anchor', version, proof })
  const faults = new Map<string, Fault>()
  const onFault = (fault: Fault) => faults.set(`${fault.evaluator} ${fault.reason}`, fault)
  const { done } = await roll(desk, 'anchor', moveByEvaluators(desk, rotation, onFault), options)
  return { done, faults: [...faults.values()] }
}

async function roll(desk: Desk, kind: RollKind, move: Mover, options: RotateOptions): Promise<Progress> {
  const version = writingVersion(desk, kind)
  let done = 0
  // New rows of slower processes may appear behind the cursor: pass over the table until one pass finds nothing.
  for (;;) {
    const moved = await pass(desk, { kind, version, move, pageSize: options.pageSize ?? 500 }, (count) => {
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
  kind: RollKind,
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
  const column = VERSION_COLUMNS[kind]
  // Over whole tables, which takes its time: a snapshot to count, bulk transactions to delete.
  const [left] = await store.snapshot((tx) =>
    tx.rows<{ n: number }>(
      `select count(*) as n from registry_by_token where ${column} <= $1 and next is null`,
      [old.version],
    ),
  )
  const remove = (sql: string, parameters: readonly number[]) =>
    store.transaction((tx) => tx.run(sql, parameters), { bulk: true })
  if (left?.n !== 0)
    throw new CtidError('ERR_REGISTRY_ROTATION', { detail: 'rotate again: entries are left' })
  await setStates(desk, kind, (state) => (state === 'old' ? 'retired' : state))
  if (kind === 'token' || kind === 'anchor') {
    await remove('delete from registry_by_token where next is not null', [])
  }
  if (kind === 'record' || kind === 'anchor') {
    await remove(`delete from registry_by_rec where ${column} <= $1`, [old.version])
  }
}

type Beginning = { readonly kind: RollKind; readonly version: number; readonly proof: Uint8Array }

// Marks the new version as `next`, unless that was done before.
async function begin(desk: Desk, { kind, version, proof }: Beginning): Promise<void> {
  await readRing(desk)
  const own = desk.ring.filter((row) => row.kind === kind)
  const known = own.find((row) => row.version === version)
  // Begun before, by a run that was killed or that left stragglers behind: go on.
  if (known?.state === 'next' || (known?.state === 'current' && own.some(({ state }) => state === 'old'))) {
    // With another multiplier the entries would end on two keys.
    if (equalBytes(known.proof, proof)) return
    throw new CtidError('ERR_REGISTRY_KEYS', {
      detail: `${kind} rotation ${version} was begun with another key`,
    })
  }
  const earlier = desk.ring.find(({ state }) => state === 'next' || state === 'old')
  if (earlier) {
    throw new CtidError('ERR_REGISTRY_ROTATION', {
      detail: `the rotation of the ${earlier.kind} key is not retired`,
    })
  }
  const present = writingVersion(desk, kind)
  if (version <= present || (kind === 'anchor' && version !== present + 1)) {
    throw new CtidError('ERR_REGISTRY_ROTATION', { detail: 'add the next key version first' })
  }
  await desk.store.transaction(async (tx) => {
    await requireSameRing(desk, tx)
    const sql =
      "insert into registry_key (kind, version, state, since, proof) values ($1, $2, 'next', $3, $4) on conflict do nothing"
    if ((await tx.run(sql, [kind, version, desk.clock(), proof])) !== 1) throw new RingChanged()
  })
  await readRing(desk)
}

async function setStates(
  desk: Desk,
  kind: RollKind,
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
