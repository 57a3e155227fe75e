// Noise for differential privacy: the discrete Laplace distribution, sampled exactly with integers
// (Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy", 2020, algorithms 1 and 2).
// No floating point enters, so the attack of Mironov (2012) on floating-point Laplace noise has nothing to work on.
import { CtidError, type RandomBytes, uniformBelow } from '../base/index.ts'

/** Privacy loss in thousandths: 1000 is ε = 1. Whole numbers, so that budgets add up exactly. */
export type EpsilonMilli = number

const LARGEST_SCALE = 2 ** 31

/**
 * An integer with P(x) proportional to exp(−|x|·ε/Δ), ε = epsilonMilli/1000: added to a whole-number answer that one
 * person can change by at most Δ = `sensitivity`, it makes the answer ε-differentially private.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_QUERY` when a parameter is not a positive whole number in range
 */
export function discreteLaplace(
  { epsilonMilli, sensitivity }: { readonly epsilonMilli: EpsilonMilli; readonly sensitivity: number },
  random: RandomBytes,
): number {
  const t = sensitivity * 1000
  const s = epsilonMilli
  if (!isWhole(s) || !isWhole(sensitivity) || t > LARGEST_SCALE) throw new CtidError('ERR_PSEUDONYM_QUERY')
  for (;;) {
    const u = uniformBelow(t, random)
    if (!bernoulliExp(u, t, random)) continue
    let v = 0
    while (bernoulliExp(1, 1, random)) v++
    const magnitude = Math.floor((u + t * v) / s)
    const negative = uniformBelow(2, random) === 1
    if (negative && magnitude === 0) continue
    return negative ? -magnitude : magnitude
  }
}

/** True with probability exp(−numerator/denominator), for a fraction from 0 to 1. */
export function bernoulliExp(numerator: number, denominator: number, random: RandomBytes): boolean {
  let k = 1
  while (uniformBelow(denominator * k, random) < numerator) k++
  return k % 2 === 1
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= LARGEST_SCALE
}
