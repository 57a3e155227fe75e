// The wallet's way to an access token: by a pre-authorised code, or through a login in the browser, with DPoP throughout.
import {
  type Clock,
  CtidError,
  isJsonObject,
  type Json,
  type JsonObject,
  type RandomBytes,
  toBase64url,
  utf8,
} from '../base/index.ts'
import { type Signer, sha256 } from '../crypto/index.ts'
import { makeClientAttestationPop } from './attestation.ts'
import { makeDpopProof } from './dpop.ts'
import { errorWord, type Fetch, fetchJson } from './fetch-json.ts'
import { type CredentialOffer, PRE_AUTHORIZED } from './offer.ts'

const STEP = 'ERR_OPENID_ISSUER'

export type ReceiveOptions = {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly random: RandomBytes
  /** Key of this session's access token; a fresh one for each issuance. */
  readonly dpopKey: Signer
  /** Makes a fresh device key for each credential. */
  readonly createKey: () => Promise<Signer>
  /** How many credentials to ask for; the issuer's batch size is the limit. Default 1. */
  readonly count?: number
  /** Which of the offered configurations. Default the first. */
  readonly configurationId?: string
  /** Asked when the offer demands a transaction code. */
  readonly txCode?: () => Promise<string>
  /**
   * Takes the person through the issuer's login in a browser: given the address to open, returns the address the
   * browser was sent back to. Needed for offers without a pre-authorised code.
   */
  readonly authorize?: (url: string) => Promise<string>
  readonly redirectUri?: string
  readonly clientId?: string
  /** The wallet maker's attestation of this wallet, and its key. */
  readonly clientAttestation?: { readonly jwt: string; readonly key: Signer }
}

/** Where an issuer and its authorization server answer. */
export type Endpoints = {
  readonly issuer: string
  readonly credential: string
  readonly nonce: string | undefined
  readonly deferred: string | undefined
  readonly notification: string | undefined
  readonly token: string
  readonly authorization: string | undefined
  readonly par: string | undefined
  readonly authorizationServer: string
  readonly batchSize: number
  /** Whether the server names itself in what the login sends back (RFC 9207). */
  readonly namesIssuer: boolean
  readonly configurations: JsonObject
}

/** What an access token opens. */
export type Session = {
  readonly clientId: string | undefined
  /** Credential identifiers that the token was given for, by configuration. */
  readonly identifiers: ReadonlyMap<string, string>
  post(url: string, name: string, body: JsonObject): Promise<{ status: number; body: JsonObject }>
}

/** Holder: exchanges the offer's code, or the one that a login gives, for an access token bound to a key. */
export async function obtainToken(
  offer: CredentialOffer,
  configurationId: string,
  endpoints: Endpoints,
  options: ReceiveOptions,
): Promise<Session> {
  const form = offer.preAuthorized
    ? await preAuthorizedForm(offer.preAuthorized, options)
    : await authorizedForm(offer, configurationId, endpoints, options)
  // A client that was never named stays anonymous in its proofs too.
  const named = options.clientAttestation !== undefined || !offer.preAuthorized
  const clientId = named ? clientIdOf(options) : undefined
  if (clientId !== undefined) form.set('client_id', clientId)
  const call = dpopCaller(endpoints, options)
  const { status, body } = await call(endpoints.token, 'token', form)
  const { access_token: accessToken, token_type: tokenType } = body
  if (status !== 200 || typeof accessToken !== 'string') fail(`token: ${errorWord({ status, body })}`)
  const isDpop = String(tokenType).toLowerCase() === 'dpop'
  return {
    clientId,
    identifiers: readIdentifiers(body['authorization_details']),
    post: (url, name, json) => call(url, name, json, { accessToken, isDpop }),
  }
}

function readIdentifiers(details: Json | undefined): ReadonlyMap<string, string> {
  const identifiers = new Map<string, string>()
  for (const detail of Array.isArray(details) ? details : []) {
    if (!isJsonObject(detail)) continue
    const { credential_configuration_id: id, credential_identifiers: list } = detail
    const first = Array.isArray(list) ? list[0] : undefined
    if (typeof id === 'string' && typeof first === 'string') identifiers.set(id, first)
  }
  return identifiers
}

function clientIdOf(options: ReceiveOptions): string {
  return options.clientId ?? 'ctid-wallet'
}

