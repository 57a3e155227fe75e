// Client: an evaluator behind HTTP. Uses the platform's fetch; authenticates each request; trusts no answer by itself.
import { CtidError, type JsonObject, parseJsonObject } from '../base/index.ts'
import type { Group, Point } from '../crypto/index.ts'
import { type CallTarget, callService, serviceAddress } from './call.ts'
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

export type HttpEvaluatorOptions = CallTarget & {
  readonly id: number
  readonly keySet: EvaluatorKeySet
  readonly group: Group
}

/**
 * An evaluator reached over HTTP. Its failures are `CtidError` `ERR_TOKEN_EVALUATOR` with detail `unreachable`, `refused`
 * or `malformed`; `deriveAnchors` turns them into named faults.
 *
 * @throws {CtidError} `ERR_TOKEN_REQUEST` for a plain `http:` address of another machine
 */
export function httpEvaluator(options: HttpEvaluatorOptions): Evaluator {
  const { group, keySet } = options
  const address = serviceAddress(options)
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
  const limits = { service: options.id, maxBytes: MAX_BODY_BYTES, signal }
  const answer = await callService(options, url, message, limits).catch((cause: unknown) => {
    throw new CtidError('ERR_TOKEN_EVALUATOR', { detail: 'unreachable', cause })
  })
  if (!answer) throw new CtidError('ERR_TOKEN_EVALUATOR', { detail: 'malformed' })
  if (!answer.ok) throw new CtidError('ERR_TOKEN_EVALUATOR', { detail: 'refused' })
  return readAnswer(answer.text, (whole) => parseJsonObject(whole, { maxLength: MAX_BODY_BYTES }))
}

function readAnswer<Input, Output>(answer: Input, read: (answer: Input) => Output): Output {
  try {
    return read(answer)
  } catch (cause) {
    throw new CtidError('ERR_TOKEN_EVALUATOR', { detail: 'malformed', cause })
  }
}
