// Talks to the parties over HTTP: JSON in and out, problem documents (RFC 9457) as errors, nothing retried silently.
import type { Json } from '#ctid/base'
import { noteDate } from './clock.ts'

/** The longest that a page waits for an answer. A join of whole tables takes a few seconds. */
const PATIENCE_MS = 60_000

/** A refusal by a party, or no answer at all or half of one (`code` ERR_NETWORK). */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

type Request = {
  readonly method?: string
  readonly body?: Json | Uint8Array
  readonly accept?: string
  readonly headers?: Readonly<Record<string, string>>
}

async function send(path: string, request: Request): Promise<Response> {
  const { method = request.body === undefined ? 'GET' : 'POST', body, accept = 'application/json' } = request
  const headers: Record<string, string> = { accept, ...request.headers }
  let payload: BodyInit | null = null
  if (body instanceof Uint8Array) {
    headers['content-type'] = 'application/octet-stream'
    payload = new Uint8Array(body)
  } else if (body !== undefined) {
    headers['content-type'] = 'application/json'
    payload = JSON.stringify(body)
  }
  let response: Response
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const sent = Date.now()
    response = await fetch(path, { method, headers, body: payload, cache: 'no-store', signal })
    noteDate(response.headers.get('date'), sent, Date.now())
  } catch {
    throw new ApiError('ERR_NETWORK', 'no answer')
  }
  if (response.ok) return response
  const problem = await response.json().catch(() => ({}))
  throw new ApiError(
    typeof problem.code === 'string' ? problem.code : `HTTP_${response.status}`,
    typeof problem.title === 'string' ? problem.title : response.statusText,
  )
}

/** Sends a request and reads the JSON of the answer. The caller names the shape our own server gives. */
export async function call<T>(
  path: string,
  body?: Json,
  method?: string,
  more?: Readonly<Record<string, string>>,
): Promise<T> {
  const response = await send(path, {
    ...(body === undefined ? {} : { body }),
    ...(method === undefined ? {} : { method }),
    ...(more === undefined ? {} : { headers: more }),
  })
  return (await whole(response.json())) as T
}

/** Fetches a signed text (a trust list, a status list). */
export async function fetchText(path: string): Promise<string> {
  return whole((await send(path, { accept: '*/*' })).text())
}

// A connection that breaks in the middle of the body is no answer either.
async function whole<T>(body: Promise<T>): Promise<T> {
  try {
    return await body
  } catch {
    throw new ApiError('ERR_NETWORK', 'no whole answer')
  }
}
