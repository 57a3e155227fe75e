// The wallet's side of OpenID4VCI 1.0: from an offer to credentials, with DPoP, key proofs and batches.
import { CtidError, isJsonObject, type Json, type JsonObject } from '../base/index.ts'
import { holderKeyOf, makeKeyProof, readCredential } from '../credential/index.ts'
import { jwkThumbprint, type Signer } from '../crypto/index.ts'
import { errorWord, fetchJson } from './fetch-json.ts'
import { type CredentialOffer, parseOffer, parseOfferLink } from './offer.ts'
import { type Endpoints, obtainToken, type ReceiveOptions, type Session } from './wallet-token.ts'

const STEP = 'ERR_OPENID_ISSUER'

export type Received = {
  readonly issuer: string
  readonly configurationId: string
  readonly credentials: readonly string[]
  /** The key that each credential is bound to, in the same order. */
  readonly keys: readonly Signer[]
}

/**
 * Holder: follows an offer and fetches the credentials. A credential that the issuer still has to decide on is waited
 * for up to a minute.
 *
 * @throws {CtidError} `ERR_OPENID_OFFER`, `ERR_OPENID_ISSUER` naming step and error word
 */
export async function receiveCredentials(link: string, options: ReceiveOptions): Promise<Received> {
  const offer = await readOffer(link, options)
  const endpoints = await discover(offer, options)
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
  const received = readCredentials(body, keys, vctOf(endpoints, configurationId))
  const { notification_id: notificationId } = body
  if (typeof notificationId === 'string' && endpoints.notification !== undefined) {
    await tellReceived(session, endpoints.notification, notificationId)
  }
  return { issuer: endpoints.issuer, configurationId, ...received }
}

// The credentials are here, whatever becomes of the thanks.
async function tellReceived(session: Session, url: string, notificationId: string): Promise<void> {
  const body = { notification_id: notificationId, event: 'credential_accepted' }
  await session.post(url, 'notification', body).catch(() => undefined)
}

function vctOf({ configurations }: Endpoints, id: string): string | undefined {
  const configuration = configurations[id]
  const vct = isJsonObject(configuration) ? configuration['vct'] : undefined
  return typeof vct === 'string' ? vct : undefined
}

async function readOffer(link: string, options: ReceiveOptions): Promise<CredentialOffer> {
  const offer = parseOfferLink(link)
  if (!('offerUri' in offer)) return offer
  const step = { code: 'ERR_OPENID_OFFER', name: 'offer' } as const
  const { status, body } = await fetchJson(options.fetch, offer.offerUri, {}, step)
  if (status !== 200) throw new CtidError('ERR_OPENID_OFFER', { detail: `status ${status}` })
  return parseOffer(body)
}

async function discover(
  { issuer, authorizationServer: wanted }: CredentialOffer,
  options: ReceiveOptions,
): Promise<Endpoints> {
  const metadata = await fetchMetadata(issuer, 'openid-credential-issuer', options)
  if (metadata['credential_issuer'] !== issuer) fail('metadata of another issuer')
  const authorizationServer = serverOf(metadata, issuer, wanted)
  const server = await fetchMetadata(authorizationServer, 'oauth-authorization-server', options)
  if (server['issuer'] !== authorizationServer) fail('metadata of another authorization server')
  const batch = metadata['batch_credential_issuance']
  const batchSize = isJsonObject(batch) && typeof batch['batch_size'] === 'number' ? batch['batch_size'] : 1
  const configurations = metadata['credential_configurations_supported']
  return {
    issuer,
    authorizationServer,
    batchSize,
    namesIssuer: server['authorization_response_iss_parameter_supported'] === true,
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

// The offer may choose among the servers that the issuer names, and no other (section 12.2.4).
function serverOf(metadata: JsonObject, issuer: string, wanted: string | undefined): string {
  const servers = metadata['authorization_servers'] ?? [issuer]
  if (!Array.isArray(servers) || servers.length === 0) return fail('authorization_servers')
  const server: unknown = wanted === undefined ? servers[0] : servers.find((one) => one === wanted)
  return typeof server === 'string' && /^https?:\/\//.test(server) ? server : fail('authorization server')
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

// Each credential must be bound to a key it was asked for, else the wallet could never show it, and be of the kind that
// was announced. There may be fewer than keys (section 8.3), never more.
function readCredentials(
  body: JsonObject,
  keys: readonly Signer[],
  vct: string | undefined,
): Pick<Received, 'credentials' | 'keys'> {
  const list = body['credentials']
  if (!Array.isArray(list) || list.length === 0) fail('credential: none')
  if (list.length > keys.length) fail('credential: more than keys')
  const free = new Map(keys.map((key) => [jwkThumbprint(key.publicJwk), key]))
  const credentials: string[] = []
  const bound: Signer[] = []
  for (const item of list as readonly Json[]) {
    const credential = isJsonObject(item) ? item['credential'] : undefined
    if (typeof credential !== 'string') fail('credential: form')
    const { thumbprint, type } = readBinding(credential)
    const key = free.get(thumbprint)
    if (!key) fail('credential: not bound to a key of the wallet')
    if (vct !== undefined && type !== vct) fail('credential: of another kind')
    free.delete(thumbprint)
    credentials.push(credential)
    bound.push(key)
  }
  return { credentials, keys: bound }
}

function readBinding(credential: string): { readonly thumbprint: string; readonly type: unknown } {
  try {
    const { claims } = readCredential(credential)
    return { thumbprint: jwkThumbprint(holderKeyOf(claims)), type: claims['vct'] }
  } catch {
    return fail('credential: not bound to a key of the wallet')
  }
}

function fail(detail: string): never {
  throw new CtidError(STEP, { detail })
}
