// A wallet's view of the network: bounded answers, no surprises, errors that name the step and nothing else.
import { CtidError, type ErrorCode, type JsonObject, parseJsonObject, readBody } from '../base/index.ts'

/** The platform's `fetch`, or something that behaves like it. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

const MAX_ANSWER = 1_048_576

export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string }

/**
 * Fetches with a size limit and without following redirects.
 *
 * @throws {CtidError} `code` with the step's name when the server cannot be reached or answers too much
 */
export async function fetchText(
  fetch: Fetch,
  url: string,
  init: RequestInit,
  step: { readonly code: ErrorCode; readonly name: string },
): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(15_000), ...init })
  } catch (cause) {
    throw new CtidError(step.code, { detail: `${step.name}: no answer`, cause })
  }
  const text = await boundedText(response, step)
  return { status: response.status, headers: response.headers, text }
}

async function boundedText(
  response: Response,
  step: { readonly code: ErrorCode; readonly name: string },
): Promise<string> {
  let bytes: Uint8Array | undefined
  try {
    bytes = await readBody(response, MAX_ANSWER)
  } catch (cause) {
    throw new CtidError(step.code, { detail: `${step.name}: cut off`, cause })
  }
  if (!bytes) throw new CtidError(step.code, { detail: `${step.name}: too large` })
  return new TextDecoder().decode(bytes)
}

/** As {@link fetchText}, and the answer must be a JSON object. Statuses are the caller's to judge. */
export async function fetchJson(
  fetch: Fetch,
  url: string,
  init: RequestInit,
  step: { readonly code: ErrorCode; readonly name: string },
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: JsonObject }> {
  const { status, headers, text } = await fetchText(fetch, url, init, step)
  try {
    return { status, headers, body: text === '' ? {} : parseJsonObject(text, { maxLength: MAX_ANSWER }) }
  } catch (cause) {
    throw new CtidError(step.code, { detail: `${step.name}: not JSON`, cause })
  }
}

/** The protocol's error word in an answer, if it has the registered form; else the status. */
export function errorWord(answer: { readonly status: number; readonly body: JsonObject }): string {
  const { error } = answer.body
  return typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : `status ${answer.status}`
}
