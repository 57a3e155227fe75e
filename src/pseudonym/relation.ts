// Zero-knowledge proofs of linear relations between points, and the folding of a whole batch into one relation.
// Schnorr's protocol generalised to several secrets (Maurer 2009), made non-interactive with Fiat–Shamir.
// RFC 9497's DLEQ is the case of one secret and two equations; here a trustee proves three secrets in four equations.
import { concatBytes, equalBytes, framed, type RandomBytes, uintBytes, utf8 } from '../base/index.ts'
import { type Group, type Point, type Scalar, sha256 } from '../crypto/index.ts'

/** Σ secrets[secret]·base. A term without `base` is over the generator. */
export type Term = { readonly secret: number; readonly base?: Point }
/** `result` = the sum of the terms. */
export type Equation = { readonly result: Point; readonly terms: readonly Term[] }
/** `context` binds the proof to its protocol and request. */
export type Relation = { readonly equations: readonly Equation[]; readonly context: Uint8Array }

const DST = utf8('CTID-relation-v1')

/** Prover: c ‖ z_1 ‖ … ‖ z_m, 32 bytes each, for m secrets. */
export function proveRelation(
  group: Group,
  secrets: readonly Scalar[],
  relation: Relation,
  random: RandomBytes,
): Uint8Array {
  const masks = secrets.map(() => group.randomScalar(random))
  const commitments = relation.equations.map(({ terms }) => evaluate(group, terms, masks))
  const c = challenge(group, relation, commitments)
  const responses = secrets.map((secret, i) =>
    group.scalarSubtract(masks[i] as Scalar, group.scalarMultiply(c, secret)),
  )
  return concatBytes(c, ...responses)
}

/** Verifier: whether the proof shows that secrets satisfying all equations are known. Never throws on a bad proof. */
export function verifyRelation(group: Group, proof: Uint8Array, count: number, relation: Relation): boolean {
  if (proof.length !== 32 * (count + 1)) return false
  try {
    const [c, ...responses] = Array.from({ length: count + 1 }, (_, i) =>
      group.parseScalar(proof.subarray(32 * i, 32 * i + 32)),
    ) as [Scalar, ...Scalar[]]
    const commitments = relation.equations.map(({ result, terms }) =>
      group.add(evaluate(group, terms, responses), group.multiply(c, result)),
    )
    return equalBytes(c, challenge(group, relation, commitments))
  } catch {
    return false
  }
}

function evaluate(group: Group, terms: readonly Term[], scalars: readonly Scalar[]): Point {
  return sum(
    group,
    terms.map(({ secret, base }) => {
      const scalar = scalars[secret] as Scalar
      return base === undefined ? group.multiplyBase(scalar) : group.multiply(scalar, base)
    }),
  )
}

function challenge(group: Group, { equations, context }: Relation, commitments: readonly Point[]): Scalar {
  const statement = equations.flatMap(({ result, terms }) => [
    result,
    ...terms.flatMap(({ secret, base }) => [uintBytes(secret, 1), base ?? new Uint8Array()]),
  ])
  return group.hashToScalar(framed(context, ...statement, ...commitments), DST)
}

/**
 * Weights of 128 bits for folding a batch: if one row is wrong, the folded relation holds with chance 2^-128.
 * `seed` must depend on every row, its inputs and its outputs.
 */
export function foldWeights(group: Group, seed: Uint8Array, count: number): Scalar[] {
  return Array.from({ length: count }, (_, i) => {
    const weight = new Uint8Array(32)
    weight.set(sha256(concatBytes(seed, uintBytes(i, 4))).subarray(0, 16))
    return group.parseScalar(weight)
  })
}

/** Σ weights_i·points_i. One multiplication a point. */
export function fold(group: Group, weights: readonly Scalar[], points: readonly Point[]): Point {
  return sum(
    group,
    points.map((point, i) => group.multiply(weights[i] as Scalar, point)),
  )
}

function sum(group: Group, points: readonly Point[]): Point {
  return points.reduce((total, point) => group.add(total, point))
}
