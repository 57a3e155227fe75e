// Purpose grants: who may have which fields of which sector's people converted to which other sector, why,
// how many, and until when. Signed by a purpose authority, and judged by every trustee on its own.
import { CtidError, isJsonObject, type Json, type JsonObject } from '../base/index.ts'
import type { P256PublicJwk, Signer } from '../crypto/index.ts'
import { openStatement, signStatement } from './jws.ts'

/** What an authority permits. Times in Unix seconds. */
export type Grant = {
  /** Organisation in whose interest the conversion is made, as the citizen will read it. */
  readonly requester: string
  /** Short machine word, and the sentence that the citizen reads, in one or more languages. */
  readonly purpose: { readonly code: string; readonly text: Readonly<Record<string, string>> }
  readonly from: string
  readonly to: string
  /** Names of the fields that may travel with the pseudonyms; empty for pseudonyms alone. */
  readonly fields: readonly string[]
  /** Greatest number of rows converted under this grant, by each trustee's count. */
  readonly count: number
  readonly notBefore: number
  /** Sunset. */
  readonly notAfter: number
  /** Distinguishes grants that are otherwise equal. */
  readonly serial: string
}

/** A grant whose signature was checked; `id` names it in counters. */
export type OpenedGrant = Grant & { readonly id: Uint8Array }

const TYPE = 'ctid-grant+jwt'
const SECTOR = /^[a-z][a-z0-9-]{0,39}(\.[0-9]{1,4})?$/
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const LANGUAGE = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/
const MEMBERS = ['count', 'exp', 'fields', 'from', 'jti', 'nbf', 'purpose', 'requester', 'text', 'to']

/** Whether a text may name a sector: `health`, or `health.2` for its second key. */
export function isSectorId(value: unknown): value is string {
  return typeof value === 'string' && SECTOR.test(value)
}

/** Whether a text may name a field. */
export function isFieldName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}

/** Authority: signs a grant (compact JWS, type `ctid-grant+jwt`). */
export function signGrant(grant: Grant, signer: Signer): Promise<string> {
  const payload: JsonObject = {
    jti: grant.serial,
    requester: grant.requester,
    purpose: grant.purpose.code,
    text: grant.purpose.text,
    from: grant.from,
    to: grant.to,
    fields: [...grant.fields],
    count: grant.count,
    nbf: grant.notBefore,
    exp: grant.notAfter,
  }
  parseGrant(payload)
  return signStatement(payload, signer, TYPE)
}

/**
 * Checks a grant's signature and form; not its dates, which `requireInForce` judges.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_GRANT`, `ERR_PSEUDONYM_SIGNATURE`
 */
export async function openGrant(text: unknown, authorities: readonly P256PublicJwk[]): Promise<OpenedGrant> {
  const { payload, id } = await openStatement(text, authorities, {
    typ: TYPE,
    malformed: 'ERR_PSEUDONYM_GRANT',
  })
  return { ...parseGrant(payload), id }
}

/**
 * @throws {CtidError} `ERR_PSEUDONYM_GRANT_TIME` before its start and from its sunset on
 */
export function requireInForce(grant: Grant, nowSeconds: number): void {
  if (nowSeconds < grant.notBefore) throw new CtidError('ERR_PSEUDONYM_GRANT_TIME', { detail: 'not yet' })
  if (nowSeconds >= grant.notAfter) throw new CtidError('ERR_PSEUDONYM_GRANT_TIME', { detail: 'expired' })
}

function parseGrant(payload: JsonObject): Grant {
  const { jti, requester, purpose, text, from, to, fields, count, nbf, exp } = payload
  const sound =
    Object.keys(payload).length === MEMBERS.length &&
    isShortText(jti) &&
    isShortText(requester) &&
    isFieldName(purpose) &&
    isTexts(text) &&
    isSectorId(from) &&
    isSectorId(to) &&
    from !== to &&
    Array.isArray(fields) &&
    fields.length <= 32 &&
    fields.every(isFieldName) &&
    new Set(fields).size === fields.length &&
    isWhole(count, 1) &&
    isWhole(nbf, 0) &&
    isWhole(exp, 0) &&
    nbf < exp
  if (!sound) throw new CtidError('ERR_PSEUDONYM_GRANT')
  return {
    serial: jti,
    requester,
    purpose: { code: purpose, text },
    from,
    to,
    fields: fields as readonly string[],
    count,
    notBefore: nbf,
    notAfter: exp,
  }
}

function isShortText(value: Json | undefined, longest = 200): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longest
}

function isTexts(value: Json | undefined): value is Readonly<Record<string, string>> {
  if (!isJsonObject(value)) return false
  const entries = Object.entries(value)
  return (
    entries.length > 0 &&
    entries.length <= 16 &&
    entries.every(([language, text]) => LANGUAGE.test(language) && isShortText(text, 500))
  )
}

function isWhole(value: Json | undefined, least: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least
}
