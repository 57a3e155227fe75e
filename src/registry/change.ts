// Steps of the life cycle, each with a reason and an officer: freeze, revoke, renew, replace, open, erase.
import { CtidError, equalBytes, type JsonObject } from '../base/index.ts'
import type { Session } from '../store/index.ts'
import { type Anchored, anchorUnder, type Binding, pointOf, sealBinding } from './binding.ts'
import { type Desk, type Label, labelOf, requireSameRing, withRing, writingVersion } from './desk.ts'
import {
  type Application,
  asJson,
  draft,
  type Enrolment,
  expiryOf,
  insertDrafts,
  officerOf,
  Present,
} from './enrol.ts'
import { type Entry, entryOf, type OpenRow, openRow } from './entry.ts'
import { ofVersion } from './keys.ts'
import { type EventKind, nextState, type Reason, stateAt } from './life-cycle.ts'
import { EVENT_COLUMNS, publish } from './log.ts'
import { type SealedRecord, sealRecord, unsealRecord } from './vault.ts'

/** Why, from the closed list of the step, and who: an identifier, not a name. */
export type Because<Kind extends EventKind> = { readonly reason: Reason<Kind>; readonly officer: string }

/** The person, and the record to seal. */
export type WithRecord = Anchored & { readonly record: Application['record'] }

/** Registry: makes one step that changes nothing but the state. */
export async function step<Kind extends 'frozen' | 'unfrozen' | 'revoked'>(
  desk: Desk,
  token: Label,
  kind: Kind,
  because: Because<Kind>,
): Promise<Entry> {
  return change(desk, token, kind, because)
}

/**
 * Registrar: seals a new version of the record of the same document number (a renewed card, a changed name). The token
 * stays; an expired entry is active again, a frozen one stays frozen; the former version is overwritten.
 *
 * @throws {CtidError} `ERR_REGISTRY_CONFLICT` when the anchor is another person's
 */
export async function renew(
  desk: Desk,
  token: Label,
  change_: Because<'renewed'> & WithRecord,
): Promise<Entry> {
  return change(desk, token, 'renewed', change_, async ({ row, binding }) => {
    const key = ofVersion(desk.keys.token, row.token_version)
    const anchor = anchorUnder(row.anchor_version, change_)
    if (!equalBytes(pointOf(desk.group, key, anchor), binding.tokenPoint)) {
      throw new CtidError('ERR_REGISTRY_CONFLICT', { detail: 'the record is another person’s' })
    }
    const version = binding.recordVersion + 1
    const record = await sealRecord(asJson(change_.record), desk.vault, {
      ...desk,
      entry: binding.entry,
      version,
    })
    const { expiresAt: _, ...rest } = binding
    return {
      binding: { ...rest, recordVersion: version, ...expiryOf(change_.record) },
      write: (tx) => overwrite(tx, binding, record),
    }
  })
}

/**
 * Registrar: enrols the document that replaces another of the same person under a new number (a new passport), and
 * supersedes the former entry, in one transaction.
 *
 * @throws {CtidError} `ERR_REGISTRY_CONFLICT` when the new document is already enrolled
 */
export async function replace(
  desk: Desk,
  token: Label,
  change_: Because<'superseded'> & WithRecord,
): Promise<Enrolment> {
  const made: { enrolment?: Enrolment } = {}
  await change(desk, token, 'superseded', change_, async ({ row, binding }) => {
    const fresh = await draft(desk, change_)
    const key = ofVersion(desk.keys.token, row.token_version)
    // The successor's point under this row's own key versions, so that a rotation carries both along.
    const successorPoint = pointOf(desk.group, key, anchorUnder(row.anchor_version, change_))
    const entry = entryOf(desk, { row: { ...fresh.row, logged: fresh.row.seq }, binding: fresh.binding })
    made.enrolment = { token: fresh.row.token, status: 'created', entry }
    return {
      binding: { ...binding, successorPoint },
      write: async (tx) => {
        try {
          await insertDrafts(desk, tx, [fresh])
        } catch (error) {
          if (!(error instanceof Present)) throw error
          throw new CtidError('ERR_REGISTRY_CONFLICT', { detail: 'the new document is already enrolled' })
        }
      },
      alsoPublish: [fresh.row],
    }
  })
  if (!made.enrolment) throw new CtidError('ERR_REGISTRY_CONFLICT')
  return made.enrolment
}

/**
 * Registrar: opens the sealed record. The access is in the history, and accepted by the log, before anything is opened.
 *
 * @throws {CtidError} `ERR_REGISTRY_ERASED`, `ERR_REGISTRY_SEAL`
 */
