// The issuer's authorization server: offers, pushed requests, codes and tokens (RFC 6749, 7636, 9126, 9207, 9449;
// OpenID4VCI 1.0 sections 3 to 6).
import { CtidError, equalBytes, toBase64url, utf8 } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import { checkClientAttestation } from './attestation.ts'
import { checkDpopProof } from './dpop.ts'
import type { AuthorizationTransaction, IssuerDeps, SubjectRef } from './issuer-config.ts'
import { type CredentialOffer, PRE_AUTHORIZED, type TxCodeSpec } from './offer.ts'

const OFFER_SECONDS = 600
const PUSHED_SECONDS = 90
const CODE_SECONDS = 60
const TOKEN_SECONDS = 600

/** The parts of an HTTP request that the protocol looks at. */
export type ClientRequest = {
  readonly form: ReadonlyMap<string, string>
  readonly header: (name: string) => string | undefined
}

/**
 * Issuer: offers credentials to a subject it already knows. The transaction code, if asked for, goes to the person
 * by another way than the offer.
 */
export function createOffer(
  deps: IssuerDeps,
  offer: {
    readonly subject: SubjectRef
    readonly configurationIds: readonly string[]
    readonly withTxCode: boolean
  },
): { readonly offer: CredentialOffer; readonly txCode: string | undefined } {
  requireKnown(deps, offer.configurationIds)
  const code = toBase64url(deps.random(32))
  const txCode = offer.withTxCode ? sixDigits(deps) : undefined
  deps.sessions.preAuthorized.put(
    code,
    {
      subject: offer.subject,
      configurationIds: offer.configurationIds,
      txCode,
      triesLeft: deps.policy.txCodeTries,
    },
    deps.clock() + OFFER_SECONDS,
  )
  const spec: TxCodeSpec = { inputMode: 'numeric', length: 6 }
  return {
    txCode,
    offer: {
      issuer: deps.baseUrl,
      configurationIds: offer.configurationIds,
      preAuthorized: { code, ...(txCode === undefined ? {} : { txCode: spec }) },
    },
  }
}

// Rejection sampling: every code is equally likely.
function sixDigits(deps: IssuerDeps): string {
  for (;;) {
    const [a = 0, b = 0, c = 0, d = 0] = deps.random(4)
    const value = ((a * 256 + b) * 256 + c) * 256 + d
    if (value < 4_294_000_000) return String(value % 1_000_000).padStart(6, '0')
  }
}

function requireKnown(deps: IssuerDeps, ids: readonly string[]): void {
  const known = new Set(deps.configurations.map((configuration) => configuration.id))
  if (ids.length === 0 || !ids.every((id) => known.has(id))) throw new CtidError('ERR_OPENID_CONFIGURATION')
}

/**
 * Issuer: takes a pushed authorization request (RFC 9126), the only way in.
 *
 * @throws {CtidError} `ERR_OPENID_REQUEST`, `ERR_OPENID_SCOPE`, `ERR_OPENID_CLIENT`, `ERR_OPENID_DPOP`
 */
export async function pushRequest(
  deps: IssuerDeps,
  request: ClientRequest,
): Promise<{ readonly requestUri: string; readonly expiresIn: number }> {
  const { form } = request
  const clientId = await authenticateClient(deps, request)
  if (clientId === undefined) fail('client_id')
  if (form.has('request_uri') || form.has('request')) fail('request_uri')
  if (form.get('response_type') !== 'code') fail('response_type')
  if (form.get('code_challenge_method') !== 'S256') fail('code_challenge_method must be S256')
  const codeChallenge = form.get('code_challenge') ?? ''
  if (!/^[A-Za-z0-9_-]{43}$/.test(codeChallenge)) fail('code_challenge')
  const redirectUri = form.get('redirect_uri') ?? ''
  if (!isRedirectUri(redirectUri)) fail('redirect_uri')
  const proven = await dpopThumbprint(deps, request, `${deps.baseUrl}/par`, { required: false })
  const named = form.get('dpop_jkt')
  if (proven !== undefined && named !== undefined && proven !== named) fail('dpop_jkt')
  const transaction: AuthorizationTransaction = {
    clientId,
    redirectUri,
    state: form.get('state'),
    codeChallenge,
    configurationIds: requestedConfigurations(deps, form),
    dpopThumbprint: proven ?? named,
    issuerState: form.get('issuer_state'),
  }
  const name = toBase64url(deps.random(32))
  deps.sessions.pushed.put(name, transaction, deps.clock() + PUSHED_SECONDS)
  return { requestUri: `urn:ietf:params:oauth:request_uri:${name}`, expiresIn: PUSHED_SECONDS }
}

