// Authorization details (RFC 9396) of type `openid_credential` (OpenID4VCI 1.0 section 5.1.1).
import { CtidError, isJsonObject, type Json, parseJson } from '../base/index.ts'
import type { IssuerDeps } from './issuer-config.ts'

/**
 * Issuer: the credential configurations that a parameter `authorization_details` asks for; `undefined` when it is absent.
 *
 * @throws {CtidError} `ERR_OPENID_AUTHORIZATION_DETAILS`
 */
export function detailedConfigurations(
  deps: Pick<IssuerDeps, 'configurations'>,
  text: string | undefined,
): readonly string[] | undefined {
  if (text === undefined) return undefined
  let details: Json
  try {
    details = parseJson(text, { maxLength: 8192 })
  } catch {
    return refuse('JSON')
  }
  if (!Array.isArray(details) || details.length === 0 || details.length > 10) return refuse('list')
  const known = new Set(deps.configurations.map((configuration) => configuration.id))
  const ids = details.map((detail: Json) => {
    if (!isJsonObject(detail) || detail['type'] !== 'openid_credential') return refuse('type')
    const { credential_configuration_id: id } = detail
    return typeof id === 'string' && known.has(id) ? id : refuse('credential_configuration_id')
  })
  return [...new Set(ids)]
}

function refuse(detail: string): never {
  throw new CtidError('ERR_OPENID_AUTHORIZATION_DETAILS', { detail })
}
