// Enrolment: one person, one token, in both directions, whoever else enrols at the same moment.
import { CtidError, DAY, equalBytes, HOUR, type JsonObject } from '../base/index.ts'
import type { Session, SqlValue } from '../store/index.ts'
import type { Token } from '../token/index.ts'
import { type Anchored, anchorUnder, type Binding, pointOf, sealBinding } from './binding.ts'
import {
  type Desk,
  type KeyRow,
  type Label,
  labelOf,
  openVersions,
  recordKeys,
  requireSameRing,
  withRing,
  writingKey,
  writingVersion,
} from './desk.ts'
import { bindingOf, type Entry, entryOf, REC_COLUMNS, rowOf, TOKEN_COLUMNS, type TokenRow } from './entry.ts'
import { ofVersion } from './keys.ts'
import { EVENT_COLUMNS, publish } from './log.ts'
import { type SealedRecord, sealRecord } from './vault.ts'

/** The record to seal: any JSON object; `validUntil` (`YYYY-MM-DD`, the last valid day in China) sets the expiry. */
export type RegistryRecord = { readonly validUntil?: string; readonly [member: string]: unknown }

export type Application = Anchored & {
  readonly record: RegistryRecord
  /** Who enrols, for the history: an identifier, not a name. Default `registrar`. */
  readonly officer?: string
}

export type Enrolment = {
  readonly token: Token
  /** `existing`: this person was enrolled before; nothing was changed, not even if the record differs. */
  readonly status: 'created' | 'existing'
  readonly entry: Entry
}

/** Everything that is written for a new entry, computed before the transaction begins. */
export type Draft = {
  readonly row: TokenRow
  readonly binding: Binding
  /** Labels of the record under every version that still counts, of the evaluators' key and the record key, newest first. */
  readonly recs: readonly { readonly rec: Label; readonly version: number; readonly anchorVersion: number }[]
  readonly record: SealedRecord
  readonly nonce: Uint8Array
  readonly officer: string
}

/**
 * Registrar: enrols a person. Idempotent: the same person again gives the same token and `existing`.
 *
 * @throws {CtidError} `ERR_REGISTRY_CONFLICT` (detail: which side), `ERR_REGISTRY_ANCHOR_VERSION`, `ERR_REGISTRY_LOG`,
 * `ERR_REGISTRY_RECORD`, `ERR_REGISTRY_REASON` (the officer), `ERR_REGISTRY_KEYS`, store errors
 */
export async function enrol(desk: Desk, application: Application): Promise<Enrolment> {
  const [enrolment] = await enrolMany(desk, [application])
  if (!enrolment) throw new CtidError('ERR_REGISTRY_CONFLICT')
  return enrolment
}

/**
 * Registrar: enrols many in one transaction, in the order given. Fastest in blocks of some thousand to 100,000, which
 * are written in key order. A block is written whole or not at all; repeating it after a crash finds it `existing`.
 */
export async function enrolMany(desk: Desk, applications: readonly Application[]): Promise<Enrolment[]> {
  return enrolDrafts(desk, () => Promise.all(applications.map((application) => draft(desk, application))))
}

/**
 * As {@link enrolMany}, with the drafts made elsewhere: worker threads of the registry's own machine take the
 * multiplications and seals off the thread that writes. `prepare` is asked again when a key rotation began or ended
 * meanwhile.
 */
export async function enrolDrafts(
  desk: Desk,
  prepare: (ring: readonly KeyRow[]) => Promise<readonly Draft[]>,
): Promise<Enrolment[]> {
  return withRing(desk, async () => {
    const drafts = await prepare(desk.ring)
    if (drafts.length === 0) return []
    for (let attempt = 1; ; attempt++) {
      const known =
        attempt === 1 && drafts.length === 1 ? new Map<string, Label>() : await existing(desk, drafts)
      const fresh = firstOfEach(drafts.filter((one) => !known.has(keyOf(one))))
      try {
        if (fresh.length > 0) {
          await desk.store.transaction((tx) => insertDrafts(desk, tx, fresh), { bulk: fresh.length > 1 })
        }
        return await answer(desk, drafts, fresh, known)
      } catch (error) {
        // Somebody enrolled one of these persons meanwhile: look again, who.
        if (!(error instanceof Present) || attempt === 5) throw error
      }
    }
  })
}

