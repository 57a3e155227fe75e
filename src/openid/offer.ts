// Credential offers (OpenID4VCI 1.0 section 4): what an issuer's QR square says to a wallet.
import { CtidError, isJsonObject, type JsonObject, parseJsonObject } from '../base/index.ts'

export const PRE_AUTHORIZED = 'urn:ietf:params:oauth:grant-type:pre-authorized_code'

/** Code that is sent another way and typed in by the person. */
export type TxCodeSpec = {
  readonly inputMode: 'numeric' | 'text'
  readonly length: number
  readonly description?: string
}

export type CredentialOffer = {
  readonly issuer: string
  readonly configurationIds: readonly string[]
  readonly preAuthorized?: { readonly code: string; readonly txCode?: TxCodeSpec }
  readonly authorizationCode?: { readonly issuerState?: string }
  /** Which of the issuer's several authorization servers to ask; wallets read it, we have one. */
  readonly authorizationServer?: string
}

/** The offer as the protocol writes it. */
export function offerDocument(offer: CredentialOffer): JsonObject {
  const { preAuthorized, authorizationCode } = offer
  const txCode = preAuthorized?.txCode
  return {
    credential_issuer: offer.issuer,
    credential_configuration_ids: [...offer.configurationIds],
    grants: {
      ...(authorizationCode === undefined
        ? {}
        : {
            authorization_code:
              authorizationCode.issuerState === undefined
                ? {}
                : { issuer_state: authorizationCode.issuerState },
          }),
      ...(preAuthorized === undefined
        ? {}
        : {
            [PRE_AUTHORIZED]: {
              'pre-authorized_code': preAuthorized.code,
              ...(txCode === undefined
                ? {}
                : {
                    tx_code: {
                      input_mode: txCode.inputMode,
                      length: txCode.length,
                      ...(txCode.description === undefined ? {} : { description: txCode.description }),
                    },
                  }),
            },
          }),
    },
  }
}

/** The link that carries the offer itself. */
export function offerLink(offer: CredentialOffer): string {
  const parameter = new URLSearchParams({ credential_offer: JSON.stringify(offerDocument(offer)) })
  return `openid-credential-offer://?${parameter}`
}

/** The short link: where the offer is fetched (section 4.1.3). */
export function offerReference(uri: string): string {
  return `openid-credential-offer://?${new URLSearchParams({ credential_offer_uri: uri })}`
}

/** Wallet: what a link contains: the offer, or where to fetch it. */
export function parseOfferLink(link: string): CredentialOffer | { readonly offerUri: string } {
  const cut = link.indexOf('?')
  if (cut < 0 || link.length > 16_384) throw new CtidError('ERR_OPENID_OFFER')
  const parameters = new URLSearchParams(link.slice(cut + 1))
  const [inline, uri] = [parameters.get('credential_offer'), parameters.get('credential_offer_uri')]
  if ((inline === null) === (uri === null)) throw new CtidError('ERR_OPENID_OFFER')
  if (uri !== null) {
    if (!/^https?:\/\//.test(uri)) throw new CtidError('ERR_OPENID_OFFER', { detail: 'offer address' })
    return { offerUri: uri }
  }
  return parseOffer(parseJsonObject(inline ?? ''))
}

/**
 * Wallet: reads an offer.
 *
 * @throws {CtidError} `ERR_OPENID_OFFER` naming the member
 */
export function parseOffer(document: JsonObject): CredentialOffer {
  const { credential_issuer: issuer, credential_configuration_ids: ids, grants } = document
  if (typeof issuer !== 'string' || !/^https?:\/\//.test(issuer)) fail('credential_issuer')
  if (!Array.isArray(ids) || ids.length === 0 || !ids.every((id) => typeof id === 'string')) {
    fail('credential_configuration_ids')
  }
  const offered = isJsonObject(grants) ? grants : {}
  const authorizationCode = offered['authorization_code']
  const preAuthorized = offered[PRE_AUTHORIZED]
  const grant = isJsonObject(preAuthorized) ? preAuthorized : authorizationCode
  const server = isJsonObject(grant) ? grant['authorization_server'] : undefined
  return {
    issuer,
    configurationIds: ids,
    ...(typeof server === 'string' ? { authorizationServer: server } : {}),
    ...(isJsonObject(preAuthorized) ? { preAuthorized: parsePreAuthorized(preAuthorized) } : {}),
    ...(isJsonObject(authorizationCode)
      ? {
          authorizationCode:
            typeof authorizationCode['issuer_state'] === 'string'
              ? { issuerState: authorizationCode['issuer_state'] }
              : {},
        }
      : {}),
  }
}

function parsePreAuthorized(grant: JsonObject): NonNullable<CredentialOffer['preAuthorized']> {
  const { 'pre-authorized_code': code, tx_code: txCode } = grant
  if (typeof code !== 'string' || code.length === 0) fail('pre-authorized_code')
  if (txCode === undefined) return { code }
  if (!isJsonObject(txCode)) fail('tx_code')
  const { input_mode: mode, length, description } = txCode
  return {
    code,
    txCode: {
      inputMode: mode === 'text' ? 'text' : 'numeric',
      length: typeof length === 'number' ? length : 0,
      ...(typeof description === 'string' ? { description: description.slice(0, 300) } : {}),
    },
  }
}

function fail(detail: string): never {
  throw new CtidError('ERR_OPENID_OFFER', { detail })
}
