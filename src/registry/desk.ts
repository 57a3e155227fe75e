// What every operation of the registry works with: store, keys, vault, group, clock, log, and the key states.
import { type Clock, CtidError, equalBytes, isCtidError, type RandomBytes } from '../base/index.ts'
import type { Group, Point } from '../crypto/index.ts'
import type { Row, Session, Store } from '../store/index.ts'
import { sectorToken, type Token } from '../token/index.ts'
import {
  type BindingKey,
  KEY_KINDS,
  type KeyKind,
  keyCheck,
  newest,
  ofVersion,
  type RegistryKeys,
  type SectorKey,
} from './keys.ts'
import type { RegistryLog } from './log.ts'
import type { Vault } from './vault.ts'

/** 32 bytes that came from outside: a token or a record's label. */
export type Label = Uint8Array

export type RegistryDependencies = {
  readonly store: Store
  readonly keys: RegistryKeys
  readonly vault: Vault
  readonly group: Group
  readonly clock: Clock
  readonly random: RandomBytes
  /** When given, nothing is acknowledged before the log has accepted it. */
  readonly log?: RegistryLog
  /** Version of the evaluators' key set. Only an empty database takes it over. Default 1. */
  readonly anchorVersion?: number
}

/** What can be rolled: a key of the registry, or the evaluators' key that every point is a multiple of. */
export type RollKind = KeyKind | 'anchor'

/**
 * `next`: a rotation is rolling, new entries already use it. `current`: in use. `old`: rolled out, its labels still
 * answer. `retired`: refused.
 */
export type KeyState = 'next' | 'current' | 'old' | 'retired'

export type KeyRow = Row & {
  readonly kind: RollKind
  readonly version: number
  readonly state: KeyState
  readonly since: number
  readonly proof: Uint8Array
}

/** Dependencies and the key states as last read; `ring` is replaced when another process rotated. */
export type Desk = RegistryDependencies & { ring: readonly KeyRow[] }

const RING = 'select kind, version, state, since, proof from registry_key order by kind, version'
const KINDS = ['token', 'record', 'binding'] as const

/**
 * Reads the key states and checks the keys against them; an empty database takes the keys as its own.
 *
 * @throws {CtidError} `ERR_REGISTRY_KEYS` when a key is not the one the database was made with
 */
export async function openDesk(dependencies: RegistryDependencies): Promise<Desk> {
  const { store, keys, group, clock, anchorVersion = 1 } = dependencies
  await store.transaction(async (tx) => {
    if ((await tx.rows(RING)).length > 0) return
    const rows = KINDS.map((kind) => {
      const key = newest<SectorKey | BindingKey>(keys[kind])
      return [kind, key.version, 'current', clock(), keyCheck(group, kind, key)]
    })
    // No key here, and no proof: the registry sees the evaluators' key in no form but the anchors.
    for (const row of [...rows, ['anchor', anchorVersion, 'current', clock(), new Uint8Array(0)]]) {
      const sql =
        'insert into registry_key (kind, version, state, since, proof) values ($1, $2, $3, $4, $5) on conflict do nothing'
      await tx.run(sql, row)
    }
  })
  const desk: Desk = { ...dependencies, ring: [] }
  await readRing(desk)
  return desk
}

/** Reads the key states again and checks that this process has every key they ask for. */
export async function readRing(desk: Desk): Promise<void> {
  const ring = await desk.store.rows<KeyRow>(RING)
  for (const row of ring) {
    const { kind } = row
    if (row.state === 'retired' || kind === 'anchor') continue
    // The table may have been altered: what is read from it decides nothing by itself.
    if (!KEY_KINDS.includes(kind))
      throw new CtidError('ERR_REGISTRY_KEYS', { detail: 'a key of an unknown kind' })
    const key = desk.keys[kind].find(({ version }) => version === row.version)
    if (!key)
      throw new CtidError('ERR_REGISTRY_KEY_RETIRED', { detail: `${kind} key ${row.version} is missing` })
    if (!equalBytes(keyCheck(desk.group, kind, key), row.proof)) {
      throw new CtidError('ERR_REGISTRY_KEYS', { detail: `${kind} key ${row.version} is another one` })
    }
  }
  desk.ring = ring
}

/** Thrown inside a transaction when another process has begun or ended a rotation meanwhile. */
export class RingChanged extends Error {}

/** Refuses, inside the transaction that writes, to go on with key states that are no longer so. */
export async function requireSameRing(desk: Desk, tx: Session): Promise<void> {
  const rows = await tx.rows<KeyRow>(RING)
  const same =
    rows.length === desk.ring.length &&
    rows.every((row, i) => row.version === desk.ring[i]?.version && row.state === desk.ring[i]?.state)
  if (!same) throw new RingChanged()
}

/** Runs `work`, and again with fresh key states while they change under it, or when they may be why it was refused. */
export async function withRing<T>(desk: Desk, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const stale = error instanceof RingChanged || isAnchorRefusal(error)
      if (!stale || attempt === (error instanceof RingChanged ? 5 : 2)) throw error
      await readRing(desk)
    }
  }
}

function isAnchorRefusal(error: unknown): boolean {
  return isCtidError(error) && error.code === 'ERR_REGISTRY_ANCHOR_VERSION'
}

/** The version that new entries use: `next` during a rotation, else `current`. */
export function writingVersion(desk: Pick<Desk, 'ring'>, kind: RollKind): number {
  const versions = desk.ring.filter(
    (row) => row.kind === kind && (row.state === 'next' || row.state === 'current'),
  )
  return newest(versions).version
}

export function writingKey(desk: Pick<Desk, 'keys' | 'ring'>, kind: 'token' | 'record'): SectorKey {
  return ofVersion(desk.keys[kind], writingVersion(desk, kind))
}

/** Record keys whose labels exclude a second enrolment, newest first: two while a rotation of that key is open. */
export function recordKeys(desk: Pick<Desk, 'keys' | 'ring'>): SectorKey[] {
  return openVersions(desk, 'record').map((version) => ofVersion(desk.keys.record, version))
}

/** Versions that are not retired, newest first: two while a rotation is open. */
export function openVersions(desk: Pick<Desk, 'ring'>, kind: RollKind): number[] {
  return desk.ring
    .filter((row) => row.kind === kind && row.state !== 'retired')
    .map(({ version }) => version)
    .reverse()
}

/** What is stored for a point: never the point, but its HMAC under a key of the same version. */
export function labelOf(key: SectorKey, point: Point): Token {
  return sectorToken(key.mac.reveal(), point, { keyVersion: key.version })
}
