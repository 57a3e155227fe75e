// SMART Health Cards: `shc:/` digits to a signed FHIR bundle (HL7 "SMART Health Cards and Links" 1.0.0).
import {
  CtidError,
  fromBase64url,
  fromUtf8,
  isJsonObject,
  type Json,
  type JsonObject,
  parseJsonObject,
  utf8,
} from '../../base/index.ts'
import {
  importVerifyKey,
  jwkThumbprint,
  type P256PublicJwk,
  parsePublicJwk,
  verifyEs256,
} from '../../crypto/index.ts'
import { inflate } from './inflate.ts'

/** A decoded card. Nothing in it has been verified. */
export type HealthCard = {
  /** `iss`: base URL of the issuer, whose keys are at `/.well-known/jwks.json`. */
  readonly issuer: string
  /** `nbf`, Unix seconds; may have a fraction. */
  readonly notBefore: number
  /** `exp`, if the card ends. */
  readonly expiresAt: number | undefined
  readonly types: readonly string[]
  /** `vc.credentialSubject`: `fhirVersion` and `fhirBundle`. */
  readonly subject: JsonObject
  /** `vc.rid`, the name under which the card can be revoked. */
  readonly revocationId: string | undefined
  /** The whole payload. */
  readonly payload: JsonObject
  readonly kid: string
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
}

/** A published key of an issuer. `kid` is its RFC 7638 thumbprint. */
export type HealthCardKey = { readonly issuer: string; readonly kid: string; readonly jwk: P256PublicJwk }

const PREFIX = 'shc:/'
const MAX_CHUNKS = 16
const MAX_CHUNK = 7089 // most digits in a QR code (version 40-L)
const MAX_JWS = 65_536
const MAX_PAYLOAD = 262_144

/**
 * Reads the texts of the card's codes: one, or all chunks (`shc:/1/3/…`) in any order.
 *
 * @throws {CtidError} `ERR_HEALTH_CERTIFICATE`
 */
export async function readHealthCardCodes(texts: readonly string[]): Promise<HealthCard> {
  if (texts.length === 0 || texts.length > MAX_CHUNKS) throw refuse('number of codes')
  const parts: string[] = new Array<string>(texts.length)
  for (const text of texts) {
    if (text.length > MAX_CHUNK) throw refuse('too long')
    const match = /^shc:\/(?:([1-9]\d?)\/([1-9]\d?)\/)?((?:\d\d)+)$/.exec(text)
    if (!match) throw refuse(text.startsWith(PREFIX) ? 'digits' : 'prefix')
    const [, index = '1', count = '1', digits = ''] = match
    if (Number(count) !== texts.length || Number(index) > texts.length)
      throw refuse('chunks do not belong together')
    if (parts[Number(index) - 1] !== undefined) throw refuse('a chunk came twice')
    parts[Number(index) - 1] = fromDigits(digits)
  }
  return await decodeHealthCard(parts.join(''))
}

// Two digits per character, `ord(c) - 45` (section "Encoding chunks as QR codes").
function fromDigits(digits: string): string {
  let text = ''
  for (let i = 0; i < digits.length; i += 2) {
    const code = Number(digits.slice(i, i + 2)) + 45
    if (code > 122) throw refuse('digit pair out of range')
    text += String.fromCharCode(code)
  }
  return text
}

/**
 * Reads a card's compact JWS: `alg` ES256, `zip` DEF, `kid`, a 64-byte signature, a raw-deflated payload.
 *
 * @throws {CtidError} `ERR_HEALTH_CERTIFICATE`
 */
export async function decodeHealthCard(jws: string): Promise<HealthCard> {
  if (jws.length > MAX_JWS) throw refuse('too long')
  const parts = jws.split('.', 4)
  if (parts.length !== 3) throw refuse('three parts')
  const [headerBytes, compressed, signature] = parts.map(fromPart) as [Uint8Array, Uint8Array, Uint8Array]
  const header = readObject(headerBytes, 4096)
  const { alg, zip, kid } = header
  if (alg !== 'ES256' || zip !== 'DEF' || 'crit' in header) throw refuse('header')
  if (typeof kid !== 'string' || !/^[\w-]{43}$/.test(kid)) throw refuse('kid')
  if (signature.length !== 64) throw refuse('signature form')
  const payload = readObject(await inflate(compressed, { format: 'raw', maxBytes: MAX_PAYLOAD }), MAX_PAYLOAD)
  const { iss, nbf, exp, vc } = payload
  if (typeof iss !== 'string' || !/^https:\/\/[^\s?#]*[^\s?#/]$/.test(iss)) throw refuse('issuer')
  // Milliseconds instead of seconds are a known mistake of issuers; such a card would never begin or never end.
  if (!isSeconds(nbf) || !(exp === undefined || isSeconds(exp))) throw refuse('times')
  if (!isJsonObject(vc) || !isJsonObject(vc['credentialSubject']) || !isTextList(vc['type']))
    throw refuse('credential')
  const rid = vc['rid']
  return {
    issuer: iss,
    notBefore: nbf,
    expiresAt: exp,
    types: vc['type'],
    subject: vc['credentialSubject'],
    revocationId: typeof rid === 'string' ? rid : undefined,
    payload,
    kid,
    signingInput: utf8(jws.slice(0, jws.lastIndexOf('.'))),
    signature,
  }
}

function refuse(detail: string): CtidError {
  return new CtidError('ERR_HEALTH_CERTIFICATE', { detail })
}

function fromPart(part: string): Uint8Array {
  try {
    return fromBase64url(part)
  } catch {
    throw refuse('encoding')
  }
}

function readObject(bytes: Uint8Array, maxLength: number): JsonObject {
  try {
    return parseJsonObject(fromUtf8(bytes), { maxLength })
  } catch {
    throw refuse('JSON')
  }
}

function isSeconds(value: Json | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value < 1e11
}

function isTextList(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/**
 * Keys from an issuer's JWKS, those that can sign cards and are named by their own thumbprint. Others are left out:
 * a set may hold keys for other uses.
 */
export function healthCardKeys(issuer: string, jwks: Json): readonly HealthCardKey[] {
  const keys = isJsonObject(jwks) ? jwks['keys'] : undefined
  if (!Array.isArray(keys)) throw new CtidError('ERR_HEALTH_CERTIFICATE_KEY', { detail: 'not a key set' })
  return keys.flatMap((entry: Json) => {
    try {
      const jwk = parsePublicJwk(entry)
      const kid = jwkThumbprint(jwk)
      return isJsonObject(entry) && entry['kid'] === kid ? [{ issuer, kid, jwk }] : []
    } catch {
      return []
    }
  })
}

/** Whether a trusted key of the card's own issuer signed it, and it is in force at `now` (Unix seconds). */
export async function checkHealthCard(
  card: HealthCard,
  keys: readonly HealthCardKey[],
  now: number,
): Promise<{ readonly signature: boolean; readonly fresh: boolean }> {
  const key = keys.find(({ issuer, kid }) => issuer === card.issuer && kid === card.kid)
  const signature =
    key !== undefined &&
    (await verifyEs256(await importVerifyKey(key.jwk), card.signingInput, card.signature))
  const fresh = card.notBefore <= now && (card.expiresAt === undefined || now < card.expiresAt)
  return { signature, fresh }
}
