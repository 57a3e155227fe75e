// The verifier's OpenID4VP endpoints: start, request object, answer, result. Errors are OAuth error documents.
import { type ErrorRequestHandler, type Request, type Response, Router } from 'express'
import { CtidError, isJsonObject, type JsonObject } from '../base/index.ts'
import {
  formMembers,
  type PresentationResult,
  requestObject,
  resultOf,
  type StartOptions,
  startRequest,
  takeAnswer,
  type VerifierDeps,
} from '../openid/index.ts'
import { oauthErrorBody, onlyMethods, readFormBody } from './oauth.ts'
import { readJson } from './server.ts'

const COOKIE = 'ctid_vp'
const MAX_ANSWER = 262_144
const REQUEST_OBJECT_TYPE = 'application/oauth-authz-req+jwt'

export type OpenidVerifierOptions = {
  /** Ready-made questions by name, for pages that only choose one. */
  readonly presets?: Readonly<Record<string, StartOptions>>
  /**
   * Web origins besides the verifier's own that a browser may be sent back to. Whoever starts a request holds its secret;
   * if the response code could go there too, a presentation could be collected by somebody who sent the link to another.
   */
  readonly completionOrigins?: readonly string[]
}

/**
 * Routes (all under the verifier's base URL):
 * - `POST /openid4vp/requests` starts: `{query | preset, response_mode?, client_id_prefix?, flow?, completion_uri?, expected_origins?}`
 * - `GET|POST /openid4vp/requests/ID` the signed request object, until it is answered
 * - `POST /openid4vp/responses/ID` the wallet's one answer: a form, or JSON from a page that used the Digital Credentials API
 * - `GET /openid4vp/requests/ID/result` the result, for the browser that started (cookie, or `Authorization: Bearer` secret)
 * - `GET /openid4vp/requests/ID/complete` the page that a wallet on the same device sends the browser back to
 */
export function openidVerifierRouter(deps: VerifierDeps, options: OpenidVerifierOptions = {}): Router {
  const router = Router()
  const path = new URL(deps.baseUrl).pathname.replace(/\/$/, '')
  const origins = [new URL(deps.baseUrl).origin, ...(options.completionOrigins ?? [])]

  router.post('/openid4vp/requests', async (request, response) => {
    const started = await startRequest(
      deps,
      startOptions(readJson(request), options, { origins, isSameDevice: deps.profile === 'haip' }),
    )
    const { browserSecret, id, ...rest } = started
    response.cookie(`${COOKIE}_${id}`, browserSecret, {
      httpOnly: true,
      sameSite: 'lax',
      secure: deps.baseUrl.startsWith('https:'),
      path: `${path}/openid4vp/requests/${id}`,
      maxAge: 600_000,
    })
    response.status(201).json({
      id,
      authorization_request: rest.authorizationRequest,
      request_uri: rest.requestUri,
      client_id: rest.clientId,
      result_uri: `${rest.requestUri}/result`,
      result_secret: browserSecret,
      expires_at: rest.expiresAt,
      ...(rest.requestObject === undefined ? {} : { request: rest.requestObject }),
    })
  })
  router.all('/openid4vp/requests', onlyMethods('POST'))

  router.get('/openid4vp/requests/:id', async (request, response) => {
    sendRequestObject(response, await requestObject(deps, request.params.id))
  })

  router.post('/openid4vp/requests/:id', async (request, response) => {
    const walletNonce = readFormBody(request).get('wallet_nonce')
    if (walletNonce !== undefined && (walletNonce.length === 0 || walletNonce.length > 512)) {
      throw new CtidError('ERR_OPENID_REQUEST', { detail: 'wallet_nonce' })
    }
    sendRequestObject(response, await requestObject(deps, request.params.id, walletNonce))
  })
  router.all('/openid4vp/requests/:id', onlyMethods('GET', 'POST'))

  router.post('/openid4vp/responses/:id', async (request, response) => {
    const isPage = Boolean(request.is('application/json'))
    const answer = isPage
      ? ({ by: 'page', members: readJson(request, { maxLength: MAX_ANSWER }) } as const)
      : ({ by: 'form', members: formMembers(readFormBody(request)) } as const)
    const { redirectUri } = await takeAnswer(deps, request.params.id, answer)
    response.json(redirectUri === undefined ? {} : { redirect_uri: redirectUri })
  })
  router.all('/openid4vp/responses/:id', onlyMethods('POST'))

  router.get('/openid4vp/requests/:id/result', (request, response) => {
    response.json(resultFor(request, request.params.id))
  })
  router.all('/openid4vp/requests/:id/result', onlyMethods('GET'))

  router.get('/openid4vp/requests/:id/complete', (request, response) => {
    const { state } = resultFor(request, request.params.id)
    response.type('html').send(completionPage(state))
  })
  router.all('/openid4vp/requests/:id/complete', onlyMethods('GET'))

  function resultFor(request: Request, id: string): PresentationResult {
    const code = request.query['response_code']
    return resultOf(deps, id, {
      browserSecret: bearer(request) ?? cookie(request, `${COOKIE}_${id}`) ?? '',
      ...(typeof code === 'string' ? { responseCode: code } : {}),
    })
  }

  router.use('/openid4vp', verifierErrors)
  return router
}

