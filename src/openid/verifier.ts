// The verifier's side of OpenID4VP 1.0: starts a request, hands out the signed request object, judges the one answer,
// and releases the result to the browser session that started it and to no other.
import {
  type Clock,
  CtidError,
  equalBytes,
  fromBase64url,
  isCtidError,
  type JsonObject,
  type RandomBytes,
  toBase64url,
  toHex,
  utf8,
} from '../base/index.ts'
import { type CredentialPolicy, type CredentialReport, verifyCredential } from '../credential/index.ts'
import { generateSigner, type Signer, sha256 } from '../crypto/index.ts'
import {
  type AuthorizationRequest,
  type ResponseMode,
  requestParameters,
  signRequest,
} from './authorization-request.ts'
import {
  type AuthorizationResponse,
  type DecryptionKey,
  decryptResponse,
  readForm,
  readResponse,
  type VpToken,
} from './authorization-response.ts'
import type { ClientIdPrefix } from './client-id.ts'
import { type Candidate, checkAnswer, type DcqlQuery, parseDcql } from './dcql.ts'
import type { Sessions } from './sessions.ts'

export type VerifierDeps = {
  readonly clock: Clock
  readonly random: RandomBytes
  /** Where the verifier's routes answer, without a trailing slash: `https://verifier.example`. */
  readonly baseUrl: string
  readonly key: { readonly signer: Signer; readonly x5c: readonly string[] }
  /** Names of the key's certificate. */
  readonly certificate: { readonly leafHash: string; readonly dnsNames: readonly string[] }
  /** How credentials are judged, apart from what this protocol decides itself. */
  readonly credentialPolicy: Pick<CredentialPolicy, 'resolveIssuer' | 'checkStatus' | 'skewSeconds'>
  readonly sessions: Sessions<VerifierSession>
}

export type StartOptions = {
  readonly query: unknown
  /** Default `direct_post.jwt`, what HAIP demands. */
  readonly responseMode?: ResponseMode
  /** Default `x509_hash`, what HAIP demands. */
  readonly clientIdPrefix?: ClientIdPrefix
  /** Where the wallet sends the browser afterwards when both are on one device. */
  readonly completionUri?: string
  /** Web origins for the Digital Credentials API; needed with the `dc_api` modes. */
  readonly expectedOrigins?: readonly string[]
}

export type StartedRequest = {
  readonly id: string
  /** What the QR square or the link contains: `openid4vp://?client_id=…&request_uri=…`. */
  readonly authorizationRequest: string
  readonly requestUri: string
  readonly clientId: string
  /** The signed request object for the Digital Credentials API; absent otherwise. */
  readonly requestObject?: string
  /** The secret that the result is released against. Keep it in a cookie of the browser that started. */
  readonly browserSecret: string
  readonly expiresAt: number
}

/** One presentation that was accepted. */
export type AcceptedPresentation = {
  readonly queryId: string
  readonly vct: string
  readonly claims: JsonObject
  readonly checks: CredentialReport['checks']
}

export type PresentationResult =
  | { readonly state: 'pending' }
  | { readonly state: 'accepted'; readonly presentations: readonly AcceptedPresentation[] }
  /** `code` and `message` name the check that failed; `checks` are those of the credential that failed, if one did. */
  | {
      readonly state: 'refused'
      readonly code: string
      readonly message: string
      readonly checks?: CredentialReport['checks']
    }
  /** The wallet declined, with an error code of the protocol. */
  | { readonly state: 'declined'; readonly error: string }

/** Kept between request and result. */
export type VerifierSession = {
  readonly request: AuthorizationRequest
  readonly query: DcqlQuery
  readonly decryptionKey: DecryptionKey | undefined
  readonly browserSecretHash: Uint8Array
  readonly completionUri: string | undefined
  readonly expiresAt: number
  responseCode: string | undefined
  answered: boolean
  result: PresentationResult
}

const LIFETIME_SECONDS = 300
const BINDING_WINDOW_SECONDS = 300

