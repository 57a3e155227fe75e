// The wallet's side of OpenID4VCI 1.0: from an offer to credentials, with DPoP, key proofs and batches.
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
import { holderKeyOf, makeKeyProof, readCredential } from '../credential/index.ts'
import { jwkThumbprint, type Signer, sha256 } from '../crypto/index.ts'
import { makeClientAttestationPop } from './attestation.ts'
import { makeDpopProof } from './dpop.ts'
import { errorWord, type Fetch, fetchJson } from './fetch-json.ts'
import { type CredentialOffer, PRE_AUTHORIZED, parseOffer, parseOfferLink } from './offer.ts'

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

export type Received = {
  readonly issuer: string
  readonly configurationId: string
  /** As many as keys, in the same order. */
  readonly credentials: readonly string[]
  readonly keys: readonly Signer[]
}

type Endpoints = {
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
  readonly configurations: JsonObject
}

/**
 * Holder: follows an offer and fetches the credentials. A credential that the issuer still has to decide on is waited
 * for up to a minute.
 *
 * @throws {CtidError} `ERR_OPENID_OFFER`, `ERR_OPENID_ISSUER` naming step and error word
 */
export async function receiveCredentials(link: string, options: ReceiveOptions): Promise<Received> {
  const offer = await readOffer(link, options)
  const endpoints = await discover(offer.issuer, options)
  const configurationId = options.configurationId ?? offer.configurationIds[0] ?? ''
  if (!offer.configurationIds.includes(configurationId)) {
    throw new CtidError('ERR_OPENID_OFFER', { detail: 'not among the offered credentials' })
  }
  const session = await obtainToken(offer, configurationId, endpoints, options)
  const count = Math.min(options.count ?? 1, endpoints.batchSize)
  const keys = await Promise.all(Array.from({ length: count }, () => options.createKey()))
  const nonce = await fetchNonce(endpoints, options)
  const proofs = await Promise.all(
    keys.map((key) =>
      makeKeyProof(key, {
        issuer: endpoints.issuer,
        now: options.clock(),
        ...(nonce === undefined ? {} : { nonce }),
        ...(session.clientId === undefined ? {} : { clientId: session.clientId }),
      }),
    ),
  )
  const identifier = session.identifiers.get(configurationId)
  const answer = await session.post(endpoints.credential, 'credential', {
    ...(identifier === undefined
      ? { credential_configuration_id: configurationId }
      : { credential_identifier: identifier }),
    proofs: { jwt: proofs },
  })
  const body = await settle(answer, endpoints, session, options)
  const credentials = readCredentials(body, keys)
  const { notification_id: notificationId } = body
  if (typeof notificationId === 'string' && endpoints.notification !== undefined) {
    await session.post(endpoints.notification, 'notification', {
      notification_id: notificationId,
      event: 'credential_accepted',
    })
  }
  return { issuer: endpoints.issuer, configurationId, credentials, keys }
}

async function readOffer(link: string, options: ReceiveOptions): Promise<CredentialOffer> {
  const offer = parseOfferLink(link)
  if (!('offerUri' in offer)) return offer
  const step = { code: 'ERR_OPENID_OFFER', name: 'offer' } as const
  const { status, body } = await fetchJson(options.fetch, offer.offerUri, {}, step)
  if (status !== 200) throw new CtidError('ERR_OPENID_OFFER', { detail: `status ${status}` })
  return parseOffer(body)
}

