// Verification of codes as a service: a code in, a verdict out. Stateless but for the replay cache, which is a port.
import express, { type Express, Router } from 'express'
import { CtidError, fromBase64url, isCtidError, type JsonObject } from '../base/index.ts'
import { type VerifyContext, verdictToJson, verifyCode } from '../verifier/index.ts'
import { type BackPressure, backPressure } from './back-pressure.ts'
import { notFound, problemHandler } from './problem.ts'
import { rawBody, readJson, safeHeaders } from './server.ts'
import {
  createVerifierMetrics,
  formatVerifierMetrics,
  type VerifierCounts,
  type VerifierMetrics,
} from './verifier-metrics.ts'

export type VerifierRouterDeps = {
  /** Policy, trust list, status lists, replay cache and clock as they are now. */
  readonly context: () => VerifyContext
  readonly metrics: VerifierMetrics
  readonly counts: () => VerifierCounts | Promise<VerifierCounts>
  /** Why no code can be accepted at present, for `GET /health`; absent or undefined: all is well. */
  readonly trouble?: () => string | undefined
}

/** A code in a square has at most 4,296 characters (QR version 40, alphanumeric); ours have some 400. */
const MAX_BODY_BYTES = 8_192

/**
 * Routes: `POST /verify` with `{code, challenge?}` (the challenge that the gate showed, base64url) answers the verdict with
 * status 200, accepted or refused; `GET /health`; `GET /metrics`. What was shown is neither kept nor logged.
 */
export function verifierRouter(deps: VerifierRouterDeps): Router {
  const router = Router()
  router.post('/verify', async (request, response) => {
    const { code, challenge } = parseVerifyRequest(readJson(request, { maxLength: MAX_BODY_BYTES }))
    const start = performance.now()
    const context = deps.context()
    const verdict = await verifyCode(
      code,
      challenge === undefined ? context : { ...context, expectedChallenge: challenge },
    )
    deps.metrics.verified(verdict, (performance.now() - start) / 1000)
    const text = JSON.stringify(verdictToJson(verdict))
    // Written by hand: looking a media type up and hashing for an ETag cost as much as checking the status. As text, which
    // leaves together with the headers.
    response.setHeader('Content-Type', 'application/json; charset=utf-8')
    response.setHeader('Content-Length', Buffer.byteLength(text))
    response.end(text)
  })
  router.get('/health', (_request, response) => {
    const trouble = deps.trouble?.()
    response
      .status(trouble === undefined ? 200 : 503)
      .json(trouble === undefined ? { status: 'ok' } : { status: 'unavailable', trouble })
  })
  router.get('/metrics', async (_request, response) => {
    response.type('text/plain; version=0.0.4').send(formatVerifierMetrics(await deps.counts()))
  })
  return router
}

function parseVerifyRequest({ code, challenge, ...rest }: JsonObject): {
  readonly code: string
  readonly challenge?: Uint8Array
} {
  if (typeof code !== 'string' || Object.keys(rest).length > 0) throw new CtidError('ERR_HTTP_BAD_REQUEST')
  if (challenge === undefined) return { code }
  if (typeof challenge !== 'string') throw new CtidError('ERR_HTTP_BAD_REQUEST')
  try {
    return { code, challenge: fromBase64url(challenge) }
  } catch {
    throw new CtidError('ERR_HTTP_BAD_REQUEST')
  }
}

export type VerifierAppOptions = Pick<VerifierRouterDeps, 'context' | 'trouble'> & {
  readonly maxInFlight?: number
  readonly maxDelayMilliseconds?: number
  /** Counts of all processes; by default only this one's. */
  readonly allCounts?: (own: VerifierCounts) => Promise<VerifierCounts>
  readonly onInternal?: (error: unknown) => void
}

export type VerifierApp = {
  readonly app: Express
  /** This process's counts. */
  counts(): VerifierCounts
  close(): void
}

/**
 * The service as an application. Back pressure counts requests that are here as a whole: a client that sends its body drop by
 * drop takes a connection, never another client's turn.
 */
export function createVerifierApp(options: VerifierAppOptions): VerifierApp {
  const metrics = createVerifierMetrics()
  const pressure: BackPressure = backPressure(options)
  const counts = () => metrics.counts(pressure.inFlight())
  const { allCounts = async (own: VerifierCounts) => own } = options
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.set('query parser', 'simple')
  app.use(safeHeaders)
  app.use(rawBody(MAX_BODY_BYTES))
  // Health and metrics answer under load as well: they are how an operator sees it.
  app.post('/verify', (request, response, next) => {
    pressure.handler(request, response, (error?: unknown) => {
      if (isCtidError(error)) metrics.shed()
      next(error)
    })
  })
  app.use(
    verifierRouter({
      context: options.context,
      metrics,
      counts: () => allCounts(counts()),
      ...(options.trouble === undefined ? {} : { trouble: options.trouble }),
    }),
  )
  app.use(notFound)
  app.use(problemHandler(options.onInternal))
  return { app, counts, close: () => pressure.close() }
}
