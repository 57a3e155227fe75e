// The issuer of copies as a service for registrars, which authenticate each request. It opens no record and knows no token.
import { type Request, Router } from 'express'
import {
  formatCopies,
  ISSUER_PATHS,
  ISSUER_SERVICE,
  type IssuerPort,
  MAX_ISSUER_BODY_BYTES,
  parseCopyRequest,
  parseStateRequest,
} from '../issuer/index.ts'
import type { CallChecker } from '../token/index.ts'
import { callerOf } from './caller.ts'
import { healthRoute } from './health-route.ts'
import { readJson } from './server.ts'

export type IssuerRouterDeps = {
  /** Checks the Authorization header of `authorizeCall`, made for service 0. */
  readonly authenticate: CallChecker
  readonly issuer: IssuerPort
}

/**
 * Routes, all `POST` with JSON and `CTID-MAC` authentication: `/nonce {}` answers `{nonce}`; `/copies {subjectId, vct, subject,
 * kind, assurance, documentExpiresAt?, proofs}` answers `{copies}`; `/state {subjectId, state}` answers `{copies}`, their
 * number. Open: `GET /health`.
 */
export function issuerRouter({ authenticate, issuer }: IssuerRouterDeps): Router {
  const readCall = (request: Request) => {
    callerOf(request, authenticate, ISSUER_SERVICE)
    return readJson(request, { maxLength: MAX_ISSUER_BODY_BYTES })
  }
  const router = Router()
  router.post(ISSUER_PATHS.nonce, async (request, response) => {
    readCall(request)
    response.json({ nonce: await issuer.nonce() })
  })
  router.post(ISSUER_PATHS.copies, async (request, response) => {
    const { request: wanted, proofs } = parseCopyRequest(readCall(request))
    response.json(formatCopies(await issuer.issue(wanted, proofs)))
  })
  router.post(ISSUER_PATHS.state, async (request, response) => {
    const { subjectId, state } = parseStateRequest(readCall(request))
    response.json({ copies: await issuer.setState(subjectId, state) })
  })
  router.get(
    '/health',
    healthRoute(() => issuer.ready()),
  )
  return router
}