/** Verifier: begins a transaction with a fresh nonce, state and encryption key. */
export async function startRequest(deps: VerifierDeps, options: StartOptions): Promise<StartedRequest> {
  const query = parseDcql(options.query)
  const responseMode = options.responseMode ?? 'direct_post.jwt'
  const overApi = responseMode.startsWith('dc_api')
  if (overApi && !options.expectedOrigins?.length) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'expected origins' })
  }
  const id = toBase64url(deps.random(16))
  const responseUri = `${deps.baseUrl}/openid4vp/responses/${id}`
  const decryptionKey = responseMode.endsWith('.jwt') ? await makeDecryptionKey(deps.random) : undefined
  const clientId = clientIdOf(options.clientIdPrefix ?? 'x509_hash', deps, responseUri)
  const request: AuthorizationRequest = {
    clientId,
    responseMode,
    ...(overApi ? {} : { responseUri, state: toBase64url(deps.random(16)) }),
    nonce: toBase64url(deps.random(32)),
    dcqlQuery: options.query as JsonObject,
    ...(decryptionKey === undefined ? {} : { encryptionKey: decryptionKey.publicKey }),
    ...(options.expectedOrigins === undefined ? {} : { expectedOrigins: options.expectedOrigins }),
  }
  const browserSecret = toBase64url(deps.random(32))
  const expiresAt = deps.clock() + LIFETIME_SECONDS
  deps.sessions.put(
    id,
    {
      request,
      query,
      decryptionKey,
      browserSecretHash: sha256(utf8(browserSecret)),
      completionUri: options.completionUri,
      expiresAt,
      responseCode: undefined,
      answered: false,
      result: { state: 'pending' },
    },
    expiresAt + LIFETIME_SECONDS,
  )
  const requestUri = `${deps.baseUrl}/openid4vp/requests/${id}`
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
    for (const [name, value] of Object.entries(requestParameters(request))) {
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

function openSession(deps: VerifierDeps, id: string): VerifierSession {
  const session = deps.sessions.get(id)
  if (!session || session.answered || deps.clock() >= session.expiresAt) {
    throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  }
  return session
}

/**
 * Verifier: takes the one answer to a request. Returns what the wallet is told: where to send the browser, if anywhere.
 *
 * @throws {CtidError} `ERR_OPENID_UNKNOWN_REQUEST` for a second answer, `ERR_OPENID_RESPONSE`, `ERR_OPENID_STATE`,
 *   `ERR_OPENID_DCQL_ANSWER`, or the error of the credential's check that failed
 */
export async function takeAnswer(
  deps: VerifierDeps,
  id: string,
  form: ReadonlyMap<string, string>,
): Promise<{ readonly redirectUri: string | undefined }> {
  const session = openSession(deps, id)
  const response = await readAnswer(session, form)
  // Somebody who cannot read the request cannot spend its one answer.
  if (session.request.state !== undefined && response.state !== session.request.state) {
    throw new CtidError('ERR_OPENID_STATE')
  }
  // No await between this check and the mark: of two concurrent answers one is taken.
  if (session.answered) throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  session.answered = true
  if ('error' in response) {
    session.result = { state: 'declined', error: response.error }
  } else {
    await judge(deps, session, response.vpToken)
  }
  return { redirectUri: completion(deps, session) }
}

async function readAnswer(
  session: VerifierSession,
  form: ReadonlyMap<string, string>,
): Promise<AuthorizationResponse> {
  const encrypted = form.get('response')
  if (!session.decryptionKey) {
    if (encrypted !== undefined)
      throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'not asked to encrypt' })
    return readForm(form)
  }
  if (encrypted !== undefined) return readResponse(await decryptResponse(encrypted, session.decryptionKey))
  // Errors may come in the clear (section 8.3); a vp_token may not.
  if (form.has('error') && !form.has('vp_token')) return readForm(form)
  throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'must be encrypted' })
}

async function judge(deps: VerifierDeps, session: VerifierSession, vpToken: VpToken): Promise<void> {
  let checks: CredentialReport['checks'] | undefined
  try {
    const accepted: AcceptedPresentation[] = []
    const candidates = new Map<string, Candidate[]>()
    const seen = new Set<string>()
    for (const [queryId, presentations] of vpToken) {
      const asked = session.query.credentials.find((credential) => credential.id === queryId)
      if (!asked) throw new CtidError('ERR_OPENID_DCQL_ANSWER', { detail: 'an id that was not asked for' })
      for (const presentation of presentations) {
        if (seen.has(presentation)) {
          throw new CtidError('ERR_OPENID_DCQL_ANSWER', { detail: 'the same presentation twice' })
        }
        seen.add(presentation)
        const report = await verifyCredential(presentation, {
          ...deps.credentialPolicy,
          now: deps.clock(),
          expectedTypes: asked.vctValues,
          keyBinding: asked.holderBinding
            ? {
                expectedAudience: session.request.clientId,
                expectedNonce: session.request.nonce,
                windowSeconds: BINDING_WINDOW_SECONDS,
              }
            : 'none',
        })
        checks = report.checks
        if (!report.ok) throw report.error
        const { claims, vct, issuer } = report.credential
        accepted.push({ queryId, vct, claims, checks: report.checks })
        const list = candidates.get(queryId) ?? []
        list.push({
          format: 'dc+sd-jwt',
          vct,
          claims,
          holderBound: asked.holderBinding,
          authorityKeyIds: (issuer.authorityKeyIds ?? []).map(hexToBase64url),
        })
        candidates.set(queryId, list)
      }
    }
    checks = undefined
    checkAnswer(session.query, candidates)
    session.result = { state: 'accepted', presentations: accepted }
  } catch (error) {
    const known = isCtidError(error) ? error : new CtidError('ERR_HTTP_INTERNAL', { cause: error })
    session.result = {
      state: 'refused',
      code: known.code,
      message: known.message,
      ...(checks === undefined ? {} : { checks }),
    }
    throw known
  }
}

function hexToBase64url(hex: string): string {
  return toBase64url(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
}

// The response code ties the result to the browser that comes back with it (section 13.3, session fixation).
function completion(deps: VerifierDeps, session: VerifierSession): string | undefined {
  if (session.completionUri === undefined) return undefined
  session.responseCode = toBase64url(deps.random(16))
  const uri = new URL(session.completionUri)
  uri.searchParams.set('response_code', session.responseCode)
  return uri.href
}

/**
 * Verifier: the result, for the browser that started. When the wallet was sent back by redirect, the response code
 * is demanded too, so that a result obtained on one device cannot be collected on another.
 *
 * @throws {CtidError} `ERR_OPENID_UNKNOWN_REQUEST` for anybody else
 */
export function resultOf(
  deps: VerifierDeps,
  id: string,
  proof: { readonly browserSecret: string; readonly responseCode?: string },
): PresentationResult {
  const session = deps.sessions.get(id)
  const isOwner = session && equalBytes(sha256(utf8(proof.browserSecret)), session.browserSecretHash)
  if (!isOwner) throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  if (session.responseCode !== undefined && !sameCode(proof.responseCode, session.responseCode)) {
    throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  }
  if (session.result.state === 'pending' && deps.clock() >= session.expiresAt) {
    throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  }
  return session.result
}

function sameCode(given: string | undefined, expected: string): boolean {
  if (given === undefined) return false
  try {
    return equalBytes(fromBase64url(given), fromBase64url(expected))
  } catch {
    return false
  }
}
