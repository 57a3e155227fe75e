// Bulk derivation: evaluators weight their answers by Lagrange's coefficients, so that the registrar only adds.
// t + 2 multiplications an identity instead of 5t + 1; trust comes from canaries and from proofs asked for afterwards.
import { CtidError, equalBytes, type RandomBytes, shuffle, uniformBelow } from '../base/index.ts'
import {
  type Group,
  lagrangeAtZero,
  type Point,
  type Scalar,
  type Share,
  verifyDleq,
} from '../crypto/index.ts'
import { batchSizeOf, type Derived, type DeriveOptions, deriveAnchors } from './anchor.ts'
import { type Blinded, blindInputs, invertAll } from './blind.ts'
import { type Evaluator, multiplyAll } from './evaluator.ts'
import { type EvaluatorKeySet, shareKeyOf } from './key-set.ts'
import { type Fault, quorumError, reasonOf, withTimeout } from './quorum.ts'

/**
 * N = (1/r)·Σ E_i for weighted answers of a whole quorum: one multiplication an item. Synchronous, for worker threads.
 */
export function combineWeighted(
  group: Group,
  parts: readonly (readonly Point[])[],
  blinds: readonly Scalar[],
): Point[] {
  return invertAll(group, blinds).map((inverse, item) => {
    let sum: Point | undefined
    for (const part of parts) {
      const point = part[item] as Point
      sum = sum === undefined ? point : group.add(sum, point)
    }
    return group.multiply(inverse, sum as Point)
  })
}

/**
 * The whole bulk path in one thread: blind, multiply by each weighted share, combine. Synchronous and pure but for
 * `random`; a worker holding one weighted share calls {@link multiplyAll} instead, on points that came packed.
 *
 * @param options.weighted shares of one quorum from `weightedShare`
 */
export function deriveAnchorsBulk(
  ids: readonly Uint8Array[],
  options: { readonly group: Group; readonly weighted: readonly Share[]; readonly random: RandomBytes },
): Point[] {
  const { group, weighted, random } = options
  const blinded = blindInputs(group, ids, random)
  const parts = weighted.map((share) => multiplyAll(group, share.secret, blinded.elements))
  return combineWeighted(group, parts, blinded.blinds)
}

