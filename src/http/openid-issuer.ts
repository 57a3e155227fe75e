// The issuer's OpenID4VCI endpoints: metadata, pushed requests, authorization, tokens, nonces, credentials.
import { type ErrorRequestHandler, type Request, type Response, Router } from 'express'
import { CtidError, isCtidError, type JsonObject } from '../base/index.ts'
import {
  authorizationServerMetadata,
  authorizationTransaction,
  type CredentialResponse,
  credentialIssuerMetadata,
  decideAuthorization,
  exchangeCode,
  type IssuerDeps,
  makeDpopNonce,
  makeNonce,
  notify,
  oauthError,
  pushRequest,
  requestCredential,
  requestDeferred,
} from '../openid/index.ts'
import { readFormBody } from './openid-verifier.ts'
import { readJson } from './server.ts'

/** Somebody who can log in, as the development login page lists them. */
export type LoginSubject = { readonly id: string; readonly label: string }

export type OpenidIssuerOptions = {
  /**
   * Who may log in at the authorization endpoint. This login asks for no secret: it is for development with synthetic
   * people. A real deployment puts its own login in front and calls `decideAuthorization`.
   */
  readonly developmentLogin: () => Promise<readonly LoginSubject[]>
}

const MAX_CREDENTIAL_REQUEST = 262_144

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
    const places = new Set([`/.well-known/${name}${path}`, `${path}/.well-known/${name}`])
    router.get([...places], (_request, response) => {
      response.set('Access-Control-Allow-Origin', '*').json(document(deps))
    })
  }

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

  router.post(`${path}/token`, async (request, response) => {
    const token = await exchangeCode(deps, clientRequest(request))
    response.json({
      access_token: token.accessToken,
      token_type: token.tokenType,
      expires_in: token.expiresIn,
    })
  })

  router.post(`${path}/nonce`, (_request, response) => {
    if (deps.policy.dpopNonce) response.set('DPoP-Nonce', makeDpopNonce(deps))
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

  router.use(path === '' ? '/' : path, issuerErrors(deps))
  return router
}

function clientRequest(request: Request): Parameters<typeof exchangeCode>[1] {
  return { form: readFormBody(request), header: singleHeader(request) }
}

function protectedRequest(request: Request): {
  body: JsonObject
  header: (name: string) => string | undefined
} {
  return { body: readJson(request, { maxLength: MAX_CREDENTIAL_REQUEST }), header: singleHeader(request) }
}

// Node joins repeated headers with commas; of these, a second one would be a second opinion (RFC 9449 section 4.3).
function singleHeader(request: Request): (name: string) => string | undefined {
  return (name) => {
    const values = request.headersDistinct[name]
    if (values !== undefined && values.length > 1) {
      throw new CtidError(name === 'dpop' ? 'ERR_OPENID_DPOP' : 'ERR_OPENID_REQUEST', {
        detail: 'header twice',
      })
    }
    return values?.[0]
  }
}

function sendCredentials(response: Response, outcome: CredentialResponse): void {
  if ('credentials' in outcome) {
    response.json({
      credentials: outcome.credentials.map((credential) => ({ credential })),
      notification_id: outcome.notificationId,
    })
  } else {
    response.status(202).json({ transaction_id: outcome.transactionId, interval: outcome.intervalSeconds })
  }
}

const RESOURCE = /\/(credential|deferred-credential|notification)$/

function issuerErrors(deps: IssuerDeps): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (!isCtidError(error) || response.headersSent || error.status >= 500) return next(error)
    const atResource = RESOURCE.test(request.path)
    const { error: word, status } = oauthError(error)
    const isTokenProblem =
      word === 'invalid_token' || word === 'invalid_dpop_proof' || word === 'use_dpop_nonce'
    if (word === 'use_dpop_nonce' || deps.policy.dpopNonce) response.set('DPoP-Nonce', makeDpopNonce(deps))
    if (atResource && isTokenProblem) response.set('WWW-Authenticate', `DPoP error="${word}", algs="ES256"`)
    response
      .status(atResource && isTokenProblem ? 401 : status)
      .json({ error: word, error_description: printable(error.message), code: error.code })
  }
}

// RFC 6749 section 5.2 allows printable ASCII only, without quotes and backslashes.
function printable(message: string): string {
  return message.replace(/’/g, "'").replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '')
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
