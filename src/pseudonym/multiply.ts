// Multiplying two shared secrets without anybody learning either: each party multiplies its two shares, deals the product
// anew to all (Feldman 1987), and everyone interpolates (Gennaro, Rabin and Rabin 1998). Every step is proved, so a
// cheater is named; with n = 2t−1 parties all must take part.
import { CtidError, equalBytes, type RandomBytes, utf8 } from '../base/index.ts'
import {
  type Group,
  lagrangeAtZero,
  type Point,
  proveDleq,
  type Scalar,
  type Share,
  type SharedKey,
  scalarFromInt,
  verifyDleq,
} from '../crypto/index.ts'

/** What a party publishes about its product. */
export type ProductBroadcast = {
  readonly from: number
  /** (a_i·b_i)·G */
  readonly product: Point
  /** DLEQ: product = a_i·B_i, where a_i is the secret of A_i. */
  readonly proof: Uint8Array
  /** Commitments to the coefficients of x … x^(t−1) of the polynomial dealt; the constant term is `product`. */
  readonly commitments: readonly Point[]
}

/** A party's product dealt: the broadcast, and for each party a value to be sent confidentially. */
export type ProductDeal = {
  readonly broadcast: ProductBroadcast
  readonly parts: ReadonlyMap<number, Scalar>
}

const CONTEXT = utf8('CTID-ceremony-product-v1')

/** Party: multiplies its shares of a and b and deals the product to all parties. */
export function dealProduct(
  group: Group,
  a: Share,
  b: Share,
  options: { readonly threshold: number; readonly ids: readonly number[]; readonly random: RandomBytes },
): ProductDeal {
  const { threshold, ids, random } = options
  const product = group.scalarMultiply(a.secret, b.secret)
  const productPoint = group.multiplyBase(product)
  const coefficients = Array.from({ length: threshold - 1 }, () => group.randomScalar(random))
  const proof = proveDleq(group, a.secret, {
    publicKey: a.publicKey,
    inputs: [b.publicKey],
    outputs: [productPoint],
    context: CONTEXT,
    random,
  })
  return {
    broadcast: {
      from: a.id,
      product: productPoint,
      proof,
      commitments: coefficients.map((coefficient) => group.multiplyBase(coefficient)),
    },
    parts: new Map(ids.map((id) => [id, evaluateAt(group, product, coefficients, id)])),
  }
}

/**
 * Anyone: checks the broadcasts and computes the public keys of the product's shares.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_CEREMONY` naming the party whose product is not proved
 */
export function productKey(
  group: Group,
  a: SharedKey,
  b: SharedKey,
  broadcasts: readonly ProductBroadcast[],
): SharedKey {
  const { threshold } = a
  if (broadcasts.length < 2 * threshold - 1 || a.threshold !== b.threshold) {
    throw new CtidError('ERR_PSEUDONYM_CEREMONY', { detail: `a product needs ${2 * threshold - 1} parties` })
  }
  for (const { from, product, proof, commitments } of broadcasts) {
    const proved =
      commitments.length === threshold - 1 &&
      verifyDleq(group, proof, {
        publicKey: publicShare(a, from),
        inputs: [publicShare(b, from)],
        outputs: [product],
        context: CONTEXT,
      })
    if (!proved)
      throw new CtidError('ERR_PSEUDONYM_CEREMONY', { detail: `party ${from}: product not proved` })
  }
  const coefficients = lagrangeAtZero(
    group,
    broadcasts.map(({ from }) => from),
  )
  const combine = (pick: (broadcast: ProductBroadcast) => Point): Point =>
    broadcasts
      .map((broadcast) => group.multiply(coefficients.get(broadcast.from) as Scalar, pick(broadcast)))
      .reduce((total, point) => group.add(total, point))
  return {
    threshold,
    groupKey: combine(({ product }) => product),
    shares: a.shares.map(({ id }) => ({
      id,
      publicKey: combine(({ product, commitments }) => commitmentAt(group, product, commitments, id)),
    })),
  }
}

/**
 * Party: checks the values received against the broadcasts and combines them to its share of the product.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_CEREMONY` naming the party whose value does not fit its commitments
 */
export function receiveProduct(
  group: Group,
  id: number,
  received: readonly { readonly broadcast: ProductBroadcast; readonly part: Scalar }[],
): Share {
  for (const { broadcast, part } of received) {
    const expected = commitmentAt(group, broadcast.product, broadcast.commitments, id)
    if (!equalBytes(group.multiplyBase(part), expected)) {
      throw new CtidError('ERR_PSEUDONYM_CEREMONY', { detail: `party ${broadcast.from}: wrong part dealt` })
    }
  }
  const coefficients = lagrangeAtZero(
    group,
    received.map(({ broadcast }) => broadcast.from),
  )
  const secret = received
    .map(({ broadcast, part }) => group.scalarMultiply(coefficients.get(broadcast.from) as Scalar, part))
    .reduce((total, term) => group.scalarAdd(total, term))
  return { id, secret, publicKey: group.multiplyBase(secret) }
}

function publicShare(key: SharedKey, id: number): Point {
  const share = key.shares.find((candidate) => candidate.id === id)
  if (!share) throw new CtidError('ERR_PSEUDONYM_CEREMONY', { detail: `party ${id}: unknown` })
  return share.publicKey
}

// Horner: constant + c_1·x + … + c_(t−1)·x^(t−1).
function evaluateAt(group: Group, constant: Scalar, coefficients: readonly Scalar[], id: number): Scalar {
  const x = scalarFromInt(id)
  const rest = coefficients.reduceRight<Scalar | undefined>(
    (value, coefficient) =>
      group.scalarMultiply(value === undefined ? coefficient : group.scalarAdd(value, coefficient), x),
    undefined,
  )
  return rest === undefined ? constant : group.scalarAdd(constant, rest)
}

function commitmentAt(group: Group, constant: Point, commitments: readonly Point[], id: number): Point {
  const x = scalarFromInt(id)
  const rest = commitments.reduceRight<Point | undefined>(
    (value, commitment) => group.multiply(x, value === undefined ? commitment : group.add(value, commitment)),
    undefined,
  )
  return rest === undefined ? constant : group.add(constant, rest)
}
