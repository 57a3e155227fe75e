// The key ceremony without a dealer: trustees who share the sector scalars x_A and x_B make shares of the factor
// D = x_B/x_A and of the strip −D·w, while nobody, not even for a moment, holds x_A, x_B, w or D.
//
// Inversion after Bar-Ilan and Beaver (1989): with a fresh shared random r, open u = r·x_A, which is uniform and
// says nothing; then D = u^-1 · (r·x_B). Afterwards anybody can check the result against the published keys.
import { CtidError, equalBytes, type RandomBytes, utf8 } from '../base/index.ts'
import {
  combineAtZero,
  type Group,
  lagrangeAtZero,
  type Point,
  proveDleq,
  runDkg,
  type Scalar,
  type Share,
  type SharedKey,
  scalarFromInt,
  verifyDleq,
} from '../crypto/index.ts'
import { dealProduct, productKey, receiveProduct } from './multiply.ts'

/** A shared secret with all its shares: what a ceremony in one process handles, and what no deployment stores. */
export type SharedSecret = { readonly key: SharedKey; readonly shares: readonly Share[] }

/** Factor and strip of an ordered pair of sectors, all shares. */
export type SharedFactor = { readonly factor: SharedSecret; readonly strip: SharedSecret }

/** A trustee's statement that its share of the factor fits the published keys. */
export type FactorWitness = {
  readonly id: number
  /** d_j·X_from and d_j·W */
  readonly outputs: readonly [Point, Point]
  readonly proof: Uint8Array
}

export type CeremonyOptions = { readonly random: RandomBytes }

const WITNESS = utf8('CTID-ceremony-factor-v1')

/** The scalar of a sector, or the envelope key, by distributed key generation among n trustees. */
export function shareSecret(options: {
  readonly threshold: number
  readonly count: number
  readonly random: RandomBytes
}): SharedSecret {
  if (options.count < 2 * options.threshold - 1) {
    throw new CtidError('ERR_PSEUDONYM_CEREMONY', { detail: 'needs n ≥ 2t−1 trustees' })
  }
  return runDkg(options)
}

/** Product of two shared secrets: all parties' rounds of `multiply.ts` in one process. */
export function multiplyShared(
  group: Group,
  a: SharedSecret,
  b: SharedSecret,
  { random }: CeremonyOptions,
): SharedSecret {
  const ids = a.shares.map(({ id }) => id)
  const { threshold } = a.key
  const deals = a.shares.map((share, i) =>
    dealProduct(group, share, b.shares[i] as Share, { threshold, ids, random }),
  )
  const key = productKey(
    group,
    a.key,
    b.key,
    deals.map(({ broadcast }) => broadcast),
  )
  const shares = ids.map((id) =>
    receiveProduct(
      group,
      id,
      deals.map(({ broadcast, parts }) => ({ broadcast, part: parts.get(id) as Scalar })),
    ),
  )
  return { key, shares }
}

/**
 * Opens a shared value: every party publishes its share, each is checked against its public key.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_CEREMONY` naming the party whose share is wrong
 */
export function openShared(
  group: Group,
  key: SharedKey,
  published: readonly { readonly id: number; readonly secret: Scalar }[],
): Scalar {
  for (const { id, secret } of published) {
    const expected = key.shares.find((share) => share.id === id)?.publicKey
    if (!expected || !equalBytes(group.multiplyBase(secret), expected)) {
      throw new CtidError('ERR_PSEUDONYM_CEREMONY', { detail: `party ${id}: wrong share opened` })
    }
  }
  const coefficients = lagrangeAtZero(
    group,
    published.map(({ id }) => id),
  )
  return published
    .map(({ id, secret }) => group.scalarMultiply(coefficients.get(id) as Scalar, secret))
    .reduce((total, term) => group.scalarAdd(total, term))
}

/** Multiplies a shared secret by a public scalar; no communication. */
export function scaleShared(group: Group, scalar: Scalar, { key, shares }: SharedSecret): SharedSecret {
  const scalePoint = (point: Point): Point => group.multiply(scalar, point)
  return {
    key: {
      threshold: key.threshold,
      groupKey: scalePoint(key.groupKey),
      shares: key.shares.map(({ id, publicKey }) => ({ id, publicKey: scalePoint(publicKey) })),
    },
    shares: shares.map(({ id, secret, publicKey }) => ({
      id,
      secret: group.scalarMultiply(scalar, secret),
      publicKey: scalePoint(publicKey),
    })),
  }
}

