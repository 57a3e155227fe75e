// The wallet's answer: a vp_token, encrypted to the verifier's one-time key (OpenID4VP 1.0 section 8), or plain.
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, importJWK } from 'jose'
import {
  CtidError,
  fromUtf8,
  isJsonObject,
  type Json,
  type JsonObject,
  parseJsonObject,
  utf8,
} from '../base/index.ts'
import { type P256PrivateJwk, parsePublicJwk } from '../crypto/index.ts'
import type { EncryptionKey, ReceivedRequest } from './authorization-request.ts'

/** Presentations by the id of the credential query they answer. */
export type VpToken = ReadonlyMap<string, readonly string[]>

export type AuthorizationResponse =
  | { readonly vpToken: VpToken; readonly state: string | undefined }
  | { readonly error: string; readonly state: string | undefined }

/** A verifier's one-time decryption key. */
export type DecryptionKey = { readonly publicKey: EncryptionKey; readonly privateJwk: P256PrivateJwk }

const ENC = ['A128GCM', 'A256GCM'] as const
const MAX_RESPONSE = 262_144
const MAX_PRESENTATIONS = 32

/** Wallet: encrypts an answer to a key of the request. */
export async function encryptResponse(payload: JsonObject, request: ReceivedRequest): Promise<string> {
  const key = request.encryptionKeys.find(
    (candidate) =>
      candidate['kty'] === 'EC' &&
      candidate['crv'] === 'P-256' &&
      candidate['alg'] === 'ECDH-ES' &&
      (candidate['use'] ?? 'enc') === 'enc',
  )
  const enc = ENC.findLast((value) => request.encValues.includes(value))
  if (!key || !enc) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'no usable encryption key' })
  const header = { alg: 'ECDH-ES', enc, ...(typeof key['kid'] === 'string' ? { kid: key['kid'] } : {}) }
  try {
    return await new CompactEncrypt(utf8(JSON.stringify(payload)))
      .setProtectedHeader(header)
      .encrypt(await importJWK({ ...parsePublicJwk(key) }, 'ECDH-ES'))
  } catch (cause) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'no usable encryption key', cause })
  }
}

// Exactly: the decryption would pass over line breaks.
const COMPACT = /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]*\.[\w-]+$/

/**
 * Verifier: decrypts an answer with the request's key. A `kid` may be missing, but must not name another key;
 * compression is not accepted.
 *
 * @throws {CtidError} `ERR_OPENID_RESPONSE`
 */
export async function decryptResponse(jwe: string, key: DecryptionKey): Promise<JsonObject> {
  if (jwe.length > MAX_RESPONSE) throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'size' })
  if (!COMPACT.test(jwe)) throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'form' })
  let plaintext: Uint8Array
  try {
    const { kid, zip, crit } = decodeProtectedHeader(jwe)
    if (zip !== undefined || crit !== undefined || (kid !== undefined && kid !== key.publicKey.kid)) {
      throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'header' })
    }
    const privateKey = await importJWK({ ...key.privateJwk }, 'ECDH-ES')
    const options = { keyManagementAlgorithms: ['ECDH-ES'], contentEncryptionAlgorithms: [...ENC] }
    plaintext = (await compactDecrypt(jwe, privateKey, options)).plaintext
  } catch (cause) {
    throw cause instanceof CtidError ? cause : new CtidError('ERR_OPENID_RESPONSE', { detail: 'decryption' })
  }
  try {
    return parseJsonObject(fromUtf8(plaintext), { maxLength: MAX_RESPONSE })
  } catch {
    throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'JSON' })
  }
}

/**
 * Verifier: the members of an answer posted as a form; `vp_token` is JSON text there.
 *
 * @throws {CtidError} `ERR_OPENID_RESPONSE`
 */
export function formMembers(form: ReadonlyMap<string, string>): JsonObject {
  const members: Record<string, Json> = {}
  for (const name of ['state', 'error', 'response']) {
    const value = form.get(name)
    if (value !== undefined) members[name] = value
  }
  const vpToken = form.get('vp_token')
  if (vpToken === undefined) return members
  try {
    return { ...members, vp_token: parseJsonObject(vpToken, { maxLength: MAX_RESPONSE }) }
  } catch {
    throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'vp_token is not a JSON object' })
  }
}

/**
 * Verifier: reads the members of an answer: an error, or a `vp_token` that maps ids to lists of presentations.
 *
 * @throws {CtidError} `ERR_OPENID_RESPONSE`
 */
export function readResponse(members: JsonObject): AuthorizationResponse {
  const { error, state, vp_token: vpToken } = members
  if (state !== undefined && typeof state !== 'string')
    throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'state' })
  if (error !== undefined) {
    if (vpToken !== undefined) throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'error and vp_token' })
    // Only the registered form of an error code is kept: the rest could carry anything.
    const isCode = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error)
    return { error: isCode ? error : 'invalid_error', state }
  }
  if (!isJsonObject(vpToken)) throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'vp_token' })
  const answers = new Map<string, readonly string[]>()
  for (const [id, presentations] of Object.entries(vpToken)) {
    if (!Array.isArray(presentations) || presentations.length === 0) {
      throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'presentations must be a non-empty list' })
    }
    if (!presentations.every((presentation): presentation is string => typeof presentation === 'string')) {
      throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'presentations must be strings' })
    }
    answers.set(id, presentations)
  }
  const count = [...answers.values()].flat().length
  if (count === 0 || count > MAX_PRESENTATIONS) {
    throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'number of presentations' })
  }
  return { vpToken: answers, state }
}
