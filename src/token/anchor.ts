// Registrar: from canonical identities to anchors N = K·H2G(id), with t evaluators who each prove their part.
import { CtidError, type RandomBytes } from '../base/index.ts'
import { type Group, lagrangeAtZero, type Point, type Scalar } from '../crypto/index.ts'
import { type Blinded, blindInputs, invertAll } from './blind.ts'
import { MAX_BATCH } from './evaluator.ts'
import { askQuorum, type Fault, type ProvedPart, type QuorumOptions } from './quorum.ts'

export type DeriveOptions = QuorumOptions & {
  readonly random: RandomBytes
  /** Inputs in one request, at most and by default 1,024. Smaller batches answer sooner and cost 7t more each. */
  readonly batchSize?: number
}

/** Anchors in the order of the inputs, and evaluators that failed while enough others did not. */
export type Derived = { readonly anchors: Point[]; readonly faults: Fault[] }

/**
 * Derives anchors: blind, evaluate by t evaluators with one proof each per batch, verify, combine, unblind. Any number
 * of inputs, in batches. The same identity under the same key set version gives the same anchor whichever
 * evaluators answer. Multiplications for m inputs: 1 + t + 2t a input here, and 2 at each evaluator.
 *
 * @param ids canonical identities, opaque here: 1 to 65,535 bytes each
 * @throws {CtidError} `ERR_TOKEN_QUORUM` naming who failed; `ERR_TOKEN_INPUT`; `ERR_TOKEN_BATCH`; `ERR_TOKEN_KEY_SET` for an evaluator
 * that is not in the key set
 */
export async function deriveAnchors(ids: readonly Uint8Array[], options: DeriveOptions): Promise<Derived> {
  return inBatches(ids, options, (batch) => blindInputs(options.group, batch, options.random))
}

/** The batch size asked for, checked. */
export function batchSizeOf({ batchSize = MAX_BATCH }: DeriveOptions): number {
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > MAX_BATCH)
    throw new CtidError('ERR_TOKEN_BATCH')
  return batchSize
}

/** Runs blinded batches through the quorum. Evaluators that failed are asked last from then on. */
export async function inBatches<T>(
  items: readonly T[],
  options: DeriveOptions,
  blind: (batch: readonly T[]) => Blinded,
): Promise<Derived> {
  const anchors: Point[] = []
  const faults = new Map<string, Fault>()
  const size = batchSizeOf(options)
  let evaluators = options.evaluators
  for (let start = 0; start < items.length; start += size) {
    const blinded = blind(items.slice(start, start + size))
    const answer = await askQuorum(blinded.elements, { ...options, evaluators })
    anchors.push(...combineParts(options.group, answer.parts, blinded.blinds))
    for (const fault of answer.faults) faults.set(`${fault.evaluator} ${fault.reason}`, fault)
    const failed = new Set(answer.faults.map((fault) => fault.evaluator))
    evaluators = [
      ...evaluators.filter(({ id }) => !failed.has(id)),
      ...evaluators.filter(({ id }) => failed.has(id)),
    ]
  }
  return { anchors, faults: [...faults.values()] }
}

/**
 * N = Σ (λ_i/r)·E_i: Lagrange combination and unblinding in one, t multiplications an item. Parts must have been
 * verified.
 */
export function combineParts(group: Group, parts: readonly ProvedPart[], blinds: readonly Scalar[]): Point[] {
  const weights = lagrangeAtZero(
    group,
    parts.map((part) => part.id),
  )
  return invertAll(group, blinds).map((inverse, item) => {
    let sum: Point | undefined
    for (const { id, evaluated } of parts) {
      const scalar = group.scalarMultiply(weights.get(id) as Scalar, inverse)
      const term = group.multiply(scalar, evaluated[item] as Point)
      sum = sum === undefined ? term : group.add(sum, term)
    }
    return sum as Point
  })
}