/** Points as one byte string, 32 bytes each, to transfer between threads or processes. */
export function packPoints(points: readonly Point[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(points.length * 32)
  points.forEach((point, i) => {
    out.set(point, i * 32)
  })
  return out
}

/**
 * Inverse of {@link packPoints}, each point checked (5 µs with sodium).
 *
 * @throws {CtidError} `ERR_TOKEN_REQUEST` for a length that is no multiple of 32, `ERR_CRYPTO_POINT`
 */
export function unpackPoints(group: Group, packed: Uint8Array): Point[] {
  if (packed.length % 32 !== 0) throw new CtidError('ERR_TOKEN_REQUEST')
  return Array.from({ length: packed.length / 32 }, (_, i) =>
    group.parsePoint(packed.subarray(i * 32, i * 32 + 32)),
  )
}

/** An identity whose anchor is known from a proved derivation. Invented identities that are nobody's. */
export type Canary = { readonly id: Uint8Array; readonly anchor: Point }

export type SampledOptions = DeriveOptions & {
  /** On average one batch in this many must be proved. 1 proves all. Default 8. */
  readonly proveOneIn?: number
  /** Mixed into every batch at random positions; evaluators cannot tell them from others. */
  readonly canaries?: readonly Canary[]
}

export type SampledResult = Derived & {
  /** Batches whose proofs were asked for and verified, of how many. */
  readonly proved: number
  readonly batches: number
}

type Batch = { readonly ids: readonly Uint8Array[]; anchors: Point[]; proved: boolean }

/**
 * Registrar: derives many anchors on the bulk path with t fixed evaluators. After an answer is in, a secret draw decides
 * whether its proofs are demanded; canaries are compared in every batch. On the first fault every batch not yet proved is
 * derived again by `deriveAnchors`, with proofs, which names the culprit: nothing unproved survives a detected lie.
 *
 * An evaluator that falsifies in b batches escapes with probability (1 − 1/proveOneIn)^b, less with canaries.
 *
 * @throws {CtidError} `ERR_TOKEN_QUORUM`, `ERR_TOKEN_INPUT`
 */
export async function deriveAnchorsSampled(
  ids: readonly Uint8Array[],
  options: SampledOptions,
): Promise<SampledResult> {
  const { canaries = [], keySet } = options
  const quorum = options.evaluators
    .filter((e) => e.evaluateWeighted && e.proveWeighted)
    .slice(0, keySet.threshold)
  if (quorum.length < keySet.threshold) throw quorumError([])
  const size = batchSizeOf(options) - canaries.length
  if (size < 1) throw new CtidError('ERR_TOKEN_BATCH')
  const done: Batch[] = []
  const faults: Fault[] = []
  for (let start = 0; start < ids.length; start += size) {
    const batch: Batch = { ids: ids.slice(start, start + size), anchors: [], proved: false }
    done.push(batch)
    const fault = faults.length > 0 ? undefined : await bulkBatch(batch, quorum, options)
    if (fault) faults.push(fault)
    if (faults.length > 0) await proveAgain(done, options, faults)
  }
  return {
    anchors: done.flatMap((batch) => batch.anchors),
    faults,
    proved: done.filter((batch) => batch.proved).length,
    batches: done.length,
  }
}

async function bulkBatch(
  batch: Batch,
  quorum: readonly Evaluator[],
  options: SampledOptions,
): Promise<Fault | undefined> {
  const { group, random, canaries = [], proveOneIn = 8, timeoutSeconds = 30 } = options
  // In random order, so that canaries cannot be told by their position.
  const order = shuffle([...Array(batch.ids.length + canaries.length).keys()], random)
  const all = [...batch.ids, ...canaries.map((canary) => canary.id)]
  const blinded = blindInputs(
    group,
    order.map((i) => all[i] as Uint8Array),
    random,
  )
  const named = quorum.map((evaluator) => evaluator.id)
  const answers = await Promise.all(
    quorum.map(async (evaluator): Promise<readonly Point[] | Fault> => {
      try {
        const answer = await withTimeout(timeoutSeconds, async (signal) =>
          evaluator.evaluateWeighted?.(blinded.elements, named, { signal }),
        )
        if (answer?.length === order.length) return answer
        return { evaluator: evaluator.id, reason: 'malformed' }
      } catch (error) {
        return { evaluator: evaluator.id, reason: reasonOf(error) }
      }
    }),
  )
  const failed = answers.find((answer): answer is Fault => 'reason' in answer)
  if (failed) return failed
  const parts = answers as readonly (readonly Point[])[]
  const anchors = restoreOrder(group, order, parts, blinded)
  const honest =
    anchors !== undefined &&
    canaries.every((canary, i) => equalBytes(anchors[batch.ids.length + i] as Point, canary.anchor))
  if (!honest || uniformBelow(proveOneIn, random) === 0) {
    const fault = await demandProofs(blinded, parts, quorum, options)
    if (fault) return fault
    // All answers are proved and yet a canary differs: its recorded anchor is of another key set.
    if (!honest) throw new CtidError('ERR_TOKEN_KEY_SET', { detail: 'canary' })
    batch.proved = true
  }
  batch.anchors = anchors.slice(0, batch.ids.length)
  return undefined
}

// Combined anchors in the order of the identities; undefined when the answers sum to no valid element.
function restoreOrder(
  group: Group,
  order: readonly number[],
  parts: readonly (readonly Point[])[],
  blinded: Blinded,
): Point[] | undefined {
  const anchors: Point[] = new Array(order.length)
  try {
    combineWeighted(group, parts, blinded.blinds).forEach((anchor, position) => {
      anchors[order[position] as number] = anchor
    })
  } catch {
    return undefined
  }
  return anchors
}

async function demandProofs(
  blinded: Blinded,
  parts: readonly (readonly Point[])[],
  quorum: readonly Evaluator[],
  options: SampledOptions,
): Promise<Fault | undefined> {
  const { group, timeoutSeconds = 30 } = options
  const named = quorum.map((evaluator) => evaluator.id)
  for (const [i, evaluator] of quorum.entries()) {
    const outputs = parts[i] as readonly Point[]
    try {
      const proof = await withTimeout(timeoutSeconds, async (signal) =>
        evaluator.proveWeighted?.(blinded.elements, outputs, named, { signal }),
      )
      const publicKey = weightedKey(group, options.keySet, evaluator.id, named)
      if (!proof || !verifyDleq(group, proof, { publicKey, inputs: blinded.elements, outputs })) {
        return { evaluator: evaluator.id, reason: 'wrong-proof' }
      }
    } catch (error) {
      return { evaluator: evaluator.id, reason: reasonOf(error) }
    }
  }
  return undefined
}

async function proveAgain(done: readonly Batch[], options: SampledOptions, faults: Fault[]): Promise<void> {
  for (const batch of done) {
    if (batch.proved) continue
    const derived = await deriveAnchors(batch.ids, options)
    batch.anchors = derived.anchors
    batch.proved = true
    for (const fault of derived.faults) {
      if (!faults.some((known) => known.evaluator === fault.evaluator && known.reason === fault.reason)) {
        faults.push(fault)
      }
    }
  }
}

function weightedKey(group: Group, keySet: EvaluatorKeySet, id: number, quorum: readonly number[]): Point {
  return group.multiply(lagrangeAtZero(group, quorum).get(id) as Scalar, shareKeyOf(keySet, id))
}
