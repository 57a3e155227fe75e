// The trust list: who is recognised to sign what, in which region, with which keys, from when until when.
import { CtidError, exactMembers, type Json, type JsonObject } from '../base/index.ts'
import { importVerifyKey, type P256PublicJwk, parsePublicJwk, type Signer } from '../crypto/index.ts'
import { parseJws, signJws, verifyJws } from './jws.ts'
import { keyId } from './key-id.ts'

/** Media type and JWS `typ` of a signed trust list. */
export const TRUST_LIST_TYP = 'trustlist+jwt'

/** What an issuer may be recognised for: `identity`, `organisation`, `health`, `health-rules` and the like. */
export type Purpose = string

/** A signing key of an issuer. Times are Unix seconds; the key is in force while `notBefore <= now < notAfter`. */
export type TrustedKey = {
  /** {@link keyId} of `jwk`. */
  readonly kid: string
  readonly jwk: P256PublicJwk
  /** Certificate chain as in the JWS header, leaf first, without the anchor. */
  readonly x5c?: readonly string[]
  readonly notBefore: number
  readonly notAfter: number
}

export type TrustedIssuer = {
  /** An https URL or URN; the only value `iss` may have in what this issuer signs. */
  readonly id: string
  readonly name: { readonly en: string; readonly zh: string }
  /** Region code, for example six digits of GB/T 2260 (`330000`), or a country (`CN`). */
  readonly region: string
  readonly purposes: readonly Purpose[]
  readonly keys: readonly TrustedKey[]
  /** Every status list of this issuer has a URI that begins with this text. Absent: no status lists. */
  readonly statusListBase?: string
}

/** "Verifiers of `region` recognise issuers of `recognises` for `purposes`." A region always recognises itself. */
export type Recognition = {
  readonly region: string
  readonly recognises: readonly string[]
  readonly purposes: readonly Purpose[]
}

export type TrustList = {
  /** Grows with each edition, so that an old list cannot be played back to a reader that remembers. */
  readonly version: number
  readonly issuedAt: number
  readonly expiresAt: number
  readonly issuers: readonly TrustedIssuer[]
  readonly recognition: readonly Recognition[]
}

export type CheckTrustListOptions = {
  /** Keys of the list's publisher, known beforehand. */
  readonly expectedSigners: readonly P256PublicJwk[]
  /** Unix seconds. */
  readonly now: number
  /** The version of the newest list seen so far; an older one is refused. */
  readonly knownVersion?: number
}

const MAX_LENGTH = 4_194_304

/**
 * Publisher: signs a trust list as a JWS of type `trustlist+jwt`. Its own form is checked before it is signed.
 *
 * @throws {CtidError} `ERR_TRUST_LIST`
 */
export async function signTrustList(list: TrustList, signer: Signer): Promise<string> {
  const payload = JSON.parse(JSON.stringify(list)) as JsonObject
  parseTrustList(payload)
  return await signJws(payload, signer, { typ: TRUST_LIST_TYP, header: { kid: keyId(signer.publicJwk) } })
}

/**
 * Verifier: checks signature, form, period and version of a signed trust list and returns what it says.
 *
 * @throws {CtidError} `ERR_TRUST_UNKNOWN_KEY`, `ERR_TRUST_SIGNATURE`, `ERR_TRUST_LIST`, `ERR_TRUST_LIST_EXPIRED` (also one that is older
 * than `knownVersion`), and those of `parseJws`
 */
export async function checkTrustList(text: string, options: CheckTrustListOptions): Promise<TrustList> {
  const jws = parseJws(text, { expectedTyp: TRUST_LIST_TYP, maxLength: MAX_LENGTH })
  const signer = options.expectedSigners.find((jwk) => keyId(jwk) === jws.header['kid'])
  if (!signer) throw new CtidError('ERR_TRUST_UNKNOWN_KEY', { detail: 'trust list' })
  if (!(await verifyJws(jws, await importVerifyKey(signer)))) throw new CtidError('ERR_TRUST_SIGNATURE')
  const list = parseTrustList(jws.payload)
  if (list.issuedAt > options.now || options.now >= list.expiresAt) {
    throw new CtidError('ERR_TRUST_LIST_EXPIRED')
  }
  if (list.version < (options.knownVersion ?? 0)) {
    throw new CtidError('ERR_TRUST_LIST_EXPIRED', { detail: 'older than a list seen before' })
  }
  return list
}