async function preAuthorizedForm(
  grant: NonNullable<CredentialOffer['preAuthorized']>,
  options: ReceiveOptions,
): Promise<URLSearchParams> {
  const form = new URLSearchParams({ grant_type: PRE_AUTHORIZED, 'pre-authorized_code': grant.code })
  if (grant.txCode) {
    if (!options.txCode) throw new CtidError('ERR_OPENID_OFFER', { detail: 'a transaction code is needed' })
    form.set('tx_code', await options.txCode())
  }
  return form
}

async function authorizedForm(
  offer: CredentialOffer,
  configurationId: string,
  endpoints: Endpoints,
  options: ReceiveOptions,
): Promise<URLSearchParams> {
  const { authorization, par, configurations } = endpoints
  if (!options.authorize || !authorization || !par) {
    throw new CtidError('ERR_OPENID_OFFER', { detail: 'this offer needs a login in a browser' })
  }
  const codeVerifier = toBase64url(options.random(32))
  const state = toBase64url(options.random(16))
  const redirectUri = options.redirectUri ?? 'http://127.0.0.1/wallet'
  const configuration = configurations[configurationId]
  const scope = isJsonObject(configuration) ? configuration['scope'] : undefined
  const issuerState = offer.authorizationCode?.issuerState
  const request = new URLSearchParams({
    response_type: 'code',
    client_id: clientIdOf(options),
    redirect_uri: redirectUri,
    code_challenge: toBase64url(sha256(utf8(codeVerifier))),
    code_challenge_method: 'S256',
    state,
    ...(typeof scope === 'string' ? { scope } : {}),
    ...(issuerState === undefined ? {} : { issuer_state: issuerState }),
  })
  const pushed = await dpopCaller(endpoints, options)(par, 'pushed request', request)
  const requestUri = pushed.body['request_uri']
  if (pushed.status !== 201 || typeof requestUri !== 'string') fail(`pushed request: ${errorWord(pushed)}`)
  const login = new URL(authorization)
  login.searchParams.set('client_id', clientIdOf(options))
  login.searchParams.set('request_uri', requestUri)
  const back = new URL(await options.authorize(login.href)).searchParams
  // Both checks keep an attacker's answer out: one of another session, and one of another issuer (RFC 9207).
  const iss = back.get('iss')
  const isNamed = iss === endpoints.authorizationServer || (iss === null && !endpoints.namesIssuer)
  if (back.get('state') !== state || !isNamed) fail('login: mixed up')
  const code = back.get('code')
  if (code === null) fail('login: refused')
  return new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: codeVerifier,
  })
}

// Posts with a DPoP proof, and once more when the server demands a nonce of its own (RFC 9449 section 8).
function dpopCaller(endpoints: Endpoints, options: ReceiveOptions) {
  let dpopNonce: string | undefined
  return async (
    url: string,
    name: string,
    body: URLSearchParams | JsonObject,
    token?: { readonly accessToken: string; readonly isDpop: boolean },
  ): Promise<{ status: number; body: JsonObject }> => {
    const isForm = body instanceof URLSearchParams
    for (let attempt = 0; ; attempt++) {
      const headers = new Headers({
        'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
        accept: 'application/json',
      })
      if (token) headers.set('authorization', `${token.isDpop ? 'DPoP' : 'Bearer'} ${token.accessToken}`)
      if (!token || token.isDpop) {
        const request = {
          method: 'POST',
          url,
          ...(token ? { accessToken: token.accessToken } : {}),
          ...(dpopNonce === undefined ? {} : { nonce: dpopNonce }),
        }
        headers.set('dpop', await makeDpopProof(options.dpopKey, request, options))
      }
      if (!token && options.clientAttestation) {
        const { jwt, key } = options.clientAttestation
        const clientId = clientIdOf(options)
        headers.set('oauth-client-attestation', jwt)
        headers.set(
          'oauth-client-attestation-pop',
          await makeClientAttestationPop(key, endpoints.authorizationServer, { ...options, clientId }),
        )
      }
      const init = { method: 'POST', headers, body: isForm ? body.toString() : JSON.stringify(body) }
      const answer = await fetchJson(options.fetch, url, init, { code: STEP, name })
      dpopNonce = answer.headers.get('dpop-nonce') ?? dpopNonce
      if (attempt > 0 || answer.body['error'] !== 'use_dpop_nonce') return answer
    }
  }
}

function fail(detail: string): never {
  throw new CtidError(STEP, { detail })
}