async function discover(issuer: string, options: ReceiveOptions): Promise<Endpoints> {
  const metadata = await fetchMetadata(issuer, 'openid-credential-issuer', options)
  if (metadata['credential_issuer'] !== issuer) fail('metadata of another issuer')
  const servers = metadata['authorization_servers']
  const authorizationServer = Array.isArray(servers) && typeof servers[0] === 'string' ? servers[0] : issuer
  const server = await fetchMetadata(authorizationServer, 'oauth-authorization-server', options)
  if (server['issuer'] !== authorizationServer) fail('metadata of another authorization server')
  const batch = metadata['batch_credential_issuance']
  const batchSize = isJsonObject(batch) && typeof batch['batch_size'] === 'number' ? batch['batch_size'] : 1
  const configurations = metadata['credential_configurations_supported']
  return {
    issuer,
    authorizationServer,
    batchSize,
    configurations: isJsonObject(configurations) ? configurations : {},
    credential: address(metadata, 'credential_endpoint') ?? fail('no credential endpoint'),
    token: address(server, 'token_endpoint') ?? fail('no token endpoint'),
    nonce: address(metadata, 'nonce_endpoint'),
    deferred: address(metadata, 'deferred_credential_endpoint'),
    notification: address(metadata, 'notification_endpoint'),
    authorization: address(server, 'authorization_endpoint'),
    par: address(server, 'pushed_authorization_request_endpoint'),
  }
}

async function fetchMetadata(base: string, name: string, options: ReceiveOptions): Promise<JsonObject> {
  const url = new URL(base)
  const path = url.pathname.replace(/\/$/, '')
  const step = { code: STEP, name: 'metadata' } as const
  const { status, body } = await fetchJson(
    options.fetch,
    `${url.origin}/.well-known/${name}${path}`,
    { headers: { accept: 'application/json' } },
    step,
  )
  return status === 200 ? body : fail(`metadata: status ${status}`)
}

function address(metadata: JsonObject, name: string): string | undefined {
  const value = metadata[name]
  return typeof value === 'string' && /^https?:\/\//.test(value) ? value : undefined
}

type Session = {
  readonly clientId: string | undefined
  /** Credential identifiers that the token was given for, by configuration. */
  readonly identifiers: ReadonlyMap<string, string>
  post(url: string, name: string, body: JsonObject): Promise<{ status: number; body: JsonObject }>
}

async function obtainToken(
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
  if (back.get('state') !== state || back.get('iss') !== endpoints.authorizationServer)
    fail('login: mixed up')
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

async function fetchNonce(endpoints: Endpoints, options: ReceiveOptions): Promise<string | undefined> {
  if (endpoints.nonce === undefined) return undefined
  const { status, body } = await fetchJson(
    options.fetch,
    endpoints.nonce,
    { method: 'POST' },
    { code: STEP, name: 'nonce' },
  )
  const { c_nonce: nonce } = body
  return status === 200 && typeof nonce === 'string' ? nonce : fail(`nonce: status ${status}`)
}

async function settle(
  first: { status: number; body: JsonObject },
  endpoints: Endpoints,
  session: Session,
  options: ReceiveOptions,
): Promise<JsonObject> {
  const deadline = options.clock() + 60
  let answer = first
  while (answer.status === 202) {
    const { transaction_id: transaction, interval } = answer.body
    const seconds = typeof interval === 'number' && interval > 0 ? interval : 5
    if (!endpoints.deferred || typeof transaction !== 'string' || options.clock() + seconds > deadline) {
      fail('credential: not decided yet')
    }
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    answer = await session.post(endpoints.deferred, 'deferred credential', { transaction_id: transaction })
  }
  return answer.status === 200 ? answer.body : fail(`credential: ${errorWord(answer)}`)
}

// Each credential must be bound to the key it was asked for, in order: else the wallet could never show it.
function readCredentials(body: JsonObject, keys: readonly Signer[]): string[] {
  const list = body['credentials']
  if (!Array.isArray(list) || list.length !== keys.length) fail('credential: not as many as keys')
  return keys.map((key, i) => {
    const item = list[i]
    const credential = isJsonObject(item) ? item['credential'] : undefined
    if (typeof credential !== 'string') return fail('credential: form')
    return isBoundTo(credential, key) ? credential : fail('credential: not bound to the key of the wallet')
  })
}

function isBoundTo(credential: string, key: Signer): boolean {
  try {
    const holderKey = holderKeyOf(readCredential(credential).claims)
    return jwkThumbprint(holderKey) === jwkThumbprint(key.publicJwk)
  } catch {
    return false
  }
}

function fail(detail: string): never {
  throw new CtidError(STEP, { detail })
}
