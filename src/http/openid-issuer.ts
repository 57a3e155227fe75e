// The issuer's OpenID4VCI endpoints: metadata, offers, pushed requests, authorization, tokens, nonces, credentials.
import { type ErrorRequestHandler, type Request, type Response, Router } from 'express'
import { CtidError, toBase64url } from '../base/index.ts'
import {
  authorizationServerMetadata,
  authorizationTransaction,
  type CredentialOffer,
  type CredentialResponse,
  createSessions,
  credentialIssuerMetadata,
  decideAuthorization,
  exchangeCode,
  type IssuerDeps,
  makeDpopNonce,
  makeNonce,
  notify,
  offerDocument,
  type ProtectedRequest,
  pushRequest,
  requestCredential,
  requestDeferred,
} from '../openid/index.ts'
import { oauthErrorBody, onlyMethods, readFormBody, singleHeader, wordOfPath } from './oauth.ts'
import { readJson } from './server.ts'

/** Somebody who can log in, as the development login page lists them. */
export type LoginSubject = { readonly id: string; readonly label: string }

export type OpenidIssuerOptions = {
  /**
   * Who may log in at the authorization endpoint. This login asks for no secret: it is for development with synthetic
   * people. A real deployment puts its own login in front and calls `decideAuthorization`.
   */
  readonly developmentLogin: () => Promise<readonly LoginSubject[]>
  /** Offers by reference, from {@link offerShelf}. */
  readonly offers?: OfferShelf
}

/** Offers that wallets fetch by `credential_offer_uri`: a short link in place of a long one. */
export type OfferShelf = {
  /** Keeps an offer for ten minutes and returns where it is fetched. */
  put(offer: CredentialOffer): string
  get(id: string): CredentialOffer | undefined
}

const OFFER_SECONDS = 600
const MAX_CREDENTIAL_REQUEST = 262_144

/** A shelf in memory for the issuer's offers. */
export function offerShelf(deps: Pick<IssuerDeps, 'clock' | 'random' | 'baseUrl'>): OfferShelf {
  const offers = createSessions<CredentialOffer>({ clock: deps.clock })
  return {
    put(offer) {
      const id = toBase64url(deps.random(16))
      offers.put(id, offer, deps.clock() + OFFER_SECONDS)
      return `${deps.baseUrl}/credential-offers/${id}`
    },
    get: (id) => offers.get(id),
  }
}

/** Mount at the root of the issuer's origin; the paths follow from `deps.baseUrl`. */
export function openidIssuerRouter(deps: IssuerDeps, options: OpenidIssuerOptions): Router {
  const router = Router()
  const path = new URL(deps.baseUrl).pathname.replace(/\/$/, '')

  // With a path in the issuer's identifier, the well-known part goes before it (RFC 8414 section 3.1,
  // OpenID4VCI section 12.2.2); some wallets still append it, so both answer.
  for (const [name, document] of [
    ['openid-credential-issuer', credentialIssuerMetadata],
    ['oauth-authorization-server', authorizationServerMetadata],
  ] as const) {
    const places = [...new Set([`/.well-known/${name}${path}`, `${path}/.well-known/${name}`])]
    router.get(places, (_request, response) => {
      response.set('Access-Control-Allow-Origin', '*').json(document(deps))
    })
    router.all(places, onlyMethods('GET'))
  }

  router.get(`${path}/credential-offers/:id`, (request, response) => {
    const offer = options.offers?.get(request.params.id)
    if (!offer) throw new CtidError('ERR_HTTP_NOT_FOUND')
    response.json(offerDocument(offer))
  })

  router.post(`${path}/par`, async (request, response) => {
    const { requestUri, expiresIn } = await pushRequest(deps, clientRequest(request))
    response.status(201).json({ request_uri: requestUri, expires_in: expiresIn })
  })

  router.get(`${path}/authorize`, async (request, response) => {
    const { name, transaction } = authorizationTransaction(deps, {
      clientId: request.query['client_id'],
      requestUri: request.query['request_uri'],
    })
    const names = transaction.configurationIds.map(
      (id) => deps.configurations.find((configuration) => configuration.id === id)?.name['en'] ?? id,
    )
    sendPage(response, loginPage(`${path}/authorize`, name, names, await options.developmentLogin()))
  })

  router.post(`${path}/authorize`, async (request, response) => {
    const form = readFormBody(request)
    const subjects = await options.developmentLogin()
    const chosen = subjects.find((subject) => subject.id === form.get('subject'))
    const isApproved = form.get('decision') === 'approve'
    if (isApproved && !chosen) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'subject' })
    const target = decideAuthorization(
      deps,
      form.get('transaction') ?? '',
      isApproved && chosen ? chosen.id : 'denied',
    )
    response.redirect(303, target)
  })
  router.all(`${path}/authorize`, onlyMethods('GET', 'POST'))

  router.post(`${path}/token`, async (request, response) => {
    const token = await exchangeCode(deps, clientRequest(request))
    freshDpopNonce(deps, response)
    response.json({
      access_token: token.accessToken,
      token_type: token.tokenType,
      expires_in: token.expiresIn,
      ...(token.scope === undefined ? {} : { scope: token.scope }),
      ...(token.authorizationDetails === undefined
        ? {}
        : { authorization_details: token.authorizationDetails }),
    })
  })

  router.post(`${path}/nonce`, (_request, response) => {
    freshDpopNonce(deps, response)
    response.json({ c_nonce: makeNonce(deps) })
  })

  router.post(`${path}/credential`, async (request, response) => {
    sendCredentials(response, await requestCredential(deps, protectedRequest(request)))
  })

  router.post(`${path}/deferred-credential`, async (request, response) => {
    sendCredentials(response, await requestDeferred(deps, protectedRequest(request)))
  })

  router.post(`${path}/notification`, async (request, response) => {
    await notify(deps, protectedRequest(request))
    response.status(204).end()
  })

  for (const name of ['par', 'token', 'nonce', 'credential', 'deferred-credential', 'notification']) {
    router.all(`${path}/${name}`, onlyMethods('POST'))
  }
  router.use(path === '' ? '/' : path, issuerErrors(deps))
  return router
}

