// What draft-ietf-oauth-sd-jwt-vc-24 demands of the claims: type, registered forms, what must stay in plain view.
import { CtidError, isJsonObject, type Json, type JsonObject } from '../base/index.ts'

/** JWS `typ` of an SD-JWT VC. The older `vc+sd-jwt` is not accepted. */
export const SD_JWT_VC_TYP = 'dc+sd-jwt'

/** Claims that, with everything below them, may not be selectively disclosable. */
export const UNDISCLOSABLE_CLAIMS: ReadonlySet<string> = new Set([
  'iss',
  'nbf',
  'exp',
  'cnf',
  'vct',
  'vct#integrity',
  'status',
  'aka_vcts',
])

/** Where the status of a credential is found (draft-ietf-oauth-status-list-21 section 6). */
export type StatusReference = { readonly uri: string; readonly index: number }

/**
 * Checks the registered claims of an SD-JWT VC for presence and form.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_CLAIM` with the claim's name as detail
 */
export function requireVcClaims(claims: JsonObject): void {
  const { vct, aka_vcts: aliases, status, sub } = claims
  if (typeof vct !== 'string' || vct === '') throw wrong('vct')
  if (aliases !== undefined && !(Array.isArray(aliases) && aliases.every(isText))) throw wrong('aka_vcts')
  if ('vct#integrity' in claims && typeof claims['vct#integrity'] !== 'string') throw wrong('vct#integrity')
  if (sub !== undefined && typeof sub !== 'string') throw wrong('sub')
  if (claims['iss'] !== undefined && typeof claims['iss'] !== 'string') throw wrong('iss')
  for (const name of ['iat', 'nbf', 'exp']) {
    const value = claims[name]
    if (value !== undefined && !(typeof value === 'number' && value >= 0 && value < 1e12)) throw wrong(name)
  }
  if (claims['cnf'] !== undefined && !isJsonObject(claims['cnf'])) throw wrong('cnf')
  if (status !== undefined) statusReference(claims)
}

/**
 * The status list reference of a credential, or `undefined` when it has none. A `status` of an unknown kind only is
 * refused: it limits the credential in a way that we cannot check.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_CLAIM`
 */
export function statusReference(claims: JsonObject): StatusReference | undefined {
  const { status } = claims
  if (status === undefined) return undefined
  const list = isJsonObject(status) ? status['status_list'] : undefined
  if (!isJsonObject(list)) throw wrong('status')
  const { idx, uri } = list
  if (typeof idx !== 'number' || !Number.isSafeInteger(idx) || idx < 0) throw wrong('status')
  if (typeof uri !== 'string' || !URL.canParse(uri)) throw wrong('status')
  return { uri, index: idx }
}

function isText(value: Json): boolean {
  return typeof value === 'string' && value !== ''
}

function wrong(name: string): CtidError {
  return new CtidError('ERR_CREDENTIAL_CLAIM', { detail: name })
}