function requestedConfigurations(deps: IssuerDeps, form: ReadonlyMap<string, string>): string[] {
  const details = form.get('authorization_details')
  if (details !== undefined) return detailedConfigurations(deps, details)
  const scopes = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
  const ids = scopes.flatMap(
    (scope) => deps.configurations.find((configuration) => configuration.scope === scope)?.id ?? [],
  )
  if (ids.length === 0 || ids.length !== scopes.length) throw new CtidError('ERR_OPENID_SCOPE')
  return ids
}

function detailedConfigurations(deps: IssuerDeps, text: string): string[] {
  let details: unknown
  try {
    details = JSON.parse(text)
  } catch {
    fail('authorization_details')
  }
  if (!Array.isArray(details) || details.length === 0 || details.length > 10) fail('authorization_details')
  const ids = details.map((detail: { type?: unknown; credential_configuration_id?: unknown } | null) => {
    const id = detail?.credential_configuration_id
    if (detail?.type !== 'openid_credential' || typeof id !== 'string') fail('authorization_details')
    return id
  })
  requireKnown(deps, ids)
  return ids
}

// Web addresses over TLS or on this machine, or an app's own scheme; never a fragment, never a script.
function isRedirectUri(uri: string): boolean {
  if (!URL.canParse(uri) || uri.length > 2048 || uri.includes('#')) return false
  const { protocol, hostname } = new URL(uri)
  if (protocol === 'https:') return true
  if (protocol === 'http:')
    return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
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
  deps.sessions.codes.put(code, { ...transaction, subject }, deps.clock() + CODE_SECONDS)
  target.searchParams.set('code', code)
  return target.href
}

export type TokenResponse = {
  readonly accessToken: string
  readonly tokenType: 'DPoP' | 'Bearer'
  readonly expiresIn: number
}

/**
 * Issuer: exchanges a code, authorised or pre-authorised, for an access token.
 *
 * @throws {CtidError} `ERR_OPENID_GRANT_TYPE`, `ERR_OPENID_GRANT`, `ERR_OPENID_REQUEST`, `ERR_OPENID_CLIENT`, `ERR_OPENID_DPOP`
 */
export async function exchangeCode(deps: IssuerDeps, request: ClientRequest): Promise<TokenResponse> {
  const grantType = request.form.get('grant_type')
  if (grantType === undefined) fail('grant_type')
  if (grantType !== 'authorization_code' && grantType !== PRE_AUTHORIZED) {
    throw new CtidError('ERR_OPENID_GRANT_TYPE')
  }
  const clientId = await authenticateClient(deps, request)
  const thumbprint = await dpopThumbprint(deps, request, `${deps.baseUrl}/token`, {
    required: deps.policy.requireDpop,
  })
  const grant =
    grantType === PRE_AUTHORIZED
      ? redeemPreAuthorized(deps, request.form)
      : redeemCode(deps, request.form, { clientId, thumbprint })
  const accessToken = toBase64url(deps.random(32))
  deps.sessions.tokens.put(
    tokenId(accessToken),
    { subject: grant.subject, configurationIds: grant.configurationIds, clientId, thumbprint },
    deps.clock() + TOKEN_SECONDS,
  )
  return { accessToken, tokenType: thumbprint === undefined ? 'Bearer' : 'DPoP', expiresIn: TOKEN_SECONDS }
}

/** Tokens are kept by their hash: whoever reads the state cannot use them. */
export function tokenId(accessToken: string): string {
  return toBase64url(sha256(utf8(accessToken)))
}

function redeemPreAuthorized(
  deps: IssuerDeps,
  form: ReadonlyMap<string, string>,
): { readonly subject: SubjectRef; readonly configurationIds: readonly string[] } {
  const code = form.get('pre-authorized_code')
  if (code === undefined) fail('pre-authorized_code')
  const { preAuthorized } = deps.sessions
  const grant = preAuthorized.get(code)
  if (!grant) throw new CtidError('ERR_OPENID_GRANT')
  const txCode = form.get('tx_code')
  if ((grant.txCode === undefined) !== (txCode === undefined)) fail('tx_code')
  if (grant.txCode !== undefined && !equalBytes(sha256(utf8(txCode ?? '')), sha256(utf8(grant.txCode)))) {
    // Six digits are guessable: a few wrong ones and the code is dead.
    grant.triesLeft--
    if (grant.triesLeft <= 0) preAuthorized.take(code)
    throw new CtidError('ERR_OPENID_GRANT', { detail: 'tx_code' })
  }
  preAuthorized.take(code)
  return grant
}

