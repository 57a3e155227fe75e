// Compact JWS (RFC 7515) reduced to what this project signs: ES256 only, `typ` always stated, no extensions.
import {
  CtidError,
  fromBase64url,
  fromUtf8,
  type JsonObject,
  type MaybePromise,
  parseJsonObject,
  toBase64url,
  utf8,
} from '../base/index.ts'
import { type Signer, type VerifyKey, verifyEs256 } from '../crypto/index.ts'

/** A parsed compact JWS whose signature has not been looked at yet: nothing in it may be believed. */
export type UnverifiedJws = {
  readonly header: JsonObject
  readonly payload: JsonObject
  /** The ASCII bytes that were signed: header, dot, payload. */
  readonly signingInput: Uint8Array
  /** 64 bytes, r ‖ s. */
  readonly signature: Uint8Array
}

export type ParseJwsOptions = {
  /** The only accepted values of the `typ` header (RFC 8725 section 3.11), without the `application/` prefix. */
  readonly expectedTyp: string | readonly string[]
  /** Longest accepted text in characters. Default 65,536. */
  readonly maxLength?: number
}

/**
 * Issuer: signs a JSON payload as compact JWS. The header is `alg` ES256 followed by the given members.
 */
export async function signJws(
  payload: JsonObject,
  signer: Signer,
  options: { readonly typ: string; readonly header?: JsonObject },
): Promise<string> {
  return signEncoded(encodeHeader(options.typ, options.header), JSON.stringify(payload), signer)
}

/** The encoded protected header. It is the same for all credentials of one key, so it can be kept. */
export function encodeHeader(typ: string, members: JsonObject = {}): string {
  return toBase64url(utf8(JSON.stringify({ alg: 'ES256', typ, ...members })))
}

/** Signs a payload text under an already encoded header. */
export async function signEncoded(encodedHeader: string, payload: string, signer: Signer): Promise<string> {
  const input = `${encodedHeader}.${toBase64url(utf8(payload))}`
  return `${input}.${toBase64url(await signer.sign(utf8(input)))}`
}

/**
 * Reads a compact JWS strictly, in this order: size, three parts, canonical base64url, JSON without duplicate
 * members, `alg` ES256, no `crit` (we understand no extension, RFC 7515 section 4.1.11), `typ`, signature length.
 *
 * @throws {CtidError} `ERR_TRUST_JWS`, `ERR_TRUST_ALGORITHM`, `ERR_TRUST_CRITICAL`, `ERR_TRUST_TYPE`, `ERR_JSON_*`
 */
export function parseJws(text: string, options: ParseJwsOptions): UnverifiedJws {
  const { expectedTyp, maxLength = 65_536 } = options
  if (text.length > maxLength) throw new CtidError('ERR_TRUST_TOO_LARGE')
  const parts = text.split('.', 4)
  const [headerPart, payloadPart, signaturePart] = parts
  if (parts.length !== 3 || !headerPart || !payloadPart || signaturePart === undefined) {
    throw new CtidError('ERR_TRUST_JWS')
  }
  const header = decodeObject(headerPart, maxLength)
  // The algorithm first: "none" comes with an empty signature, and should be called by its name.
  if (header['alg'] !== 'ES256') throw new CtidError('ERR_TRUST_ALGORITHM')
  if ('crit' in header || 'b64' in header) throw new CtidError('ERR_TRUST_CRITICAL')
  if (!isExpected(header['typ'], expectedTyp)) throw new CtidError('ERR_TRUST_TYPE')
  const signature = decode(signaturePart)
  if (signature.length !== 64) throw new CtidError('ERR_TRUST_JWS', { detail: 'signature length' })
  return {
    header,
    payload: decodeObject(payloadPart, maxLength),
    signingInput: utf8(text.slice(0, text.lastIndexOf('.'))),
    signature,
  }
}

function isExpected(typ: unknown, expected: string | readonly string[]): boolean {
  return typeof expected === 'string' ? typ === expected : expected.some((one) => one === typ)
}

function decodeObject(part: string, maxLength: number): JsonObject {
  let text: string
  try {
    text = fromUtf8(fromBase64url(part))
  } catch {
    throw new CtidError('ERR_TRUST_JWS', { detail: 'encoding' })
  }
  return parseJsonObject(text, { maxLength })
}

function decode(part: string): Uint8Array {
  try {
    return fromBase64url(part)
  } catch {
    throw new CtidError('ERR_TRUST_JWS', { detail: 'encoding' })
  }
}

/**
 * Whether a JWT may be used now as far as it says so itself: `exp` is still to come and `nbf` has passed, if they are there
 * (RFC 7519 sections 4.1.4 and 4.1.5). `leadSeconds` is what the signer's clock may be ahead.
 */
export function isInForce({ payload }: UnverifiedJws, now: number, leadSeconds = 0): boolean {
  const { exp, nbf } = payload
  const isAlive = exp === undefined || (typeof exp === 'number' && now < exp)
  const hasBegun = nbf === undefined || (typeof nbf === 'number' && nbf <= now + leadSeconds)
  return isAlive && hasBegun
}

/** Whether the signature of a parsed JWS verifies under `key`. */
export function verifyJws(jws: UnverifiedJws, key: VerifyKey): MaybePromise<boolean> {
  return verifyEs256(key, jws.signingInput, jws.signature)
}
