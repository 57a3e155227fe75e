// A converter trustee over HTTP: two paths, both halves of a conversion. Only callers it shares a secret with are heard.
import { type Request, type Response, Router } from 'express'
import { type Clock, CtidError } from '../base/index.ts'
import {
  AUDIT_PATH,
  CONVERT_PATH,
  formatPart,
  MAX_TRUSTEE_BODY_BYTES,
  parseRequest,
  type Trustee,
} from '../pseudonym/index.ts'
import { callChecker } from '../token/index.ts'
import { callerOf } from './caller.ts'
import { readJson } from './server.ts'

export type TrusteeRouterDeps = {
  readonly trustee: Trustee
  /** Secrets of 32 bytes by caller, each shared with this trustee alone. */
  readonly callers: ReadonlyMap<string, Uint8Array>
  readonly now: Clock
}

/**
 * `POST /convert/audit` and `POST /convert/release`. Mount in an application that accepts bodies of
 * `MAX_TRUSTEE_BODY_BYTES`. The caller is judged before the body is parsed.
 */
export function trusteeRouter({ trustee, callers, now }: TrusteeRouterDeps): Router {
  const router = Router()
  const authenticate = callChecker(callers, { now })
  const read = (request: Request) => {
    callerOf(request, authenticate, trustee.id)
    return parseRequest(readJson(request, { maxLength: MAX_TRUSTEE_BODY_BYTES }))
  }
  router.post(AUDIT_PATH, async (request: Request, response: Response) => {
    const { request: conversion, receipt } = read(request)
    if (receipt !== undefined) throw new CtidError('ERR_PSEUDONYM_REQUEST')
    response.json(formatPart(await trustee.audit(conversion)))
  })
  router.post(CONVERT_PATH, async (request: Request, response: Response) => {
    const { request: conversion, receipt } = read(request)
    response.json(formatPart(await trustee.convert(conversion, receipt ?? '')))
  })
  return router
}
