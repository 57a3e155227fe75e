// Proofs that one secret scalar links two pairs of points (discrete logarithm equality, DLEQ), for whole batches at once:
// RFC 9497 section 2.2, byte for byte, over either backend.
import {
  CtidError,
  concatBytes,
  equalBytes,
  framed,
  type RandomBytes,
  uintBytes,
  utf8,
} from '../base/index.ts'
import type { Group, Point, Scalar } from './group.ts'
import { sha512 } from './hash.ts'

/** Context string of the VOPRF mode with ristretto255-SHA512 (RFC 9497 section 3.1). */
export const VOPRF_CONTEXT: Uint8Array = concatBytes(
  utf8('OPRFV1-'),
  uintBytes(1, 1),
  utf8('-ristretto255-SHA512'),
)

const PROOF_LENGTH = 64
const MAX_BATCH = 65_535

export type DleqStatement = {
  /** k·G: whose scalar this is. */
  readonly publicKey: Point
  /** C_1 … C_m, with 1 ≤ m ≤ 65,535. */
  readonly inputs: readonly Point[]
  /** D_i = k·C_i, as many as inputs. */
  readonly outputs: readonly Point[]
  /** Domain of the proof; {@link VOPRF_CONTEXT} unless another protocol names its own. */
  readonly context?: Uint8Array
}

/**
 * Prover: proves that every output is k times its input, and the public key k times the generator.
 * Returns 64 bytes, c ‖ s. Costs m + 3 multiplications (RFC 9497 section 2.2.1).
 */
export function proveDleq(
  group: Group,
  k: Scalar,
  statement: DleqStatement & { readonly random: RandomBytes },
): Uint8Array {
  const context = statement.context ?? VOPRF_CONTEXT
  const weights = compositeWeights(group, statement, context)
  const m = weightedSum(group, weights, statement.inputs)
  const z = group.multiply(k, m)
  const r = group.randomScalar(statement.random)
  const t2 = group.multiplyBase(r)
  const t3 = group.multiply(r, m)
  const c = challenge(group, [statement.publicKey, m, z, t2, t3], context)
  const s = group.scalarSubtract(r, group.scalarMultiply(c, k))
  return concatBytes(c, s)
}

/**
 * Verifier: whether `proof` shows the statement. False for any malformed proof; never throws on one.
 * Costs 2m + 4 multiplications (RFC 9497 section 2.2.2).
 */
export function verifyDleq(group: Group, proof: Uint8Array, statement: DleqStatement): boolean {
  if (proof.length !== PROOF_LENGTH) return false
  const context = statement.context ?? VOPRF_CONTEXT
  const weights = compositeWeights(group, statement, context)
  try {
    const c = group.parseScalar(proof.subarray(0, 32))
    const s = group.parseScalar(proof.subarray(32))
    const m = weightedSum(group, weights, statement.inputs)
    const z = weightedSum(group, weights, statement.outputs)
    const t2 = group.add(group.multiplyBase(s), group.multiply(c, statement.publicKey))
    const t3 = group.add(group.multiply(s, m), group.multiply(c, z))
    return equalBytes(c, challenge(group, [statement.publicKey, m, z, t2, t3], context))
  } catch {
    return false
  }
}

// ComputeComposites: the batch is folded into one pair with weights that depend on every element of it.
function compositeWeights(group: Group, statement: DleqStatement, context: Uint8Array): Scalar[] {
  const { publicKey, inputs, outputs } = statement
  if (inputs.length === 0 || inputs.length > MAX_BATCH || inputs.length !== outputs.length) {
    throw new CtidError('ERR_CRYPTO_PROOF', { detail: 'inputs and outputs must be 1 to 65535 pairs' })
  }
  const seed = sha512(framed(publicKey, concatBytes(utf8('Seed-'), context)))
  const dst = concatBytes(utf8('HashToScalar-'), context)
  return inputs.map((input, i) =>
    group.hashToScalar(
      concatBytes(framed(seed), uintBytes(i, 2), framed(input, outputs[i] as Point), utf8('Composite')),
      dst,
    ),
  )
}

function weightedSum(group: Group, weights: readonly Scalar[], points: readonly Point[]): Point {
  let sum: Point | undefined
  for (let i = 0; i < points.length; i++) {
    const term = group.multiply(weights[i] as Scalar, points[i] as Point)
    sum = sum === undefined ? term : group.add(sum, term)
  }
  return sum as Point
}

function challenge(group: Group, points: readonly Point[], context: Uint8Array): Scalar {
  return group.hashToScalar(
    concatBytes(framed(...points), utf8('Challenge')),
    concatBytes(utf8('HashToScalar-'), context),
  )
}
