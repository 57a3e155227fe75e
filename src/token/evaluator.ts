// Evaluator: multiplies blinded elements by its key share and proves it. It sees no identity and no anchor.
import { CtidError, type RandomBytes } from '../base/index.ts'
import {
  type Group,
  lagrangeAtZero,
  type Point,
  proveDleq,
  type Scalar,
  type Share,
} from '../crypto/index.ts'

/** Largest number of elements in one request. */
export const MAX_BATCH = 1024

export type Evaluation = { readonly evaluated: readonly Point[]; readonly proof: Uint8Array }

export type CallOptions = { readonly signal?: AbortSignal }

/** An evaluator as its clients see it, in this process or behind HTTP. */
export type Evaluator = {
  readonly id: number
  /** k_i·B for each element, and one proof for the batch (RFC 9497 section 2.2). */
  evaluate(blinded: readonly Point[], options?: CallOptions): Promise<Evaluation>
  /** (λ_i·k_i)·B for a named quorum, without proof: the bulk path. */
  evaluateWeighted?(
    blinded: readonly Point[],
    quorum: readonly number[],
    options?: CallOptions,
  ): Promise<readonly Point[]>
  /** Proof of an earlier weighted answer, asked for afterwards so that nobody knows which batches will be checked. */
  proveWeighted?(
    blinded: readonly Point[],
    evaluated: readonly Point[],
    quorum: readonly number[],
    options?: CallOptions,
  ): Promise<Uint8Array>
}

/**
 * The key share's owner: k_i·B with one proof for the batch. Costs 2m + 3 multiplications; pass the sodium group, as
 * the share is a long-lived secret.
 *
 * @throws {CtidError} `ERR_TOKEN_BATCH` unless there are 1 to 1,024 elements
 */
export function evaluateShare(
  group: Group,
  share: Share,
  blinded: readonly Point[],
  random: RandomBytes,
): Evaluation {
  requireBatch(blinded)
  const evaluated = blinded.map((element) => group.multiply(share.secret, element))
  const proof = proveDleq(group, share.secret, {
    publicKey: share.publicKey,
    inputs: blinded,
    outputs: evaluated,
    random,
  })
  return { evaluated, proof }
}

/**
 * λ_i·k_i for a quorum: folded once, so that the combiner only adds.
 *
 * @param quorum ids from 1, each once, its own among them
 * @throws {CtidError} `ERR_TOKEN_REQUEST` when its own is not, `ERR_CRYPTO_THRESHOLD` when one is no id or there twice
 */
export function weightedShare(group: Group, share: Share, quorum: readonly number[]): Share {
  const weight = lagrangeAtZero(group, quorum).get(share.id)
  if (!weight) throw new CtidError('ERR_TOKEN_REQUEST', { detail: 'quorum without this evaluator' })
  const secret = group.scalarMultiply(weight, share.secret)
  return { id: share.id, secret, publicKey: group.multiply(weight, share.publicKey) }
}

/**
 * Proof that `evaluated` = share·`blinded`; it does not verify when the claim is false. m + 3 multiplications.
 *
 * @throws {CtidError} `ERR_TOKEN_BATCH` unless there are 1 to 1,024 elements, as many of both
 */
export function proveShare(
  group: Group,
  share: Share,
  blinded: readonly Point[],
  evaluated: readonly Point[],
  random: RandomBytes,
): Uint8Array {
  requireBatch(blinded)
  if (evaluated.length !== blinded.length) throw new CtidError('ERR_TOKEN_BATCH')
  return proveDleq(group, share.secret, {
    publicKey: share.publicKey,
    inputs: blinded,
    outputs: evaluated,
    random,
  })
}

/** An evaluator in this process, for the demo, tests and single-machine use. */
export function localEvaluator(
  share: Share,
  options: { readonly group: Group; readonly random: RandomBytes },
): Evaluator {
  const { group, random } = options
  return {
    id: share.id,
    evaluate: async (blinded) => evaluateShare(group, share, blinded, random),
    evaluateWeighted: async (blinded, quorum) => {
      requireBatch(blinded)
      return multiplyAll(group, weightedShare(group, share, quorum).secret, blinded)
    },
    proveWeighted: async (blinded, evaluated, quorum) =>
      proveShare(group, weightedShare(group, share, quorum), blinded, evaluated, random),
  }
}

/** secret·P for each point, without proof. */
export function multiplyAll(group: Group, secret: Scalar, elements: readonly Point[]): Point[] {
  return elements.map((element) => group.multiply(secret, element))
}

export function requireBatch(elements: readonly unknown[]): void {
  if (elements.length === 0 || elements.length > MAX_BATCH) throw new CtidError('ERR_TOKEN_BATCH')
}
