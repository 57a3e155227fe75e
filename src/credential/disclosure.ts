// Disclosures: a salted claim as text, and the digest that stands for it in the signed part (RFC 9901 section 4.2).
import { CtidError, fromBase64url, fromUtf8, type Json, parseJson, toBase64url, utf8 } from '../base/index.ts'
import { nodeCrypto, sha256 } from '../crypto/index.ts'

/** Salted claim of an object (with `name`) or element of an array (without). */
export type Disclosure = {
  /** Base64url of the JSON array, exactly as sent: the digest is over these characters. */
  readonly encoded: string
  readonly digest: string
  readonly name: string | undefined
  readonly value: Json
}

/** Length of a salt in bytes: 128 bits of entropy (RFC 9901 section 9.3). */
export const SALT_LENGTH = 16

/** Names that carry digests and may not be claim names (RFC 9901 section 4.1). */
export function isReservedName(name: string): boolean {
  return name === '_sd' || name === '...' || name === '_sd_alg'
}

/** Issuer: one disclosure, `[salt, name, value]` or `[salt, value]`. */
export function makeDisclosure(salt: Uint8Array, value: Json, name?: string): Disclosure {
  const text = toBase64url(salt)
  const encoded = toBase64url(utf8(JSON.stringify(name === undefined ? [text, value] : [text, name, value])))
  return { encoded, digest: disclosureDigest(encoded), name, value }
}

/** Base64url SHA-256 over the ASCII characters of an encoded disclosure (RFC 9901 section 4.2.3). */
export const disclosureDigest: (encoded: string) => string = textDigest()

// Text in, text out without the bytes in between: ten disclosures a credential make this the commonest call.
function textDigest(): (text: string) => string {
  const hash = nodeCrypto?.hash
  return hash ? (text) => hash('sha256', text, 'base64url') : (text) => toBase64url(sha256(utf8(text)))
}

/**
 * Reads one disclosure strictly: canonical base64url, UTF-8, JSON without duplicate members, an array of two or
 * three elements, salt and name texts.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_DISCLOSURE`, `ERR_CREDENTIAL_CLAIM_NAME`, `ERR_JSON_*`
 */
export function parseDisclosure(encoded: string): Disclosure {
  const array = parseJson(decode(encoded), { maxLength: 1_048_576 })
  if (!Array.isArray(array) || (array.length !== 2 && array.length !== 3) || typeof array[0] !== 'string') {
    throw new CtidError('ERR_CREDENTIAL_DISCLOSURE')
  }
  const digest = disclosureDigest(encoded)
  if (array.length === 2) return { encoded, digest, name: undefined, value: array[1] as Json }
  const name: unknown = array[1]
  if (typeof name !== 'string') throw new CtidError('ERR_CREDENTIAL_DISCLOSURE', { detail: 'claim name' })
  if (isReservedName(name)) throw new CtidError('ERR_CREDENTIAL_CLAIM_NAME')
  return { encoded, digest, name, value: array[2] as Json }
}

function decode(encoded: string): string {
  try {
    return fromUtf8(fromBase64url(encoded))
  } catch {
    throw new CtidError('ERR_CREDENTIAL_DISCLOSURE', { detail: 'encoding' })
  }
}
