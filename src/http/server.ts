// What every service shares: an Express application with safe defaults, strict bodies, and an orderly start and stop.
import type { Server } from 'node:http'
import { type AddressInfo, Server as NetServer } from 'node:net'
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Router,
} from 'express'
import { CtidError, fromUtf8, type JsonObject, parseJsonObject } from '../base/index.ts'
import { bodyBytes, notFound, problemHandler } from './problem.ts'

export type AppOptions = {
  readonly routers: readonly Router[]
  /** Largest accepted body in bytes. Default 65,536. */
  readonly maxBodyBytes?: number
  /** Hears of unexpected errors. They never reach the client. */
  readonly onInternal?: (error: unknown) => void
  /** A protocol's own form of errors, asked before they become problem documents. */
  readonly errorForm?: ErrorRequestHandler
}

/** An application with the routers mounted at the root, safe headers, raw bodies and problem documents. */
export function createApp(options: AppOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.set('query parser', 'simple')
  app.use(safeHeaders)
  app.use(rawBody(options.maxBodyBytes))
  for (const router of options.routers) app.use(router)
  app.use(notFound)
  if (options.errorForm) app.use(options.errorForm)
  app.use(problemHandler(options.onInternal))
  return app
}

/** Reads any body as bytes, up to the limit; compressed bodies are refused (no decompression bombs). */
export function rawBody(maxBodyBytes = 65_536): RequestHandler {
  return express.raw({ type: () => true, limit: maxBodyBytes, inflate: false })
}

/** Headers that are right for an API: no sniffing, no framing, no referrer, nothing cached unless a route says so. */
export const safeHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  })
  next()
}

/**
 * The body as a strictly parsed JSON object.
 *
 * @throws {CtidError} `ERR_HTTP_MEDIA_TYPE`, `ERR_JSON_MALFORMED`, `ERR_JSON_DUPLICATE_KEY`, `ERR_JSON_TOO_LARGE`
 */
export function readJson(request: Request, options: { readonly maxLength?: number } = {}): JsonObject {
  if (!request.is('application/json')) throw new CtidError('ERR_HTTP_MEDIA_TYPE')
  let text: string
  try {
    text = fromUtf8(bodyBytes(request))
  } catch {
    throw new CtidError('ERR_JSON_MALFORMED')
  }
  return parseJsonObject(text, options)
}

/** A listening server and how to stop it. */
export type Listening = {
  readonly url: string
  readonly port: number
  /** Stops accepting, lets running requests finish, then resolves. */
  close(): Promise<void>
}

export type ListenOptions = {
  /** 0 picks a free port. Default 0. */
  readonly port?: number
  /** Default 127.0.0.1: nothing is reachable from outside unless asked for. */
  readonly host?: string
}

/** Starts listening; time limits keep slow clients from holding connections. */
export function listen(app: Express, options: ListenOptions = {}): Promise<Listening> {
  const { port = 0, host = '127.0.0.1' } = options
  return new Promise((resolve, reject) => {
    const server: Server = app.listen(port, host)
    server.headersTimeout = 10_000
    server.requestTimeout = 30_000
    server.once('error', (cause) => reject(new CtidError('ERR_HTTP_LISTEN', { cause })))
    server.once('listening', () => {
      const bound = (server.address() as AddressInfo).port
      resolve({
        url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
        port: bound,
        close: () => closeServer(server),
      })
    })
  })
}

/** How long a connection may have a request on its way that the server has not read yet. */
const GRACE_MILLISECONDS = 500
const PATIENCE_MILLISECONDS = 5_000

// Node's own `close` cuts connections that look idle; under load those have a request waiting in the socket. So accepting
// stops first, every answer from now on ends its connection, and only what stays idle is cut.
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    NetServer.prototype.close.call(server, () => resolve())
    server.prependListener('request', (_request, response) => {
      response.setHeader('Connection', 'close')
    })
    const idle = setInterval(() => server.closeIdleConnections(), GRACE_MILLISECONDS)
    const all = setTimeout(() => server.closeAllConnections(), PATIENCE_MILLISECONDS)
    server.once('close', () => {
      clearInterval(idle)
      clearTimeout(all)
    })
  })
}
