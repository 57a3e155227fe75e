// The verifier asks: starts a request with a fresh nonce, state and key, and hands out the signed request object.
import {
  CtidError,
  type Json,
  type JsonObject,
  type RandomBytes,
  toBase64url,
  toHex,
  utf8,
} from '../base/index.ts'
import { generateSigner, sha256 } from '../crypto/index.ts'
import { type AuthorizationRequest, requestParameters, signRequest } from './authorization-request.ts'
import type { DecryptionKey } from './authorization-response.ts'
import type { ClientIdPrefix } from './client-id.ts'
import { type DcqlQuery, parseDcql, withClaim } from './dcql.ts'
import type { StartedRequest, StartOptions, VerifierDeps, VerifierSession } from './verifier-config.ts'

const LIFETIME_SECONDS = 300

/**
 * Verifier: begins a transaction. It can be answered for five minutes, and its result collected for five more.
 *
 * @throws {CtidError} `ERR_OPENID_DCQL`, `ERR_OPENID_REQUEST`, `ERR_OPENID_CLIENT_ID`
 */
export async function startRequest(deps: VerifierDeps, options: StartOptions): Promise<StartedRequest> {
  const asked = deps.credentialPolicy.checkReceipt ? withClaim(options.query, 'log_receipt') : options.query
  const query = parseDcql(asked)
  requireKnownFormats(query)
  const responseMode = options.responseMode ?? 'direct_post.jwt'
  const overApi = responseMode.startsWith('dc_api')
  if (overApi) requireOrigins(options.expectedOrigins)
  requireProfile(deps, options, responseMode)
  const id = toBase64url(deps.random(16))
  const requestUri = `${deps.baseUrl}/openid4vp/requests/${id}`
  const responseUri = `${deps.baseUrl}/openid4vp/responses/${id}`
  const decryptionKey = responseMode.endsWith('.jwt') ? await makeDecryptionKey(deps.random) : undefined
  const clientId = clientIdOf(options.clientIdPrefix ?? 'x509_hash', deps, responseUri)
  const request: AuthorizationRequest = {
    clientId,
    responseMode,
    ...(overApi ? {} : { responseUri, state: toBase64url(deps.random(16)) }),
    nonce: toBase64url(deps.random(32)),
    dcqlQuery: asked as JsonObject,
    ...(decryptionKey === undefined ? {} : { encryptionKey: decryptionKey.publicKey }),
    ...(overApi && options.expectedOrigins ? { expectedOrigins: options.expectedOrigins } : {}),
  }
  const browserSecret = toBase64url(deps.random(32))
  const expiresAt = deps.clock() + LIFETIME_SECONDS
  const session: VerifierSession = {
    request,
    query,
    decryptionKey,
    browserSecretHash: sha256(utf8(browserSecret)),
    completionUri: options.completionUri === 'own' ? `${requestUri}/complete` : options.completionUri,
    expiresAt,
    responseCode: undefined,
    answered: false,
    result: { state: 'pending' },
  }
  deps.sessions.put(id, session, expiresAt + LIFETIME_SECONDS)
  return {
    id,
    authorizationRequest: linkOf(request, requestUri),
    requestUri,
    clientId,
    browserSecret,
    expiresAt,
    ...(overApi ? { requestObject: await requestObject(deps, id) } : {}),
  }
}

function requireKnownFormats({ credentials }: DcqlQuery): void {
  if (!credentials.every(({ format }) => format === 'dc+sd-jwt')) {
    throw new CtidError('ERR_OPENID_DCQL', { detail: 'only dc+sd-jwt can be checked here' })
  }
}

function requireOrigins(origins: readonly string[] | undefined): void {
  const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text
  if (!origins?.length || origins.length > 16 || !origins.every(isOrigin)) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'expected origins' })
  }
}

function requireProfile(deps: VerifierDeps, options: StartOptions, responseMode: string): void {
  const prefix = options.clientIdPrefix ?? 'x509_hash'
  // There is nothing that could be signed with, and so nothing that a browser would pass on as the verifier's.
  if (prefix === 'redirect_uri' && responseMode.startsWith('dc_api')) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'redirect_uri over the Digital Credentials API' })
  }
  if (deps.profile !== 'haip') return
  if (prefix !== 'x509_hash') throw new CtidError('ERR_OPENID_REQUEST', { detail: 'HAIP: x509_hash only' })
  if (!responseMode.endsWith('.jwt')) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'HAIP: answers must be encrypted' })
  }
}

async function makeDecryptionKey(random: RandomBytes): Promise<DecryptionKey> {
  const { privateJwk, publicJwk } = await generateSigner()
  return {
    privateJwk,
    publicKey: { ...publicJwk, kid: toHex(random(8)), use: 'enc', alg: 'ECDH-ES' },
  }
}

function clientIdOf(prefix: ClientIdPrefix, deps: VerifierDeps, responseUri: string): string {
  if (prefix === 'x509_hash') return `x509_hash:${deps.certificate.leafHash}`
  if (prefix === 'redirect_uri') return `redirect_uri:${responseUri}`
  const host = new URL(deps.baseUrl).hostname
  if (!deps.certificate.dnsNames.includes(host)) {
    throw new CtidError('ERR_OPENID_CLIENT_ID', { detail: 'the certificate does not name this host' })
  }
  return `x509_san_dns:${host}`
}

// A redirect_uri client cannot sign, so its request travels in the link itself.
function linkOf(request: AuthorizationRequest, requestUri: string): string {
  const parameters = new URLSearchParams({ client_id: request.clientId })
  if (request.clientId.startsWith('redirect_uri:')) {
    for (const [name, value] of Object.entries<Json>(requestParameters(request))) {
      parameters.set(name, typeof value === 'string' ? value : JSON.stringify(value))
    }
  } else {
    parameters.set('request_uri', requestUri)
    parameters.set('request_uri_method', 'post')
  }
  return `openid4vp://?${parameters}`
}

/**
 * Verifier: the signed request object for `request_uri`, by GET or by POST with the wallet's nonce.
 *
 * @throws {CtidError} `ERR_OPENID_UNKNOWN_REQUEST` when unknown, expired or already answered
 */
export async function requestObject(deps: VerifierDeps, id: string, walletNonce?: string): Promise<string> {
  const session = openSession(deps, id)
  if (session.request.clientId.startsWith('redirect_uri:')) throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  const now = deps.clock()
  return signRequest(session.request, deps.key, {
    now,
    lifetimeSeconds: session.expiresAt - now,
    ...(walletNonce === undefined ? {} : { walletNonce }),
  })
}

/** The session of a request that is still open. @throws {CtidError} `ERR_OPENID_UNKNOWN_REQUEST` */
export function openSession(deps: VerifierDeps, id: string): VerifierSession {
  const session = deps.sessions.get(id)
  if (!session || session.answered || deps.clock() >= session.expiresAt) {
    throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  }
  return session
}