export async function openRecord(desk: Desk, token: Label, because: Because<'opened'>): Promise<JsonObject> {
  await change(desk, token, 'opened', because)
  const { row, binding } = await openRow(desk, token)
  const [vaultRow] = await desk.store.rows<VaultRow>(
    'select version, key_id, wrapped, sealed from registry_vault where entry = $1',
    [binding.entry],
  )
  const key = ofVersion(desk.keys.token, row.token_version)
  const genuine =
    equalBytes(labelOf(key, binding.tokenPoint), row.token) && vaultRow?.version === binding.recordVersion
  if (!vaultRow || !genuine) throw new CtidError('ERR_REGISTRY_SEAL')
  return unsealRecord({ ...vaultRow, keyId: vaultRow.key_id }, desk.vault, binding.entry)
}

type VaultRow = { version: number; key_id: string; wrapped: Uint8Array; sealed: Uint8Array }

/**
 * Registrar: crypto-erasure. The record's key and the record are overwritten; token, state and history remain, so that
 * the person cannot be enrolled a second time. Only for revoked and superseded entries. Backups made before hold the
 * wrapped key: they are dead once the vault key is rotated and its former version destroyed.
 */
export async function erase(desk: Desk, token: Label, because: Because<'erased'>): Promise<Entry> {
  const nothing = new Uint8Array(0)
  return change(desk, token, 'erased', because, async ({ binding }) => ({
    binding,
    write: (tx) =>
      overwrite(tx, binding, {
        version: binding.recordVersion,
        keyId: '',
        wrapped: nothing,
        sealed: nothing,
      }),
  }))
}

async function overwrite(
  tx: Session,
  { entry, recordVersion }: Binding,
  record: SealedRecord,
): Promise<void> {
  const sql =
    'update registry_vault set version = $3, key_id = $4, wrapped = $5, sealed = $6 where entry = $1 and version = $2'
  const { version, keyId, wrapped, sealed } = record
  const changed = await tx.run(sql, [entry, recordVersion, version, keyId, wrapped, sealed])
  if (changed !== 1) throw new CtidError('ERR_REGISTRY_SEAL', { detail: 'the vault holds another version' })
}

type Rewriting = {
  readonly binding: Binding
  write(tx: Session): Promise<void>
  readonly alsoPublish?: readonly Parameters<typeof publish>[1][number][]
}

class Overtaken extends Error {}

// One step: read, decide, then write only if nobody was faster (seq is the row's version), else from the start.
async function change<Kind extends EventKind>(
  desk: Desk,
  token: Label,
  kind: Kind,
  because: Because<Kind>,
  rewrite?: (open: OpenRow) => Promise<Rewriting>,
): Promise<Entry> {
  const officer = officerOf(because.officer)
  return withRing(desk, async () => {
    for (let attempt = 1; ; attempt++) {
      const open = await openRow(desk, token)
      const { row } = open
      const now = desk.clock()
      const present = stateAt(row.state, open.binding.expiresAt, now)
      const state = nextState(kind, present, row.state, because.reason)
      const rewriting = await rewrite?.(open)
      const binding = rewriting?.binding ?? open.binding
      const resealed = rewriting && (await reseal(desk, row.token, binding))
      try {
        await desk.store.transaction(async (tx) => {
          if (rewriting) await requireSameRing(desk, tx)
          const seq = row.seq + 1
          const changed = await tx.run(
            `update registry_by_token set state = $3, since = $4, seq = $5, logged = $6, binding = $7, binding_version = $8
             where token = $1 and seq = $2 and binding = $9 and next is null`,
            [
              row.token,
              row.seq,
              state,
              state === row.state ? row.since : now,
              seq,
              desk.log ? row.logged : seq,
              resealed?.binding ?? row.binding,
              resealed?.version ?? row.binding_version,
              row.binding,
            ],
          )
          if (changed !== 1) throw new Overtaken()
          const event = [row.entry, seq, kind, state, because.reason, officer, now, desk.random(32)]
          await tx.insert('registry_event', EVENT_COLUMNS, [event])
          await rewriting?.write(tx)
        })
      } catch (error) {
        if (!(error instanceof Overtaken) || attempt === 10) throw error
        continue
      }
      const after = await openRow(desk, token)
      await publish(desk, [after.row, ...(rewriting?.alsoPublish ?? [])])
      return entryOf(desk, desk.log ? { ...after, row: { ...after.row, logged: after.row.seq } } : after)
    }
  })
}

function reseal(desk: Desk, token: Label, binding: Binding) {
  const key = ofVersion(desk.keys.binding, writingVersion(desk, 'binding'))
  return sealBinding(binding, key, { token, random: desk.random })
}
