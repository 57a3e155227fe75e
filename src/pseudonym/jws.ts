// Signed statements of this room: compact JWS (RFC 7515), ES256 only, explicit type, key named by its thumbprint.
import {
  CtidError,
  canonicalJson,
  type ErrorCode,
  fromBase64url,
  fromUtf8,
  type JsonObject,
  parseJsonObject,
  toBase64url,
  utf8,
} from '../base/index.ts'
import {
  importVerifyKey,
  jwkThumbprint,
  type P256PublicJwk,
  type Signer,
  sha256,
  verifyEs256,
} from '../crypto/index.ts'

/** A statement whose signature was checked. */
export type Opened = {
  readonly payload: JsonObject
  /**
   * SHA-256 of the signing input. Not of the signature: an ECDSA signature (r, s) has the twin (r, −s), and an
   * identifier over it would give a replayed statement a second name.
   */
  readonly id: Uint8Array
}

const MAX_LENGTH = 16_384

/** Signs a payload. `typ` says what kind of statement this is (RFC 8725 section 3.11). */
export async function signStatement(payload: JsonObject, signer: Signer, typ: string): Promise<string> {
  const header = canonicalJson({ alg: 'ES256', kid: jwkThumbprint(signer.publicJwk), typ })
  const input = `${toBase64url(utf8(header))}.${toBase64url(utf8(canonicalJson(payload)))}`
  return `${input}.${toBase64url(await signer.sign(utf8(input)))}`
}

/**
 * Checks a statement against the keys that may have signed it.
 *
 * @throws {CtidError} `malformed` when it is not a statement of this type, `ERR_PSEUDONYM_SIGNATURE` otherwise
 */
export async function openStatement(
  text: unknown,
  keys: readonly P256PublicJwk[],
  { typ, malformed }: { readonly typ: string; readonly malformed: ErrorCode },
): Promise<Opened> {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) throw new CtidError(malformed)
  const [head, body, tail, ...rest] = text.split('.')
  if (head === undefined || body === undefined || tail === undefined || rest.length > 0) {
    throw new CtidError(malformed)
  }
  const header = decode(head, malformed)
  if (header['alg'] !== 'ES256' || header['typ'] !== typ || Object.keys(header).length !== 3) {
    throw new CtidError(malformed)
  }
  const jwk = keys.find((key) => jwkThumbprint(key) === header['kid'])
  if (!jwk) throw new CtidError('ERR_PSEUDONYM_SIGNATURE', { detail: 'unknown key' })
  const input = utf8(`${head}.${body}`)
  if (!(await verifyEs256(await importVerifyKey(jwk), input, bytes(tail, malformed)))) {
    throw new CtidError('ERR_PSEUDONYM_SIGNATURE')
  }
  return { payload: decode(body, malformed), id: sha256(input) }
}

function decode(part: string, malformed: ErrorCode): JsonObject {
  try {
    return parseJsonObject(fromUtf8(bytes(part, malformed)), { maxLength: MAX_LENGTH })
  } catch {
    throw new CtidError(malformed)
  }
}

function bytes(part: string, malformed: ErrorCode): Uint8Array {
  try {
    return fromBase64url(part)
  } catch {
    throw new CtidError(malformed)
  }
}
