// Who calls a service that only its callers may use: the MAC is over method, whole path and body.
import type { Request } from 'express'
import type { CallChecker } from '../token/index.ts'
import { bodyBytes } from './problem.ts'

/**
 * The caller of a `POST` by its `CTID-MAC` header.
 *
 * @param service what the service calls itself: an evaluator's or trustee's number, or 0
 * @throws {CtidError} `ERR_TOKEN_CALLER`
 */
export function callerOf(request: Request, authenticate: CallChecker, service: number): string {
  return authenticate(request.get('authorization'), {
    evaluator: service,
    method: 'POST',
    path: request.baseUrl + request.path,
    body: bodyBytes(request),
  })
}
