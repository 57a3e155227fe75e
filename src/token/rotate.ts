// Rotation of the evaluators' secret without plaintext: from K to K′ = ρ·K, and every stored point P to ρ·P.
// ρ is generated like a key, and the product is computed on shares (Gennaro, Rabin, Rabin 1998) with every step proved,
// so neither ρ, K nor K′ ever exists in one place. Needs 2t − 1 evaluators at work, once.
import { CtidError, concatBytes, equalBytes, type RandomBytes, utf8 } from '../base/index.ts'
import {
  type Group,
  lagrangeAtZero,
  type Point,
  proveDleq,
  type Scalar,
  type Share,
  scalarFromInt,
  verifyDleq,
} from '../crypto/index.ts'
import { type Derived, type DeriveOptions, inBatches } from './anchor.ts'
import { blindPoints } from './blind.ts'
import { evaluateAt, runCeremony } from './ceremony.ts'
import { checkKeySet, type EvaluatorKeySet, shareKeyOf } from './key-set.ts'

const CONTEXT = utf8('ctid/rotate/v1')

/** One evaluator's deal: its product ρ_i·k_i shared anew, with a proof that it is this product. */
export type ProductDeal = {
  readonly dealer: number
  /** t commitments to the polynomial; the first is (ρ_i·k_i)·G. Public. */
  readonly commitments: readonly Point[]
  /** DLEQ: the scalar between G and k_i·G is the one between ρ_i·G and the first commitment. Public. */
  readonly proof: Uint8Array
  /** Value at each id; confidential to that evaluator. */
  readonly parts: ReadonlyMap<number, Scalar>
}

/** The two key sets a rotation is between: today's, and that of ρ. Both from ceremonies with the same t and ids. */
export type RotationKeys = { readonly current: EvaluatorKeySet; readonly rotation: EvaluatorKeySet }

/** Evaluator: deals its product. */
export function dealProduct(
  keys: RotationKeys,
  own: { readonly current: Share; readonly rotation: Share },
  options: { readonly group: Group; readonly random: RandomBytes },
): ProductDeal {
  const { group, random } = options
  const { threshold, shares } = keys.current
  const product = group.scalarMultiply(own.current.secret, own.rotation.secret)
  const polynomial = [product, ...Array.from({ length: threshold - 1 }, () => group.randomScalar(random))]
  const commitments = polynomial.map((coefficient) => group.multiplyBase(coefficient))
  const proof = proveDleq(group, own.current.secret, {
    publicKey: own.current.publicKey,
    inputs: [own.rotation.publicKey],
    outputs: [commitments[0] as Point],
    context: dealContext(own.current.id),
    random,
  })
  const parts = new Map(shares.map(({ id }) => [id, valueAt(group, polynomial, id)]))
  return { dealer: own.current.id, commitments, proof, parts }
}

/**
 * Anyone: the key set of K′ = ρ·K from 2t − 1 public deals. Version counts up, epoch starts at 0.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming a dealer whose deal is not its product
 */
export function rotatedKeySet(
  keys: RotationKeys,
  deals: readonly ProductDeal[],
  group: Group,
): EvaluatorKeySet {
  const { current, rotation } = keys
  if (rotation.threshold !== current.threshold)
    throw new CtidError('ERR_TOKEN_CEREMONY', { detail: 'threshold' })
  const weights = productWeights(keys, deals, group)
  for (const deal of deals) {
    if (!isProductDeal(keys, deal, group)) {
      throw new CtidError('ERR_TOKEN_CEREMONY', { detail: `dealer ${deal.dealer}` })
    }
  }
  const sumAt = (x: number) =>
    deals
      .map((deal) =>
        group.multiply(weights.get(deal.dealer) as Scalar, evaluateAt(group, deal.commitments, x)),
      )
      .reduce((a, b) => group.add(a, b))
  const next: EvaluatorKeySet = {
    version: current.version + 1,
    epoch: 0,
    threshold: current.threshold,
    groupKey: sumAt(0),
    shares: current.shares.map(({ id }) => ({ id, publicKey: sumAt(id) })),
  }
  checkKeySet(next, group)
  return next
}

/**
 * Evaluator: its share of K′ from the parts it received. Keep the old share and that of ρ until all points are moved,
 * then destroy both.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming a dealer whose part does not fit its commitments
 */