/**
 * Factor and strip for conversions from one sector to another. `from` undefined means from the anchor, whose
 * scalar is one: enrolment into a sector is the conversion from the anchor.
 */
export function runFactorCeremony(
  group: Group,
  secrets: {
    readonly from: SharedSecret | undefined
    readonly to: SharedSecret
    readonly envelope: SharedSecret
  },
  { random }: CeremonyOptions,
): SharedFactor {
  const { from, to, envelope } = secrets
  const factor = from === undefined ? to : divideShared(group, to, from, { random })
  const product = multiplyShared(group, factor, envelope, { random })
  return { factor, strip: scaleShared(group, group.scalarNegate(scalarFromInt(1)), product) }
}

function divideShared(
  group: Group,
  dividend: SharedSecret,
  divisor: SharedSecret,
  { random }: CeremonyOptions,
): SharedSecret {
  const mask = shareSecret({ threshold: divisor.key.threshold, count: divisor.shares.length, random })
  const masked = multiplyShared(group, mask, divisor, { random })
  const opened = openShared(group, masked.key, masked.shares)
  const product = multiplyShared(group, mask, dividend, { random })
  return scaleShared(group, group.scalarInvert(opened), product)
}

/** Trustee: shows that its share of the factor belongs between the two sectors. */
export function witnessFactor(
  group: Group,
  share: Share,
  statement: { readonly from: Point; readonly envelope: Point; readonly random: RandomBytes },
): FactorWitness {
  const inputs = [statement.from, statement.envelope] as const
  const outputs = [group.multiply(share.secret, inputs[0]), group.multiply(share.secret, inputs[1])] as const
  const proof = proveDleq(group, share.secret, {
    publicKey: share.publicKey,
    inputs,
    outputs,
    context: WITNESS,
    random: statement.random,
  })
  return { id: share.id, outputs, proof }
}

/**
 * Anyone: checks that the published shares of factor and strip are sharings of degree t−1, that D·X_from = X_to,
 * and that the strip is −D·w. Needs the witnesses of t trustees.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_CEREMONY` saying what does not hold, or naming the trustee
 */
export function verifyFactor(
  group: Group,
  statement: {
    readonly from: Point
    readonly to: Point
    readonly envelope: Point
    readonly factor: SharedKey
    readonly strip: SharedKey
    readonly witnesses: readonly FactorWitness[]
  },
): void {
  const { from, to, envelope, factor, strip, witnesses } = statement
  requireSharing(group, factor)
  requireSharing(group, strip)
  if (witnesses.length < factor.threshold) {
    throw new CtidError('ERR_PSEUDONYM_CEREMONY', { detail: 'too few witnesses' })
  }
  for (const { id, outputs, proof } of witnesses) {
    const publicKey = factor.shares.find((share) => share.id === id)?.publicKey
    const proved =
      publicKey !== undefined &&
      verifyDleq(group, proof, { publicKey, inputs: [from, envelope], outputs, context: WITNESS })
    if (!proved) throw new CtidError('ERR_PSEUDONYM_CEREMONY', { detail: `party ${id}: witness not proved` })
  }
  const [toPoint, product] = [0, 1].map((which) =>
    combineAtZero(
      group,
      witnesses.map(({ id, outputs }) => ({ id, point: outputs[which] as Point })),
    ),
  ) as [Point, Point]
  if (!equalBytes(toPoint, to)) {
    throw new CtidError('ERR_PSEUDONYM_CEREMONY', { detail: 'the factor does not lead to the sector' })
  }
  const negated = group.multiply(group.scalarNegate(scalarFromInt(1)), product)
  if (!equalBytes(negated, strip.groupKey)) {
    throw new CtidError('ERR_PSEUDONYM_CEREMONY', { detail: 'the strip does not match the factor' })
  }
}

/**
 * Anyone: checks that all public shares lie on one polynomial of degree t−1 whose value at zero is the group key.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_CEREMONY`
 */
export function requireSharing(group: Group, key: SharedKey): void {
  const points = key.shares.map(({ id, publicKey }) => ({ id, point: publicKey }))
  const fixed = points.slice(0, key.threshold - 1)
  const rest = points.slice(key.threshold - 1)
  if (
    rest.length === 0 ||
    !rest.every((last) => equalBytes(combineAtZero(group, [...fixed, last]), key.groupKey))
  ) {
    throw new CtidError('ERR_PSEUDONYM_CEREMONY', {
      detail: 'the public shares are no sharing of the group key',
    })
  }
}
