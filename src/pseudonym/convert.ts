// One trustee's blind share of a conversion, its proof, and the combination of t shares.
//
// Input row (c1, c2) = (r·G, r·(Y + W) + P): P under the receiver's key Y and the trustees' envelope key W = w·G together.
// Trustee j holds shares d_j of the factor D = x_to/x_from and f_j of the strip −D·w, picks a fresh s, and returns
//   z1 = d_j·c1 + s·G          z2 = d_j·c2 + f_j·c1 + s·Y
// Σ λ_j of these is an encryption of D·P under Y alone with fresh randomness. Nobody but the receiver can read the
// result, nor link it with the row, so that neither the gateway nor the two departments together need be trusted.
import { framed, type RandomBytes, utf8 } from '../base/index.ts'
import { type Group, lagrangeAtZero, type Point, type Scalar, sha256 } from '../crypto/index.ts'
import type { Ciphertext } from './elgamal.ts'
import { type Equation, fold, foldWeights, proveRelation, verifyRelation } from './relation.ts'

/** A trustee's secret shares for one ordered pair of sectors. */
export type FactorShare = { readonly factor: Scalar; readonly strip: Scalar }

/** Their public keys d_j·G and f_j·G, by which every proof is checked. */
export type PublicFactorShare = { readonly id: number; readonly factor: Point; readonly strip: Point }

/** What one trustee answers: as many ciphertexts as rows, and one proof of 128 bytes for all of them. */
export type ConversionPart = {
  readonly trustee: number
  readonly outputs: readonly Ciphertext[]
  readonly proof: Uint8Array
}

export type ConversionStatement = {
  readonly publicShare: PublicFactorShare
  readonly inputs: readonly Ciphertext[]
  /** The receiver's key Y. */
  readonly recipient: Point
  /** The request and its phase; the proof is worthless elsewhere. */
  readonly context: Uint8Array
}

const PROOF_SECRETS = 3

/**
 * Trustee: converts every row blindly and proves it. Per row four multiplications and one by the generator for
 * the value, two more for the proof.
 */
export function convertRows(
  group: Group,
  share: FactorShare,
  statement: ConversionStatement & { readonly random: RandomBytes },
): ConversionPart {
  const { inputs, recipient, publicShare, random } = statement
  const fresh = inputs.map(() => group.randomScalar(random))
  const outputs = inputs.map(({ c1, c2 }, i) => {
    const s = fresh[i] as Scalar
    return {
      c1: group.add(group.multiply(share.factor, c1), group.multiplyBase(s)),
      c2: group.add(
        group.add(group.multiply(share.factor, c2), group.multiply(share.strip, c1)),
        group.multiply(s, recipient),
      ),
    }
  })
  const weights = batchWeights(group, statement, outputs)
  const m1 = fold(group, weights, inputs.map(firstOf))
  const m2 = fold(group, weights, inputs.map(secondOf))
  const s = weights
    .map((weight, i) => group.scalarMultiply(weight, fresh[i] as Scalar))
    .reduce((total, term) => group.scalarAdd(total, term))
  const z1 = group.add(group.multiply(share.factor, m1), group.multiplyBase(s))
  const z2 = group.add(
    group.add(group.multiply(share.factor, m2), group.multiply(share.strip, m1)),
    group.multiply(s, recipient),
  )
  const equations = relation(publicShare, recipient, { m1, m2, z1, z2 })
  const proof = proveRelation(
    group,
    [share.factor, share.strip, s],
    { equations, context: statement.context },
    random,
  )
  return { trustee: publicShare.id, outputs, proof }
}

/** Anyone with the rows: whether a trustee's part is right. Never throws on a bad part. Four multiplications a row. */
export function verifyPart(group: Group, part: ConversionPart, statement: ConversionStatement): boolean {
  const { inputs, recipient, publicShare, context } = statement
  if (part.trustee !== publicShare.id || part.outputs.length !== inputs.length || inputs.length === 0) {
    return false
  }
  try {
    const weights = batchWeights(group, statement, part.outputs)
    const folded = {
      m1: fold(group, weights, inputs.map(firstOf)),
      m2: fold(group, weights, inputs.map(secondOf)),
      z1: fold(group, weights, part.outputs.map(firstOf)),
      z2: fold(group, weights, part.outputs.map(secondOf)),
    }
    const equations = relation(publicShare, recipient, folded)
    return verifyRelation(group, part.proof, PROOF_SECRETS, { equations, context })
  } catch {
    return false
  }
}

/** Combines the parts of t trustees to encryptions under the receiver's key alone. 2t multiplications a row. */
export function combineParts(group: Group, parts: readonly ConversionPart[]): Ciphertext[] {
  const coefficients = lagrangeAtZero(
    group,
    parts.map((part) => part.trustee),
  )
  const scaled = parts.map(({ trustee, outputs }) => {
    const coefficient = coefficients.get(trustee) as Scalar
    return outputs.map(({ c1, c2 }) => ({
      c1: group.multiply(coefficient, c1),
      c2: group.multiply(coefficient, c2),
    }))
  })
  return scaled.reduce((total, part) =>
    total.map((row, i) => {
      const { c1, c2 } = part[i] as Ciphertext
      return { c1: group.add(row.c1, c1), c2: group.add(row.c2, c2) }
    }),
  )
}

type Folded = { readonly m1: Point; readonly m2: Point; readonly z1: Point; readonly z2: Point }

// Secrets: 0 = factor share, 1 = strip share, 2 = folded fresh randomness.
function relation(share: PublicFactorShare, recipient: Point, { m1, m2, z1, z2 }: Folded): Equation[] {
  return [
    { result: share.factor, terms: [{ secret: 0 }] },
    { result: share.strip, terms: [{ secret: 1 }] },
    { result: z1, terms: [{ secret: 0, base: m1 }, { secret: 2 }] },
    {
      result: z2,
      terms: [
        { secret: 0, base: m2 },
        { secret: 1, base: m1 },
        { secret: 2, base: recipient },
      ],
    },
  ]
}

function batchWeights(
  group: Group,
  statement: ConversionStatement,
  outputs: readonly Ciphertext[],
): Scalar[] {
  const { publicShare, recipient, inputs, context } = statement
  const seed = sha256(
    framed(
      utf8('CTID-conversion-fold'),
      context,
      publicShare.factor,
      publicShare.strip,
      recipient,
      digest(inputs),
      digest(outputs),
    ),
  )
  return foldWeights(group, seed, inputs.length)
}

function digest(rows: readonly Ciphertext[]): Uint8Array {
  const bytes = new Uint8Array(64 * rows.length)
  rows.forEach(({ c1, c2 }, i) => {
    bytes.set(c1, 64 * i)
    bytes.set(c2, 64 * i + 32)
  })
  return sha256(bytes)
}

const firstOf = (row: Ciphertext): Point => row.c1
const secondOf = (row: Ciphertext): Point => row.c2
