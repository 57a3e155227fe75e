// The registrar's desk as a service: documents are enrolled and copies issued for callers that authenticate each request.
import { type Request, Router } from 'express'
import { CtidError, fromHex, isJsonObject, type JsonObject, toHex } from '../base/index.ts'
import { formatCopies, type IssuedCopy, MAX_COPIES } from '../issuer/index.ts'
import type { Enrolled } from '../registrar/index.ts'
import type { CallChecker } from '../token/index.ts'
import { callerOf } from './caller.ts'
import { healthRoute } from './health-route.ts'
import { readJson } from './server.ts'

export type RegistrarRouterDeps = {
  /** Checks the Authorization header of `authorizeCall`, made for evaluator 0: no evaluator has that number. */
  readonly authenticate: CallChecker
  enrol(document: JsonObject, officer: string): Promise<Enrolled>
  /** A fresh nonce for proofs of possession. */
  nonce(): Promise<string>
  /** Opens the record (which is logged), checks the proofs against a nonce given out, and issues. */
  issue(token: Uint8Array, proofs: readonly string[], officer: string): Promise<readonly IssuedCopy[]>
  /** Rejects while nothing can be written: `GET /health` then answers 503. */
  ready(): Promise<unknown>
}

/** What `authorizeCall` and the service call themselves instead of an evaluator's number. */
export const REGISTRAR_SERVICE = 0

/**
 * Routes, all `POST` with JSON and `CTID-MAC` authentication: `/enrol {document}` answers `{token, status, state}`;
 * `/nonce {}` answers `{nonce}`; `/copies {token, proofs}` answers `{copies}`. No answer repeats the document. Open: `GET /health`.
 */
export function registrarRouter(deps: RegistrarRouterDeps): Router {
  const officerOf = (request: Request) => callerOf(request, deps.authenticate, REGISTRAR_SERVICE)
  const router = Router()
  router.post('/enrol', async (request, response) => {
    const officer = officerOf(request)
    const { document } = readJson(request)
    if (!isJsonObject(document)) throw new CtidError('ERR_HTTP_BAD_REQUEST')
    const { token, status, entry } = await deps.enrol(document, officer)
    response.json({ token: toHex(token), status, state: entry.state })
  })
  router.post('/nonce', async (request, response) => {
    officerOf(request)
    response.json({ nonce: await deps.nonce() })
  })
  router.post('/copies', async (request, response) => {
    const officer = officerOf(request)
    const { token, proofs } = readJson(request, { maxLength: 65_536 })
    const isRight =
      typeof token === 'string' &&
      /^[0-9a-f]{64}$/.test(token) &&
      Array.isArray(proofs) &&
      proofs.length <= MAX_COPIES &&
      proofs.every((proof) => typeof proof === 'string')
    if (!isRight) throw new CtidError('ERR_HTTP_BAD_REQUEST')
    const copies = await deps.issue(fromHex(token), proofs, officer)
    response.json(formatCopies(copies))
  })
  router.get('/health', healthRoute(deps.ready))
  return router
}