/**
 * Reads a trust list strictly: every member of the right form, none unknown, each key once and named by its own id.
 *
 * @throws {CtidError} `ERR_TRUST_LIST`
 */
export function parseTrustList(value: Json): TrustList {
  const list = members(value, ['version', 'issuedAt', 'expiresAt', 'issuers', 'recognition'])
  const parsed: TrustList = {
    version: time(list['version']),
    issuedAt: time(list['issuedAt']),
    expiresAt: time(list['expiresAt']),
    issuers: array(list['issuers']).map(parseIssuer),
    recognition: array(list['recognition']).map(parseRecognition),
  }
  requireDistinct(parsed.issuers.map((issuer) => issuer.id))
  requireDistinct(parsed.issuers.flatMap((issuer) => issuer.keys.map((key) => key.kid)))
  return parsed
}

function parseIssuer(value: Json): TrustedIssuer {
  const issuer = members(value, ['id', 'name', 'region', 'purposes', 'keys'], ['statusListBase'])
  const name = members(issuer['name'], ['en', 'zh'])
  const base = issuer['statusListBase']
  return {
    id: match(
      issuer['id'],
      /^(https:\/\/|http:\/\/localhost[:/]|http:\/\/127\.0\.0\.1[:/]|urn:)[!-~]{1,500}$/,
    ),
    name: { en: match(name['en'], /^.{1,200}$/u), zh: match(name['zh'], /^.{1,200}$/u) },
    region: region(issuer['region']),
    purposes: purposes(issuer['purposes']),
    keys: array(issuer['keys']).map(parseKey),
    ...(base === undefined ? {} : { statusListBase: match(base, /^https?:\/\/[!-~]{1,500}$/) }),
  }
}

function parseKey(value: Json): TrustedKey {
  const key = members(value, ['kid', 'jwk', 'notBefore', 'notAfter'], ['x5c'])
  const jwk = publicJwk(key['jwk'])
  const kid = match(key['kid'], /^[0-9a-f]{16}$/)
  if (kid !== keyId(jwk)) throw new CtidError('ERR_TRUST_LIST', { detail: 'key id' })
  const x5c = key['x5c']
  return {
    kid,
    jwk,
    notBefore: time(key['notBefore']),
    notAfter: time(key['notAfter']),
    ...(x5c === undefined
      ? {}
      : { x5c: array(x5c).map((one) => match(one, /^[A-Za-z0-9+/]{1,8000}={0,2}$/)) }),
  }
}

function publicJwk(value: Json | undefined): P256PublicJwk {
  try {
    return parsePublicJwk(value)
  } catch {
    throw new CtidError('ERR_TRUST_LIST', { detail: 'key' })
  }
}

function parseRecognition(value: Json): Recognition {
  const entry = members(value, ['region', 'recognises', 'purposes'])
  return {
    region: region(entry['region']),
    recognises: array(entry['recognises']).map(region),
    purposes: purposes(entry['purposes']),
  }
}

function members(
  value: Json | undefined,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  return exactMembers(value, { required, optional }, (detail) => new CtidError('ERR_TRUST_LIST', { detail }))
}

function array(value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value)) throw new CtidError('ERR_TRUST_LIST', { detail: 'not an array' })
  return value as readonly Json[]
}

function match(value: Json | undefined, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) {
    throw new CtidError('ERR_TRUST_LIST', { detail: 'a text of the wrong form' })
  }
  return value
}

function time(value: Json | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new CtidError('ERR_TRUST_LIST', { detail: 'a number of the wrong form' })
  }
  return value
}

function region(value: Json | undefined): string {
  return match(value, /^[A-Z0-9][A-Z0-9-]{1,15}$/)
}

function purposes(value: Json | undefined): readonly Purpose[] {
  return array(value).map((one) => match(one, /^[a-z][a-z0-9-]{0,31}$/))
}

function requireDistinct(values: readonly string[]): void {
  if (new Set(values).size !== values.length)
    throw new CtidError('ERR_TRUST_LIST', { detail: 'a repeated entry' })
}
