// The issuer's authorization endpoints: pushed requests and the decision of the person (RFC 6749, 7636, 9126, 9207, 9396).
import { CtidError, toBase64url } from '../base/index.ts'
import { detailedConfigurations } from './authorization-details.ts'
import { authenticateClient, type ClientRequest, provenThumbprint } from './client-authentication.ts'
import { CODE_SECONDS, TOKEN_SECONDS } from './exchange.ts'
import type { AuthorizationTransaction, IssuerDeps, SubjectRef } from './issuer-config.ts'
import { isPrivateAddress } from './private-address.ts'

const PUSHED_SECONDS = 90

/**
 * Issuer: takes a pushed authorization request (RFC 9126), the only way in.
 *
 * @throws {CtidError} `ERR_OPENID_REQUEST`, `ERR_OPENID_RESPONSE_TYPE`, `ERR_OPENID_SCOPE`, `ERR_OPENID_CLIENT`,
 *   `ERR_OPENID_DPOP`, `ERR_OPENID_AUTHORIZATION_DETAILS`
 */
export async function pushRequest(
  deps: IssuerDeps,
  request: ClientRequest,
): Promise<{ readonly requestUri: string; readonly expiresIn: number }> {
  const { form } = request
  const clientId = await authenticateClient(deps, request)
  if (clientId === undefined) fail('client_id')
  if (form.has('request_uri') || form.has('request')) fail('request_uri')
  if (!form.has('response_type')) fail('response_type')
  if (form.get('response_type') !== 'code') throw new CtidError('ERR_OPENID_RESPONSE_TYPE')
  if ((form.get('response_mode') ?? 'query') !== 'query') fail('response_mode')
  if (form.get('code_challenge_method') !== 'S256') fail('code_challenge_method must be S256')
  const codeChallenge = form.get('code_challenge') ?? ''
  if (!/^[A-Za-z0-9_-]{43}$/.test(codeChallenge)) fail('code_challenge')
  const redirectUri = form.get('redirect_uri') ?? ''
  if (!isRedirectUri(redirectUri)) fail('redirect_uri')
  const proven = await provenThumbprint(deps, request, { url: `${deps.baseUrl}/par`, required: false })
  const named = form.get('dpop_jkt')
  if (proven !== undefined && named !== undefined && proven !== named) fail('dpop_jkt')
  const transaction: AuthorizationTransaction = {
    clientId,
    redirectUri,
    state: form.get('state'),
    codeChallenge,
    ...requestedConfigurations(deps, form),
    byDetails: form.has('authorization_details'),
    dpopThumbprint: proven ?? named,
  }
  requireOffered(deps, form.get('issuer_state'), transaction.configurationIds)
  const name = toBase64url(deps.random(32))
  deps.sessions.pushed.put(name, transaction, deps.clock() + PUSHED_SECONDS)
  return { requestUri: `urn:ietf:params:oauth:request_uri:${name}`, expiresIn: PUSHED_SECONDS }
}

// A request that names an offer stays within it.
function requireOffered(deps: IssuerDeps, issuerState: string | undefined, ids: readonly string[]): void {
  if (issuerState === undefined) return
  const offered = deps.sessions.issuerStates.get(issuerState)
  if (!offered || !ids.every((id) => offered.includes(id))) fail('issuer_state')
}

// Details and scopes count both; scopes that name no credential are ignored (OpenID4VCI section 5.1.2).
function requestedConfigurations(
  deps: IssuerDeps,
  form: ReadonlyMap<string, string>,
): Pick<AuthorizationTransaction, 'configurationIds' | 'scoped'> {
  const detailed = detailedConfigurations(deps, form.get('authorization_details')) ?? []
  const scopes = (form.get('scope') ?? '').split(' ')
  const scoped = deps.configurations.filter(({ scope }) => scopes.includes(scope)).map(({ id }) => id)
  const configurationIds = [...new Set([...detailed, ...scoped])]
  if (configurationIds.length === 0) throw new CtidError('ERR_OPENID_SCOPE')
  return { configurationIds, scoped }
}

// Web addresses over TLS or on this machine, or an app's own scheme; never a fragment, never a script.
function isRedirectUri(uri: string): boolean {
  if (!URL.canParse(uri) || uri.length > 2048 || uri.includes('#')) return false
  const { protocol } = new URL(uri)
  if (protocol === 'https:' || protocol === 'http:') return isPrivateAddress(uri)
  return !['javascript:', 'data:', 'file:', 'blob:', 'vbscript:', 'about:', 'ftp:', 'ws:', 'wss:'].includes(
    protocol,
  )
}

/**
 * Issuer: the transaction behind an authorization request, for the page that asks the person to log in and agree.
 *
 * @throws {CtidError} `ERR_OPENID_REQUEST`
 */
export function authorizationTransaction(
  deps: IssuerDeps,
  query: { readonly clientId: unknown; readonly requestUri: unknown },
): { readonly name: string; readonly transaction: AuthorizationTransaction } {
  const { clientId, requestUri } = query
  const name = /^urn:ietf:params:oauth:request_uri:([A-Za-z0-9_-]{43})$/.exec(String(requestUri))?.[1]
  const transaction = name === undefined ? undefined : deps.sessions.pushed.get(name)
  if (!name || !transaction || transaction.clientId !== clientId) fail('request_uri')
  return { name, transaction }
}

/**
 * Issuer: the person has logged in and decided. Returns where to send the browser: with a code, or with an error.
 *
 * @throws {CtidError} `ERR_OPENID_REQUEST` when the transaction is gone
 */
export function decideAuthorization(deps: IssuerDeps, name: string, subject: SubjectRef | 'denied'): string {
  const transaction = deps.sessions.pushed.take(name)
  if (!transaction) fail('request_uri')
  const target = new URL(transaction.redirectUri)
  if (transaction.state !== undefined) target.searchParams.set('state', transaction.state)
  // The issuer names itself, so that a wallet with several issuers cannot be mixed up (RFC 9207).
  target.searchParams.set('iss', deps.baseUrl)
  if (subject === 'denied') {
    target.searchParams.set('error', 'access_denied')
    return target.href
  }
  const code = toBase64url(deps.random(32))
  const now = deps.clock()
  const grant = { ...transaction, subject, expiresAt: now + CODE_SECONDS, tokenId: undefined, isUsed: false }
  // Kept as long as a token made from it may live, to notice a second use.
  deps.sessions.codes.put(code, grant, now + CODE_SECONDS + TOKEN_SECONDS)
  target.searchParams.set('code', code)
  return target.href
}

function fail(detail: string): never {
  throw new CtidError('ERR_OPENID_REQUEST', { detail })
}
