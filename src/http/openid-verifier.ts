// The verifier's OpenID4VP endpoints: start, request object, answer, result. Errors are OAuth error documents.
import { type ErrorRequestHandler, type Request, Router } from 'express'
import { CtidError, fromUtf8, isJsonObject, type JsonObject } from '../base/index.ts'
import {
  requestObject,
  resultOf,
  type StartOptions,
  startRequest,
  takeAnswer,
  type VerifierDeps,
} from '../openid/index.ts'
import { bodyBytes, toProblem } from './problem.ts'
import { readJson } from './server.ts'

const COOKIE = 'ctid_vp'

export type OpenidVerifierOptions = {
  /** Ready-made questions by name, for pages that only choose one. */
  readonly presets?: Readonly<Record<string, StartOptions>>
}

/**
 * Routes (all under the verifier's base URL):
 * - `POST /openid4vp/requests` starts: `{query | preset, response_mode?, client_id_prefix?, completion_uri?, expected_origins?}`
 * - `GET|POST /openid4vp/requests/ID` the signed request object, once per wallet that asks, until it is answered
 * - `POST /openid4vp/responses/ID` the wallet's one answer
 * - `GET /openid4vp/requests/ID/result` the result, for the browser that started (cookie, or `Authorization: Bearer` secret)
 */
export function openidVerifierRouter(deps: VerifierDeps, options: OpenidVerifierOptions = {}): Router {
  const router = Router()

  router.post('/openid4vp/requests', async (request, response) => {
    const started = await startRequest(deps, startOptions(readJson(request), options))
    const { browserSecret, id, ...rest } = started
    const path = new URL(deps.baseUrl).pathname.replace(/\/$/, '')
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

  router.get('/openid4vp/requests/:id', async (request, response) => {
    const jwt = await requestObject(deps, request.params.id)
    response.type('application/oauth-authz-req+jwt').send(jwt)
  })

  router.post('/openid4vp/requests/:id', async (request, response) => {
    const walletNonce = readFormBody(request).get('wallet_nonce')
    if (walletNonce !== undefined && walletNonce.length > 512) {
      throw new CtidError('ERR_OPENID_REQUEST', { detail: 'wallet_nonce' })
    }
    const jwt = await requestObject(deps, request.params.id, walletNonce)
    response.type('application/oauth-authz-req+jwt').send(jwt)
  })

  router.post('/openid4vp/responses/:id', async (request, response) => {
    const { redirectUri } = await takeAnswer(deps, request.params.id, readFormBody(request))
    response.json(redirectUri === undefined ? {} : { redirect_uri: redirectUri })
  })

  router.get('/openid4vp/requests/:id/result', (request, response) => {
    const { id } = request.params
    const code = request.query['response_code']
    const result = resultOf(deps, id, {
      browserSecret: bearer(request) ?? cookie(request, `${COOKIE}_${id}`) ?? '',
      ...(typeof code === 'string' ? { responseCode: code } : {}),
    })
    response.json(result)
  })

  router.use('/openid4vp', oauthErrors)
  return router
}

/** Our errors as OAuth 2.0 error documents (RFC 6749 section 5.2). */
export const oauthErrors: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const problem = toProblem(error)
  if (response.headersSent || problem.status >= 500) return next(error)
  response
    .status(problem.status)
    .json({ error: 'invalid_request', error_description: problem.title, code: problem.code })
}

/**
 * A form body, strictly: the right media type, UTF-8, no parameter twice (RFC 6749 section 3.1).
 *
 * @throws {CtidError} `ERR_HTTP_MEDIA_TYPE`, `ERR_HTTP_BAD_REQUEST`
 */
export function readFormBody(request: Request): ReadonlyMap<string, string> {
  if (bodyBytes(request).length > 0 && !request.is('application/x-www-form-urlencoded')) {
    throw new CtidError('ERR_HTTP_MEDIA_TYPE', { detail: 'application/x-www-form-urlencoded' })
  }
  let text: string
  try {
    text = fromUtf8(bodyBytes(request))
  } catch {
    throw new CtidError('ERR_HTTP_BAD_REQUEST')
  }
  const form = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (form.has(name)) throw new CtidError('ERR_HTTP_BAD_REQUEST', { detail: 'a parameter twice' })
    form.set(name, value)
  }
  return form
}

function startOptions(body: JsonObject, { presets = {} }: OpenidVerifierOptions): StartOptions {
  const { preset, query, response_mode, client_id_prefix, completion_uri, expected_origins } = body
  const base = typeof preset === 'string' && Object.hasOwn(presets, preset) ? presets[preset] : undefined
  if (preset !== undefined && !base) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'preset' })
  const chosen = query ?? base?.query
  if (!isJsonObject(chosen)) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'query' })
  const modes = ['direct_post', 'direct_post.jwt', 'dc_api', 'dc_api.jwt'] as const
  const prefixes = ['x509_hash', 'x509_san_dns', 'redirect_uri'] as const
  const responseMode = optional(response_mode, modes, 'response_mode')
  const clientIdPrefix = optional(client_id_prefix, prefixes, 'client_id_prefix')
  const origins = Array.isArray(expected_origins)
    ? expected_origins.filter((origin) => typeof origin === 'string')
    : undefined
  if (completion_uri !== undefined && !isWebUri(completion_uri)) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'completion_uri' })
  }
  return {
    ...base,
    query: chosen,
    ...(responseMode === undefined ? {} : { responseMode }),
    ...(clientIdPrefix === undefined ? {} : { clientIdPrefix }),
    ...(completion_uri === undefined ? {} : { completionUri: completion_uri as string }),
    ...(origins === undefined ? {} : { expectedOrigins: origins }),
  }
}

function optional<T extends string>(value: unknown, known: readonly T[], detail: string): T | undefined {
  if (value === undefined) return undefined
  const found = known.find((one) => one === value)
  if (!found) throw new CtidError('ERR_OPENID_REQUEST', { detail })
  return found
}

function isWebUri(value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value)
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
