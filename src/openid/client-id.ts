// Client identifiers of verifiers: the prefixes of OpenID4VP 1.0 section 5.9 that we speak, made and checked.
import { CtidError } from '../base/index.ts'

/** `x509_hash` is what HAIP demands; `redirect_uri` goes with unsigned requests and is for development. */
export type ClientIdPrefix = 'x509_hash' | 'x509_san_dns' | 'redirect_uri'

export type ClientId = { readonly prefix: ClientIdPrefix; readonly value: string }

/** What the leaf certificate of a signed request says; see `checkChain`. */
export type RequestCertificate = { readonly leafHash: string; readonly dnsNames: readonly string[] }

const PREFIXES: readonly ClientIdPrefix[] = ['x509_hash', 'x509_san_dns', 'redirect_uri']

/**
 * Splits a client identifier.
 *
 * @throws {CtidError} `ERR_OPENID_CLIENT_ID` for prefixes that are not spoken here, or none
 */
export function parseClientId(text: unknown): ClientId {
  if (typeof text !== 'string' || text.length > 1024) throw new CtidError('ERR_OPENID_CLIENT_ID')
  const cut = text.indexOf(':')
  const prefix = PREFIXES.find((known) => known === text.slice(0, cut))
  if (cut < 0 || !prefix || cut === text.length - 1) throw new CtidError('ERR_OPENID_CLIENT_ID')
  return { prefix, value: text.slice(cut + 1) }
}

/**
 * Wallet: checks that the certificate of a signed request is the client's, and that the answer goes to it.
 * For `x509_san_dns` the host of the response URI must be the name itself (section 5.9.3).
 *
 * @throws {CtidError} `ERR_OPENID_CLIENT_ID`
 */
export function requireClient(
  client: ClientId,
  certificate: RequestCertificate,
  responseUri: string | undefined,
): void {
  if (client.prefix === 'x509_hash') {
    if (client.value !== certificate.leafHash) throw new CtidError('ERR_OPENID_CLIENT_ID')
  } else if (client.prefix === 'x509_san_dns') {
    const isNamed = certificate.dnsNames.includes(client.value)
    const goesThere = responseUri === undefined || hostOf(responseUri) === client.value
    if (!isNamed || !goesThere) throw new CtidError('ERR_OPENID_CLIENT_ID')
  } else {
    // A redirect_uri client must not sign: nothing would bind the signature to it.
    throw new CtidError('ERR_OPENID_CLIENT_ID', { detail: 'signed request of a redirect_uri client' })
  }
}

function hostOf(uri: string): string | undefined {
  return URL.canParse(uri) ? new URL(uri).hostname : undefined
}