// What is wrong with a presentation is a bad request, whatever it would be elsewhere; only the shape of the HTTP request
// has statuses of its own.
const verifierErrors: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const answer = oauthErrorBody(error)
  if (response.headersSent || !answer) return next(error)
  const { status, body } = answer
  response.status(body.code.startsWith('ERR_HTTP_') ? status : 400).json(body)
}

function sendRequestObject(response: Response, jwt: string): void {
  // By hand: Express would add a charset, which the media type does not have.
  response.setHeader('Content-Type', REQUEST_OBJECT_TYPE).end(jwt)
}

const OUTCOMES: Readonly<Record<PresentationResult['state'], string>> = {
  pending: 'No answer yet · 尚未出示',
  accepted: 'Accepted ✓ · 已通过',
  refused: 'Refused ✗ · 未通过',
  declined: 'Declined by the holder · 持有人拒绝出示',
}

function completionPage(state: PresentationResult['state']): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Presentation</title>
<main><h1>${OUTCOMES[state]}</h1></main>
</html>
`
}

function startOptions(
  body: JsonObject,
  { presets = {} }: OpenidVerifierOptions,
  {
    origins,
    isSameDevice: byDefault,
  }: { readonly origins: readonly string[]; readonly isSameDevice: boolean },
): StartOptions {
  const { preset, query, response_mode, client_id_prefix, completion_uri, expected_origins, flow } = body
  const base = typeof preset === 'string' && Object.hasOwn(presets, preset) ? presets[preset] : undefined
  if (preset !== undefined && !base) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'preset' })
  const chosen = query ?? base?.query
  if (!isJsonObject(chosen)) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'query' })
  const modes = ['direct_post', 'direct_post.jwt', 'dc_api', 'dc_api.jwt'] as const
  const prefixes = ['x509_hash', 'x509_san_dns', 'redirect_uri'] as const
  const responseMode = optional(response_mode, modes, 'response_mode')
  const clientIdPrefix = optional(client_id_prefix, prefixes, 'client_id_prefix')
  const chosenFlow = optional(flow, ['same_device', 'cross_device'] as const, 'flow')
  const isSameDevice = chosenFlow === undefined ? byDefault : chosenFlow === 'same_device'
  if (completion_uri !== undefined && !isUnder(origins, completion_uri)) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'completion_uri' })
  }
  const completionUri = completion_uri ?? (isSameDevice ? 'own' : undefined)
  return {
    ...base,
    query: chosen,
    ...(responseMode === undefined ? {} : { responseMode }),
    ...(clientIdPrefix === undefined ? {} : { clientIdPrefix }),
    ...(completionUri === undefined ? {} : { completionUri: completionUri as string }),
    ...(expected_origins === undefined ? {} : { expectedOrigins: strings(expected_origins) }),
  }
}

function strings(value: JsonObject[string]): string[] {
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'expected_origins' })
  }
  return value
}

function optional<T extends string>(value: unknown, known: readonly T[], detail: string): T | undefined {
  if (value === undefined) return undefined
  const found = known.find((one) => one === value)
  if (!found) throw new CtidError('ERR_OPENID_REQUEST', { detail })
  return found
}

function isUnder(origins: readonly string[], uri: unknown): boolean {
  return typeof uri === 'string' && URL.canParse(uri) && origins.includes(new URL(uri).origin)
}

function bearer(request: Request): string | undefined {
  return /^Bearer ([A-Za-z0-9_-]{1,128})$/.exec(request.get('authorization') ?? '')?.[1]
}

function cookie(request: Request, name: string): string | undefined {
  for (const pair of (request.get('cookie') ?? '').split(';')) {
    const cut = pair.indexOf('=')
    if (cut > 0 && pair.slice(0, cut).trim() === name) return pair.slice(cut + 1).trim()
  }
  return undefined
}