function clientRequest(request: Request): Parameters<typeof exchangeCode>[1] {
  return { form: readFormBody(request), header: singleHeader(request) }
}

function protectedRequest(request: Request): ProtectedRequest {
  return {
    body: () => readJson(request, { maxLength: MAX_CREDENTIAL_REQUEST }),
    header: singleHeader(request),
  }
}

// One ahead of time saves the wallet a refused request (RFC 9449 section 8.2).
function freshDpopNonce(deps: IssuerDeps, response: Response): void {
  if (deps.policy.dpopNonce) response.set('DPoP-Nonce', makeDpopNonce(deps))
}

function sendCredentials(response: Response, outcome: CredentialResponse): void {
  if ('credentials' in outcome) {
    response.json({
      credentials: outcome.credentials.map((credential) => ({ credential })),
      ...(outcome.notificationId === undefined ? {} : { notification_id: outcome.notificationId }),
    })
  } else {
    response.status(202).json({ transaction_id: outcome.transactionId, interval: outcome.intervalSeconds })
  }
}

const TOKEN_PROBLEMS = ['invalid_token', 'invalid_dpop_proof', 'use_dpop_nonce']

function issuerErrors(deps: IssuerDeps): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const otherwise = wordOfPath(request.path)
    const answer = oauthErrorBody(error, otherwise)
    if (response.headersSent || !answer) return next(error)
    const { error: word } = answer.body
    if (word === 'use_dpop_nonce' || deps.policy.dpopNonce) response.set('DPoP-Nonce', makeDpopNonce(deps))
    const isTokenProblem = otherwise !== undefined && TOKEN_PROBLEMS.includes(word)
    if (isTokenProblem) response.set('WWW-Authenticate', `DPoP error="${word}", algs="ES256"`)
    if (word === 'invalid_client')
      response.set('WWW-Authenticate', `${clientScheme(request)} error="${word}"`)
    response.status(isTokenProblem ? 401 : answer.status).json(answer.body)
  }
}

// A client that tried a scheme is answered in it (RFC 6749 section 5.2); to others the header says what would count.
function clientScheme(request: Request): string {
  const scheme = /^(Basic|Bearer|DPoP)(?= |$)/i.exec(request.get('authorization') ?? '')?.[1]
  return scheme === undefined ? 'OAuth-Client-Attestation' : `${scheme} realm="token",`
}

function sendPage(response: Response, html: string): void {
  response.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
  response.type('html').send(html)
}

function loginPage(
  action: string,
  transaction: string,
  credentials: readonly string[],
  subjects: readonly LoginSubject[],
): string {
  const choices = subjects
    .map(
      ({ id, label }, i) =>
        `<p><label><input type="radio" name="subject" value="${escapeHtml(id)}"${i === 0 ? ' checked' : ''}> ${escapeHtml(label)}</label></p>`,
    )
    .join('\n')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in (development)</title>
<main>
<h1>Development login</h1>
<p>A wallet asks for: <strong>${credentials.map(escapeHtml).join(', ')}</strong>.
These people are synthetic; a real issuer puts its own login here.</p>
<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="transaction" value="${escapeHtml(transaction)}">
<fieldset><legend>Who are you?</legend>
${choices}
</fieldset>
<p><button name="decision" value="approve">Agree</button> <button name="decision" value="deny">Refuse</button></p>
</form>
</main>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
