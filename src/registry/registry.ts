// The registry as its users see it: one object over one store.

import type { JsonObject } from '../base/index.ts'
import { migrate } from '../store/index.ts'
import { type Audit, type AuditOptions, audit } from './audit.ts'
import { type Because, erase, openRecord, renew, replace, step, type WithRecord } from './change.ts'
import {
  type KeyRow,
  type Label,
  openDesk,
  type RegistryDependencies,
  type RollKind,
  readRing,
} from './desk.ts'
import { type Application, type Draft, type Enrolment, enrol, enrolDrafts, enrolMany } from './enrol.ts'
import { bindingOf, type Entry, entryOf, openRow, rowOf, TOKEN_COLUMNS, type TokenRow } from './entry.ts'
import type { KeyKind, RegistryKeys } from './keys.ts'
import { commitmentOf, EVENT_COLUMNS, type EventRow, publish } from './log.ts'
import type { AnchorRotation } from './move.ts'
import {
  type AnchorProgress,
  type Progress,
  type RotateOptions,
  retire,
  rotate,
  rotateAnchors,
} from './rotate.ts'
import { rotateVault } from './rotate-vault.ts'
import { registryMigrations } from './schema.ts'

/** One event of an entry's history, with what shows that the log has it: whoever has the row computes the commitment. */
export type RegistryEvent = EventRow & { readonly commitment: Uint8Array }

/** See the functions of the same names for what they do and throw. */
export type Registry = {
  enrol(application: Application): Promise<Enrolment>
  enrolMany(applications: readonly Application[]): Promise<Enrolment[]>
  /** As `enrolMany`, with drafts that other threads made by `draftEnrolment` for the key states given to `prepare`. */
  enrolDrafts(prepare: (ring: readonly KeyRow[]) => Promise<readonly Draft[]>): Promise<Enrolment[]>
  /** The entry of a token, `undefined` if there is none. Opens its binding, never its record. About 20 µs on SQLite. */
  lookup(token: Label): Promise<Entry | undefined>
  freeze(token: Label, because: Because<'frozen'>): Promise<Entry>
  unfreeze(token: Label, because: Because<'unfrozen'>): Promise<Entry>
  revoke(token: Label, because: Because<'revoked'>): Promise<Entry>
  renew(token: Label, change: Because<'renewed'> & WithRecord): Promise<Entry>
  replace(token: Label, change: Because<'superseded'> & WithRecord): Promise<Enrolment>
  openRecord(token: Label, because: Because<'opened'>): Promise<JsonObject>
  erase(token: Label, because: Because<'erased'>): Promise<Entry>
  /** Everything that happened to an entry, oldest first: what the person may read. */
  history(token: Label): Promise<RegistryEvent[]>
  rotate(kind: KeyKind, options?: RotateOptions): Promise<Progress>
  /** Follows a rotation of the evaluators' key K, see {@link AnchorRotation}. */
  rotateAnchors(rotation: AnchorRotation, options?: RotateOptions): Promise<AnchorProgress>
  retire(kind: RollKind, options?: { readonly settleSeconds?: number }): Promise<void>
  rotateVault(options?: RotateOptions): Promise<Progress>
  /** Versions of all keys and of the anchors, and which rotation is where. */
  keyStates(): Promise<readonly Pick<KeyRow, 'kind' | 'version' | 'state' | 'since'>[]>
  /** Takes other keys into use, those of the next rotation or without retired ones, and checks them. */
  useKeys(keys: RegistryKeys): Promise<void>
  audit(options?: AuditOptions): Promise<Audit>
  /** Hands every event that the log has not accepted yet to it; returns how many entries had some. */
  settleLog(): Promise<number>
}

/**
 * Opens the registry of a store, making its tables if they are missing.
 *
 * @throws {CtidError} `ERR_REGISTRY_KEYS` when the keys are not those the database was made with, store errors
 */
export async function openRegistry(dependencies: RegistryDependencies): Promise<Registry> {
  await migrate(dependencies.store, [registryMigrations])
  const desk = await openDesk(dependencies)
  return {
    enrol: (application) => enrol(desk, application),
    enrolMany: (applications) => enrolMany(desk, applications),
    enrolDrafts: (prepare) => enrolDrafts(desk, prepare),
    async lookup(token) {
      const row = await rowOf(desk, token)
      return row && entryOf(desk, { row, binding: await bindingOf(desk, row) })
    },
    freeze: (token, because) => step(desk, token, 'frozen', because),
    unfreeze: (token, because) => step(desk, token, 'unfrozen', because),
    revoke: (token, because) => step(desk, token, 'revoked', because),
    renew: (token, change) => renew(desk, token, change),
    replace: (token, change) => replace(desk, token, change),
    openRecord: (token, because) => openRecord(desk, token, because),
    erase: (token, because) => erase(desk, token, because),
    async history(token) {
      const { row } = await openRow(desk, token)
      const events = await desk.store.rows<EventRow>(
        `select ${EVENT_COLUMNS.join(', ')} from registry_event where entry = $1 order by seq`,
        [row.entry],
      )
      return events.map((event) => ({ ...event, commitment: commitmentOf(event) }))
    },
    rotate: (kind, options) => rotate(desk, kind, options),
    rotateAnchors: (rotation, options) => rotateAnchors(desk, rotation, options),
    retire: (kind, options) => retire(desk, kind, options),
    rotateVault: (options) => rotateVault(desk, options),
    async keyStates() {
      await readRing(desk)
      return desk.ring.map(({ kind, version, state, since }) => ({ kind, version, state, since }))
    },
    async useKeys(keys) {
      const changed = { ...desk, keys }
      await readRing(changed)
      Object.assign(desk, changed)
    },
    audit: (options) => audit(desk, options),
    async settleLog() {
      const waiting = await desk.store.rows<TokenRow>(
        `select ${TOKEN_COLUMNS.join(', ')} from registry_by_token where logged < seq and next is null order by token`,
      )
      await publish(desk, waiting)
      return waiting.length
    },
  }
}
