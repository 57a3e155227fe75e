// What OAuth endpoints share: strict form bodies, error documents (RFC 6749 section 5.2), and answers to wrong methods.
import type { ErrorRequestHandler, Request, RequestHandler } from 'express'
import { CtidError, fromUtf8, isCtidError } from '../base/index.ts'
import { oauthError } from '../openid/index.ts'
import { bodyBytes, toProblem } from './problem.ts'

/**
 * A form body, strictly: the right media type, UTF-8, no parameter twice. Parameters without a value count as left out
 * (RFC 6749 section 3.1).
 *
 * @throws {CtidError} `ERR_HTTP_MEDIA_TYPE`, `ERR_HTTP_BAD_REQUEST`
 */
export function readFormBody(request: Request): ReadonlyMap<string, string> {
  if (bodyBytes(request).length > 0 && !request.is('application/x-www-form-urlencoded')) {
    throw new CtidError('ERR_HTTP_MEDIA_TYPE', { detail: 'here application/x-www-form-urlencoded' })
  }
  let text: string
  try {
    text = fromUtf8(bodyBytes(request))
  } catch {
    throw new CtidError('ERR_HTTP_BAD_REQUEST', { detail: 'UTF-8' })
  }
  const form = new Map<string, string>()
  const seen = new Set<string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (seen.has(name)) throw new CtidError('ERR_HTTP_BAD_REQUEST', { detail: 'a parameter twice' })
    seen.add(name)
    if (value !== '') form.set(name, value)
  }
  return form
}

/**
 * Headers of which there may be one: Node joins repeated ones with commas, and a second one would be a second opinion
 * (RFC 9449 section 4.3).
 */
export function singleHeader(request: Request): (name: string) => string | undefined {
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

/** Answers all other methods of a path: 405 with what is allowed. Mount after the routes of the path. */
export function onlyMethods(...methods: readonly string[]): RequestHandler {
  return (_request, response, next) => {
    response.set('Allow', methods.join(', '))
    next(new CtidError('ERR_HTTP_METHOD'))
  }
}

/** Body of an error: the protocol's word, ours in words, and our stable code. Nothing of the input is in it. */
export type OAuthErrorBody = {
  readonly error: string
  readonly error_description: string
  readonly code: string
}

/** The error document of an error that is the client's; `undefined` when it is ours and unexpected. */
export function oauthErrorBody(
  error: unknown,
  otherwise?: string,
): { readonly status: number; readonly body: OAuthErrorBody } | undefined {
  const problem = toProblem(error)
  if (problem.code === 'ERR_HTTP_INTERNAL') return undefined
  const { error: word, status } = isCtidError(error)
    ? oauthError(error, otherwise)
    : { error: otherwise ?? 'invalid_request', status: problem.status }
  return { status, body: { error: word, error_description: printable(problem.title), code: problem.code } }
}

// The word for what has no better one, where it is not `invalid_request` (OpenID4VCI sections 8.3.1, 9.3, 11.3).
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\/(deferred-)?credential$/, 'invalid_credential_request'],
  [/\/notification$/, 'invalid_notification_request'],
]

/** How errors without a better word are called at a path, if the protocol has a word of its own there. */
export function wordOfPath(path: string): string | undefined {
  return WORDS.find(([pattern]) => pattern.test(path))?.[1]
}

/** Errors as OAuth error documents; unexpected ones go on. */
export const oauthErrors: ErrorRequestHandler = (error: unknown, request, response, next) => {
  const answer = oauthErrorBody(error, wordOfPath(request.path))
  if (response.headersSent || !answer) return next(error)
  response.status(answer.status).json(answer.body)
}

// RFC 6749 section 5.2 allows printable ASCII only, without quotes and backslashes.
function printable(message: string): string {
  return message.replace(/’/g, "'").replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '')
}