export function rotatedShare(
  id: number,
  keys: RotationKeys,
  next: EvaluatorKeySet,
  deals: readonly ProductDeal[],
  group: Group,
): Share {
  const weights = productWeights(keys, deals, group)
  let secret: Scalar | undefined
  for (const deal of deals) {
    const part = deal.parts.get(id)
    if (!part || !equalBytes(group.multiplyBase(part), evaluateAt(group, deal.commitments, id))) {
      throw new CtidError('ERR_TOKEN_CEREMONY', { detail: `dealer ${deal.dealer}` })
    }
    const term = group.scalarMultiply(weights.get(deal.dealer) as Scalar, part)
    secret = secret === undefined ? term : group.scalarAdd(secret, term)
  }
  const publicKey = shareKeyOf(next, id)
  if (!secret || !equalBytes(group.multiplyBase(secret), publicKey)) throw new CtidError('ERR_TOKEN_CEREMONY')
  return { id, secret, publicKey }
}

export type KeyRotation = {
  /** Shares and key set of ρ: evaluators with these move stored points, see {@link rotatePoints}. */
  readonly rotation: { readonly keySet: EvaluatorKeySet; readonly shares: readonly Share[] }
  /** Shares and key set of K′: evaluators with these derive anchors from now on. */
  readonly next: { readonly keySet: EvaluatorKeySet; readonly shares: readonly Share[] }
}

/** All evaluators of a rotation in one process. Their ids must be 1 to n, and n ≥ 2t − 1, else it throws `ERR_TOKEN_CEREMONY`. */
export function runKeyRotation(
  current: EvaluatorKeySet,
  shares: readonly Share[],
  options: { readonly group: Group; readonly random: RandomBytes },
): KeyRotation {
  const { group } = options
  const { keySet, shares: rotationShares } = runCeremony({
    ...options,
    threshold: current.threshold,
    count: current.shares.length,
    version: current.version + 1,
  })
  const keys = { current, rotation: keySet }
  const deals = shares.slice(0, 2 * current.threshold - 1).map((share) => {
    const rotation = rotationShares.find(({ id }) => id === share.id)
    if (!rotation) throw new CtidError('ERR_TOKEN_CEREMONY')
    return dealProduct(keys, { current: share, rotation }, options)
  })
  const next = rotatedKeySet(keys, deals, group)
  return {
    rotation: { keySet, shares: rotationShares },
    next: { keySet: next, shares: shares.map(({ id }) => rotatedShare(id, keys, next, deals, group)) },
  }
}

/**
 * Registry: moves stored points (anchors or sector points) to the new key, blinded so that evaluators do not recognise
 * them, each evaluator's part proved against ρ's share keys. Multiplication by ρ is a bijection, so one-to-one holds,
 * and the result equals a fresh derivation under K′.
 *
 * @param options evaluators and key set of ρ
 * @throws {CtidError} `ERR_TOKEN_QUORUM`
 */
export function rotatePoints(points: readonly Point[], options: DeriveOptions): Promise<Derived> {
  return inBatches(points, options, (batch) => blindPoints(options.group, batch, options.random))
}

function productWeights(
  keys: RotationKeys,
  deals: readonly ProductDeal[],
  group: Group,
): Map<number, Scalar> {
  // The product of two polynomials of degree t − 1 has degree 2t − 2.
  if (deals.length !== 2 * keys.current.threshold - 1) {
    throw new CtidError('ERR_TOKEN_CEREMONY', { detail: 'a rotation needs 2t − 1 deals' })
  }
  return lagrangeAtZero(
    group,
    deals.map((deal) => deal.dealer),
  )
}

/** Anyone: whether a deal is its dealer's product, of the right degree. */
export function isProductDeal(keys: RotationKeys, deal: Omit<ProductDeal, 'parts'>, group: Group): boolean {
  const [product] = deal.commitments
  return (
    product !== undefined &&
    deal.commitments.length === keys.current.threshold &&
    verifyDleq(group, deal.proof, {
      publicKey: shareKeyOf(keys.current, deal.dealer),
      inputs: [shareKeyOf(keys.rotation, deal.dealer)],
      outputs: [product],
      context: dealContext(deal.dealer),
    })
  )
}

function dealContext(dealer: number): Uint8Array {
  return concatBytes(CONTEXT, utf8(`/${dealer}`))
}

function valueAt(group: Group, polynomial: readonly Scalar[], x: number): Scalar {
  const base = scalarFromInt(x)
  return polynomial.reduceRight((value, coefficient) =>
    group.scalarAdd(group.scalarMultiply(value, base), coefficient),
  )
}