/** What a draft needs of the registry: its keys and key states, no store. */
export type Drafting = Pick<Desk, 'keys' | 'vault' | 'group' | 'clock' | 'random' | 'ring'> & {
  /** Whether there is a log that has to accept the entry. */
  readonly log?: unknown
}

/** Thrown inside a transaction: this record is enrolled already. */
export class Present extends Error {}

/** Computes what is to be written for an application: points, labels, sealed binding, sealed record. */
export async function draft(desk: Drafting, application: Application): Promise<Draft> {
  const { group, random, clock } = desk
  const tokenKey = writingKey(desk, 'token')
  const recs = openVersions(desk, 'anchor').flatMap((anchorVersion) => {
    const anchor = anchorUnder(anchorVersion, application)
    return recordKeys(desk).map((key) => {
      const point = pointOf(group, key, anchor)
      return { point, anchorVersion, version: key.version, rec: labelOf(key, point) }
    })
  })
  const [present] = recs
  if (!present) throw new CtidError('ERR_REGISTRY_KEYS')
  const { anchorVersion, point: recordPoint } = present
  const tokenPoint = pointOf(group, tokenKey, anchorUnder(anchorVersion, application))
  const token = labelOf(tokenKey, tokenPoint)
  const entry = random(16)
  const binding: Binding = {
    entry,
    tokenPoint,
    recordPoint,
    anchorVersion,
    recordVersion: 1,
    ...expiryOf(application.record),
  }
  const bindingKey = ofVersion(desk.keys.binding, writingVersion(desk, 'binding'))
  const sealed = await sealBinding(binding, bindingKey, { token, random })
  const record = await sealRecord(asJson(application.record), desk.vault, { entry, version: 1, random })
  return {
    row: {
      token,
      rec: present.rec,
      entry,
      token_version: tokenKey.version,
      rec_version: present.version,
      anchor_version: anchorVersion,
      binding_version: sealed.version,
      binding: sealed.binding,
      state: 'active',
      since: clock(),
      seq: 1,
      logged: desk.log ? 0 : 1,
      next: null,
    },
    binding,
    recs,
    record,
    nonce: random(32),
    officer: officerOf(application.officer ?? 'registrar'),
  }
}

/**
 * Inserts drafts. Both directions must be new for all of them, else nothing is written. The statements do not wait for
 * each other's answers: one round trip on PostgreSQL.
 */
export async function insertDrafts(desk: Desk, tx: Session, drafts: readonly Draft[]): Promise<void> {
  // Sealed before the vault's key was rotated: once the former key is destroyed nobody could open these records.
  const { keyId } = desk.vault
  if (drafts.some(({ record }) => record.keyId !== keyId)) {
    throw new CtidError('ERR_REGISTRY_KEYS', { detail: 'a record is sealed under a former vault key' })
  }
  const recs = drafts.flatMap(({ recs, row }) =>
    recs.map((one) => [one.rec, row.token, one.version, one.anchorVersion]),
  )
  const tokens = drafts.map(({ row }) => TOKEN_COLUMNS.map((column) => row[column] as SqlValue))
  const vault = drafts.map(({ row, record: r }) => [row.entry, r.version, r.keyId, r.wrapped, r.sealed])
  const events = drafts.map(({ row, nonce, officer }) => [
    row.entry,
    1,
    'enrolled',
    row.state,
    'enrolment',
    officer,
    row.since,
    nonce,
  ])
  // Always in this order, so that no two transactions wait for each other in a circle.
  const [, byRec, byToken] = await Promise.all([
    requireSameRing(desk, tx),
    tx.insert('registry_by_rec', REC_COLUMNS, recs),
    tx.insert('registry_by_token', TOKEN_COLUMNS, tokens),
    tx.insert('registry_vault', ['entry', 'version', 'key_id', 'wrapped', 'sealed'], vault),
    tx.insert('registry_event', EVENT_COLUMNS, events),
  ])
  if (byRec !== recs.length) throw new Present()
  if (byToken !== tokens.length) {
    throw new CtidError('ERR_REGISTRY_CONFLICT', { detail: 'the token is bound to another record' })
  }
}

