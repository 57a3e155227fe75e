// Client: an evaluator behind HTTP. Uses the platform's fetch; authenticates each request; trusts no answer by itself.
import {
  type Clock,
  CtidError,
  fromUtf8,
  type JsonObject,
  parseJsonObject,
  type RandomBytes,
  utf8,
} from '../base/index.ts'
import type { Group, Point } from '../crypto/index.ts'
import { authorizeCall, type CallerCredential } from './caller.ts'
import type { Evaluator } from './evaluator.ts'
import type { EvaluatorKeySet } from './key-set.ts'
import {
  EVALUATE_PATH,
  formatEvaluateRequest,
  MAX_BODY_BYTES,
  PROVE_PATH,
  parseEvaluation,
  parsePoints,
  parseProof,
} from './wire.ts'

export type HttpEvaluatorOptions = {
  readonly id: number
  /** Base address, with a path if the evaluator is mounted under one; `https:` unless the host is this machine. */
  readonly url: string
  readonly keySet: EvaluatorKeySet
  readonly credential: CallerCredential
  readonly group: Group
  readonly now: Clock
  readonly random: RandomBytes
  readonly fetch?: typeof fetch
}

/**
 * An evaluator reached over HTTP. Its failures are `CtidError` `ERR_TOKEN_EVALUATOR` with detail `unreachable`, `refused`
 * or `malformed`; `deriveAnchors` turns them into named faults.
 *
 * @throws {CtidError} `ERR_TOKEN_REQUEST` for a plain `http:` address of another machine
 */
export function httpEvaluator(options: HttpEvaluatorOptions): Evaluator {
  const { group, keySet } = options
  const address = new URL(options.url.endsWith('/') ? options.url : `${options.url}/`)
  const local = ['127.0.0.1', '[::1]', 'localhost'].includes(address.hostname)
  if (address.protocol !== 'https:' && !(address.protocol === 'http:' && local)) {
    throw new CtidError('ERR_TOKEN_REQUEST', { detail: 'an evaluator elsewhere needs https' })
  }
  const { version, epoch } = keySet
  const call = (path: string, body: JsonObject, signal: AbortSignal | undefined) =>
    post(options, new URL(`.${path}`, address), body, signal)
  return {
    id: options.id,
    async evaluate(elements, callOptions) {
      const body = formatEvaluateRequest({ version, epoch, elements })
      return readAnswer(await call(EVALUATE_PATH, body, callOptions?.signal), (answer) =>
        parseEvaluation(answer, group),
      )
    },
    async evaluateWeighted(elements, quorum, callOptions): Promise<readonly Point[]> {
      const body = formatEvaluateRequest({ version, epoch, elements, quorum })
      return readAnswer(await call(EVALUATE_PATH, body, callOptions?.signal), (answer) =>
        parsePoints(answer['evaluated'], group),
      )
    },
    async proveWeighted(elements, evaluated, quorum, callOptions) {
      const body = formatEvaluateRequest({ version, epoch, elements, quorum, evaluated })
      return readAnswer(await call(PROVE_PATH, body, callOptions?.signal), (answer) =>
        parseProof(answer['proof']),
      )
    },
  }
}

async function post(
  options: HttpEvaluatorOptions,
  url: URL,
  message: JsonObject,
  signal: AbortSignal | undefined,
): Promise<JsonObject> {
  const body = utf8(JSON.stringify(message))
  const request = { evaluator: options.id, method: 'POST', path: url.pathname, body } as const
  const authorization = authorizeCall(request, options.credential, {
    now: options.now(),
    random: options.random,
  })
  let response: Response
  let text: string
  try {
    response = await (options.fetch ?? fetch)(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: authorization },
      body,
      redirect: 'error',
      ...(signal === undefined ? {} : { signal }),
    })
    text = await readLimited(response)
  } catch (cause) {
    if (cause instanceof CtidError) throw cause
    throw new CtidError('ERR_TOKEN_EVALUATOR', { detail: 'unreachable', cause })
  }
  if (!response.ok) throw new CtidError('ERR_TOKEN_EVALUATOR', { detail: 'refused' })
  return readAnswer(text, (whole) => parseJsonObject(whole, { maxLength: MAX_BODY_BYTES }))
}

async function readLimited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (;;) {
    const part = await reader?.read()
    if (!part || part.done) break
    length += part.value.length
    if (length > MAX_BODY_BYTES) {
      await reader?.cancel()
      throw new CtidError('ERR_TOKEN_EVALUATOR', { detail: 'malformed' })
    }
    chunks.push(part.value)
  }
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return fromUtf8(whole)
}

function readAnswer<Input, Output>(answer: Input, read: (answer: Input) => Output): Output {
  try {
    return read(answer)
  } catch (cause) {
    throw new CtidError('ERR_TOKEN_EVALUATOR', { detail: 'malformed', cause })
  }
}
