// The status list token: the signed list that everyone may fetch (draft-ietf-oauth-status-list-21 section 5).
import { CtidError, type JsonObject } from '../base/index.ts'
import type { Signer } from '../crypto/index.ts'
import { parseJws, signJws, type TrustedSigner, verifyJws } from '../trust/index.ts'
import { decodeStatusList, encodeStatusList, type StatusList } from './status-list.ts'

/** JWS `typ`; the media type is `application/statuslist+jwt`. */
export const STATUS_LIST_TYP = 'statuslist+jwt'
export const STATUS_LIST_MEDIA_TYPE = 'application/statuslist+jwt'

export type StatusTokenOptions = {
  /** Where the list is fetched; equals `uri` in the credentials. */
  readonly uri: string
  /** Unix seconds. */
  readonly now: number
  /** How long a copy of the token may be believed at most. */
  readonly expiresInSeconds: number
  /** After how long a cache should fetch anew. */
  readonly ttlSeconds: number
  readonly kid?: string
  readonly x5c?: readonly string[]
}

/** Issuer: signs a list. Some wallets accept it only if signed with the key of the credentials; do that. */
export async function signStatusToken(
  list: StatusList,
  signer: Signer,
  options: StatusTokenOptions,
): Promise<string> {
  return signEncodedStatus(await encodeStatusList(list), signer, options)
}

/**
 * Issuer: as {@link signStatusToken} for a list that was encoded before: compressing takes a thousand times as long as
 * signing, and most lists of a country do not change from one period to the next.
 *
 * @param encoded from `encodeStatusList`
 */
export async function signEncodedStatus(
  encoded: JsonObject,
  signer: Signer,
  options: StatusTokenOptions,
): Promise<string> {
  const { uri, now, expiresInSeconds, ttlSeconds, kid, x5c } = options
  const payload = {
    sub: uri,
    iat: now,
    exp: now + expiresInSeconds,
    ttl: ttlSeconds,
    status_list: encoded,
  }
  const header = { ...(kid === undefined ? {} : { kid }), ...(x5c === undefined ? {} : { x5c }) }
  return await signJws(payload, signer, { typ: STATUS_LIST_TYP, header })
}

/** A checked list and until when it may be used. */
export type CheckedStatusList = {
  readonly list: StatusList
  readonly issuedAt: number
  /** `exp`: until then the signer stands by the list. Without `exp` the same as `refreshAt`. */
  readonly expiresAt: number
  /** Unix seconds: the earlier of `exp` and `ttl` after fetching. */
  readonly refreshAt: number
}

export type CheckStatusTokenOptions = {
  /** The `uri` of the credential; the token's `sub` must equal it. */
  readonly expectedUri: string
  /** Who may sign: the signer of the credential, or the status key that the trust list names for that issuer. */
  readonly expectedSigners: readonly TrustedSigner[]
  /** Unix seconds. */
  readonly now: number
  /** Tolerated difference of clocks for `iat`. Default 60. */
  readonly skewSeconds?: number
}

const MAX_TOKEN_LENGTH = 4_194_304

/**
 * Verifier: checks a status list token (section 8.3): type, signature, subject, times, form, and decompresses it.
 *
 * @throws {CtidError} `ERR_STATUS_LIST_SIGNER`, `ERR_STATUS_LIST_SUBJECT`, `ERR_STATUS_LIST_EXPIRED`, `ERR_STATUS_LIST`,
 * `ERR_STATUS_LIST_TOO_LARGE`, and those of `parseJws`
 */
export async function checkStatusToken(
  text: string,
  options: CheckStatusTokenOptions,
): Promise<CheckedStatusList> {
  const { expectedUri, expectedSigners, now, skewSeconds = 60 } = options
  const jws = parseJws(text, { expectedTyp: STATUS_LIST_TYP, maxLength: MAX_TOKEN_LENGTH })
  let signed = false
  for (const signer of expectedSigners) signed ||= await verifyJws(jws, signer.verifyKey)
  if (!signed) throw new CtidError('ERR_STATUS_LIST_SIGNER')
  const { sub, iat, exp, ttl, status_list: list } = jws.payload
  if (sub !== expectedUri) throw new CtidError('ERR_STATUS_LIST_SUBJECT')
  if (typeof iat !== 'number') throw new CtidError('ERR_STATUS_LIST', { detail: 'iat' })
  if (exp !== undefined && typeof exp !== 'number') throw new CtidError('ERR_STATUS_LIST', { detail: 'exp' })
  if (ttl !== undefined && !(typeof ttl === 'number' && ttl > 0))
    throw new CtidError('ERR_STATUS_LIST', { detail: 'ttl' })
  if (iat > now + skewSeconds || (exp !== undefined && now >= exp))
    throw new CtidError('ERR_STATUS_LIST_EXPIRED')
  const cachedUntil = now + (ttl ?? DEFAULT_TTL_SECONDS)
  return {
    list: await decodeStatusList(list),
    issuedAt: iat,
    expiresAt: exp ?? cachedUntil,
    refreshAt: Math.min(exp ?? cachedUntil, cachedUntil),
  }
}

/** When a list states no `ttl`. */
const DEFAULT_TTL_SECONDS = 300
