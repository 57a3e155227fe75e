// Errors over HTTP: every refusal is a problem document (RFC 9457) with a stable code and no trace of the input.
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import { CtidError, isCtidError } from '../base/index.ts'

/** Body of an error response, media type `application/problem+json`. */
export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
}

/** Problem document of an error; what is not ours becomes a bare 500 without any text of it. */
export function toProblem(error: unknown): Problem {
  const known = isCtidError(error) ? error : fromExpress(error)
  return {
    type: `urn:ctid:error:${known.code}`,
    title: known.message,
    status: known.status,
    code: known.code,
  }
}

// Express and its body parsers throw errors with a `status` and a `type`; their messages may quote the input.
function fromExpress(error: unknown): CtidError {
  const { status, type } = (error ?? {}) as { status?: unknown; type?: unknown }
  if (type === 'entity.too.large') return new CtidError('ERR_HTTP_BODY_TOO_LARGE')
  if (status === 415) return new CtidError('ERR_HTTP_MEDIA_TYPE')
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new CtidError('ERR_HTTP_BAD_REQUEST')
  return new CtidError('ERR_HTTP_INTERNAL')
}

/** Last handler of an application. `onInternal` hears of unexpected errors, for the operator's log. */
export function problemHandler(onInternal: (error: unknown) => void = () => {}): ErrorRequestHandler {
  return (error: unknown, _request, response: Response, next) => {
    const problem = toProblem(error)
    if (problem.code === 'ERR_HTTP_INTERNAL') onInternal(error)
    if (response.headersSent) return next(error)
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem))
  }
}

/** For paths that no route answers. */
export const notFound: RequestHandler = (_request, _response, next) =>
  next(new CtidError('ERR_HTTP_NOT_FOUND'))

/** The body as bytes, given that {@link rawBody} ran. */
export function bodyBytes(request: Request): Uint8Array {
  return request.body instanceof Uint8Array ? request.body : new Uint8Array()
}
