// The evaluator's messages as JSON: strict on both sides, size limits first.
import { CtidError, fromBase64url, type Json, type JsonObject, toBase64url } from '../base/index.ts'
import type { Group, Point } from '../crypto/index.ts'
import { type Evaluation, MAX_BATCH } from './evaluator.ts'

/** Paths of an evaluator's HTTP interface. */
export const EVALUATE_PATH = '/evaluate'
export const PROVE_PATH = '/prove'

/** Largest request body: 2 × 1,024 elements of 46 characters and some members. */
export const MAX_BODY_BYTES = 98_304

/** A request to evaluate; with a quorum, weighted and without proof. */
export type EvaluateRequest = {
  readonly version: number
  readonly epoch: number
  readonly quorum?: readonly number[]
  readonly elements: readonly Point[]
}

export type ProveRequest = Required<EvaluateRequest> & { readonly evaluated: readonly Point[] }

/** Body of `POST /evaluate`, and with `evaluated` of `POST /prove`. SPEC section 6.7. */
export function formatEvaluateRequest(request: EvaluateRequest | ProveRequest): JsonObject {
  return {
    version: request.version,
    epoch: request.epoch,
    ...(request.quorum === undefined ? {} : { quorum: request.quorum }),
    elements: request.elements.map((element) => toBase64url(element)),
    ...('evaluated' in request
      ? { evaluated: request.evaluated.map((element) => toBase64url(element)) }
      : {}),
  }
}

/** @throws {CtidError} `ERR_TOKEN_REQUEST`, `ERR_TOKEN_BATCH`, `ERR_CRYPTO_POINT` */
export function parseEvaluateRequest(body: JsonObject, group: Group): EvaluateRequest {
  exactly(body, ['version', 'epoch', 'elements'], ['quorum'])
  return {
    version: integer(body['version']),
    epoch: integer(body['epoch']),
    ...(body['quorum'] === undefined ? {} : { quorum: parseQuorum(body['quorum']) }),
    elements: parsePoints(body['elements'], group),
  }
}

/** @throws {CtidError} `ERR_TOKEN_REQUEST`, `ERR_TOKEN_BATCH`, `ERR_CRYPTO_POINT` */
export function parseProveRequest(body: JsonObject, group: Group): ProveRequest {
  exactly(body, ['version', 'epoch', 'quorum', 'elements', 'evaluated'], [])
  return {
    version: integer(body['version']),
    epoch: integer(body['epoch']),
    quorum: parseQuorum(body['quorum']),
    elements: parsePoints(body['elements'], group),
    evaluated: parsePoints(body['evaluated'], group),
  }
}

/** Answer to `POST /evaluate` without a quorum. */
export function formatEvaluation(evaluation: Evaluation): JsonObject {
  return {
    evaluated: evaluation.evaluated.map((point) => toBase64url(point)),
    proof: toBase64url(evaluation.proof),
  }
}

/** @throws {CtidError} `ERR_TOKEN_REQUEST`, `ERR_TOKEN_BATCH`, `ERR_CRYPTO_POINT` */
export function parseEvaluation(body: JsonObject, group: Group): Evaluation {
  return { evaluated: parsePoints(body['evaluated'], group), proof: parseProof(body['proof']) }
}

/** @throws {CtidError} `ERR_TOKEN_REQUEST`, `ERR_TOKEN_BATCH`, `ERR_CRYPTO_POINT` */
export function parsePoints(value: Json | undefined, group: Group): Point[] {
  if (!Array.isArray(value)) throw new CtidError('ERR_TOKEN_REQUEST')
  if (value.length === 0 || value.length > MAX_BATCH) throw new CtidError('ERR_TOKEN_BATCH')
  return value.map((element: Json) => group.parsePoint(bytes(element, 43)))
}

/** @throws {CtidError} `ERR_TOKEN_REQUEST` */
export function parseProof(value: Json | undefined): Uint8Array {
  return bytes(value, 86)
}

function parseQuorum(value: Json | undefined): number[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 64)
    throw new CtidError('ERR_TOKEN_REQUEST')
  const ids = value.map((id: Json) => integer(id))
  if (new Set(ids).size !== ids.length || ids.includes(0)) throw new CtidError('ERR_TOKEN_REQUEST')
  return ids
}

function exactly(body: JsonObject, required: readonly string[], optional: readonly string[]): void {
  const names = Object.keys(body)
  const known = names.every((name) => required.includes(name) || optional.includes(name))
  if (!known || !required.every((name) => names.includes(name))) throw new CtidError('ERR_TOKEN_REQUEST')
}

function integer(value: Json | undefined): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 2 ** 31) {
    throw new CtidError('ERR_TOKEN_REQUEST')
  }
  return value
}

function bytes(value: Json | undefined, length: number): Uint8Array {
  if (typeof value !== 'string' || value.length !== length) throw new CtidError('ERR_TOKEN_REQUEST')
  try {
    return fromBase64url(value)
  } catch {
    throw new CtidError('ERR_TOKEN_REQUEST')
  }
}