function redeemCode(
  deps: IssuerDeps,
  form: ReadonlyMap<string, string>,
  client: { readonly clientId: string | undefined; readonly thumbprint: string | undefined },
): { readonly subject: SubjectRef; readonly configurationIds: readonly string[] } {
  const code = form.get('code')
  if (code === undefined) fail('code')
  // Used up by the attempt, right or wrong (RFC 6749 section 4.1.2).
  const grant = deps.sessions.codes.take(code)
  if (!grant) throw new CtidError('ERR_OPENID_GRANT')
  if (grant.clientId !== client.clientId) throw new CtidError('ERR_OPENID_GRANT', { detail: 'client_id' })
  if (grant.redirectUri !== form.get('redirect_uri')) {
    throw new CtidError('ERR_OPENID_GRANT', { detail: 'redirect_uri' })
  }
  const verifier = form.get('code_verifier') ?? ''
  const isVerifier = /^[A-Za-z0-9._~-]{43,128}$/.test(verifier)
  if (!isVerifier || toBase64url(sha256(utf8(verifier))) !== grant.codeChallenge) {
    throw new CtidError('ERR_OPENID_GRANT', { detail: 'code_verifier' })
  }
  if (grant.dpopThumbprint !== undefined && grant.dpopThumbprint !== client.thumbprint) {
    throw new CtidError('ERR_OPENID_GRANT', { detail: 'another DPoP key' })
  }
  return grant
}

// The client's id: proven by an attestation, or merely stated by a public client where the policy allows that.
async function authenticateClient(deps: IssuerDeps, request: ClientRequest): Promise<string | undefined> {
  const attestation = request.header('oauth-client-attestation')
  const pop = request.header('oauth-client-attestation-pop')
  const stated = request.form.get('client_id')
  if (stated !== undefined && (stated.length === 0 || stated.length > 512)) fail('client_id')
  if (
    request.form.has('client_assertion') ||
    request.form.has('client_secret') ||
    request.header('authorization')
  ) {
    throw new CtidError('ERR_OPENID_CLIENT', {
      detail: 'this kind of client authentication is not supported',
    })
  }
  if (attestation === undefined && pop === undefined) {
    if (deps.policy.requireClientAttestation) {
      throw new CtidError('ERR_OPENID_CLIENT', { detail: 'client attestation is missing' })
    }
    return stated
  }
  if (attestation === undefined || pop === undefined) {
    throw new CtidError('ERR_OPENID_CLIENT', { detail: 'attestation and its proof go together' })
  }
  if (!deps.resolveAttester) {
    throw new CtidError('ERR_OPENID_CLIENT', { detail: 'attestations are not understood' })
  }
  return checkClientAttestation(attestation, pop, {
    clock: deps.clock,
    resolveAttester: deps.resolveAttester,
    seen: deps.sessions.proofIds,
    audience: deps.baseUrl,
    ...(stated === undefined ? {} : { clientId: stated }),
  })
}

async function dpopThumbprint(
  deps: IssuerDeps,
  request: ClientRequest,
  url: string,
  { required }: { readonly required: boolean },
): Promise<string | undefined> {
  const proof = request.header('dpop')
  if (proof === undefined) {
    if (required) throw new CtidError('ERR_OPENID_DPOP', { detail: 'proof is missing' })
    return undefined
  }
  return checkDpopProof(proof, { method: 'POST', url }, dpopPolicy(deps))
}

/** How this issuer checks DPoP proofs. */
export function dpopPolicy(deps: IssuerDeps): Parameters<typeof checkDpopProof>[2] {
  return {
    clock: deps.clock,
    seen: deps.sessions.proofIds,
    ...(deps.policy.dpopNonce
      ? { acceptsNonce: (nonce: string) => deps.sessions.nonces.get(dpopNonceId(nonce)) === true }
      : {}),
  }
}

/** A nonce for DPoP proofs, valid for some minutes; several proofs may carry the same one (RFC 9449 section 8). */
export function makeDpopNonce(deps: IssuerDeps): string {
  const nonce = toBase64url(deps.random(16))
  deps.sessions.nonces.put(dpopNonceId(nonce), true, deps.clock() + 300)
  return nonce
}

// DPoP nonces and credential nonces share a store; one must not pass for the other.
function dpopNonceId(nonce: string): string {
  return `dpop.${nonce}`
}

function fail(detail: string): never {
  throw new CtidError('ERR_OPENID_REQUEST', { detail })
}