async function existing(desk: Desk, drafts: readonly Draft[]): Promise<Map<string, Label>> {
  const keys = drafts.flatMap(({ recs }) => recs.map(({ rec }) => rec))
  const rows = await desk.store.find<{ rec: Label; token: Label }>('registry_by_rec', ['rec', 'token'], keys)
  const tokens = new Map(rows.map(({ rec, token }) => [hex(rec), token]))
  const known = new Map<string, Label>()
  for (const one of drafts) {
    for (const { rec } of one.recs) {
      const token = tokens.get(hex(rec))
      if (token) known.set(keyOf(one), token)
    }
  }
  return known
}

async function answer(
  desk: Desk,
  drafts: readonly Draft[],
  fresh: readonly Draft[],
  known: ReadonlyMap<string, Label>,
): Promise<Enrolment[]> {
  await publish(
    desk,
    fresh.map(({ row }) => row),
  )
  const created = new Set(fresh)
  return Promise.all(
    drafts.map(async (one): Promise<Enrolment> => {
      const { row, binding } = one
      if (created.has(one)) {
        const entry = entryOf(desk, { row: { ...row, logged: row.seq }, binding })
        return { token: row.token, status: 'created', entry }
      }
      const entry = await confirm(desk, one, known.get(keyOf(one)) ?? row.token)
      return { token: entry.token, status: 'existing', entry }
    }),
  )
}

// The same person again: the entry must be this person's by its sealed points too, not only by the table.
async function confirm(desk: Desk, { binding: own, row: ownRow }: Draft, token: Label): Promise<Entry> {
  const row = await rowOf(desk, token)
  if (!row)
    throw new CtidError('ERR_REGISTRY_CONFLICT', { detail: 'the record is bound to a token without entry' })
  const binding = await bindingOf(desk, row)
  const sameKey = row.token_version === ownRow.token_version && row.anchor_version === ownRow.anchor_version
  if (sameKey && !equalBytes(binding.tokenPoint, own.tokenPoint)) {
    throw new CtidError('ERR_REGISTRY_CONFLICT', { detail: 'the record is bound to another token' })
  }
  await publish(desk, [row])
  return entryOf(desk, { row: desk.log ? { ...row, logged: row.seq } : row, binding })
}

function firstOfEach(drafts: readonly Draft[]): Draft[] {
  return [...new Map(drafts.toReversed().map((one) => [keyOf(one), one])).values()]
}

const keyOf = ({ row }: Draft): string => hex(row.rec)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** When a record's document runs out: the end of its last valid day in China (UTC+8). */
export function expiryOf({ validUntil }: RegistryRecord): { expiresAt?: number } {
  if (validUntil === undefined) return {}
  const midnight = Date.parse(`${validUntil}T00:00:00Z`)
  // The parser takes 30 February for 2 March.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== validUntil) {
    throw new CtidError('ERR_REGISTRY_RECORD', { detail: 'validUntil' })
  }
  return { expiresAt: Math.max(1, midnight / 1000 - CHINA_OFFSET + DAY) }
}

/** UTC+8, all year. */
const CHINA_OFFSET = 8 * HOUR

/** The record as JSON; members that are `undefined` vanish. */
export function asJson(record: RegistryRecord): JsonObject {
  try {
    return JSON.parse(JSON.stringify(record)) as JsonObject
  } catch {
    throw new CtidError('ERR_REGISTRY_RECORD')
  }
}

/** An officer's identifier: what may be written to the history. */
export function officerOf(officer: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(officer)) {
    throw new CtidError('ERR_REGISTRY_REASON', { detail: 'officer must be a plain identifier' })
  }
  return officer
}
