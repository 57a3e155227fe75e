// Unbiased integers and orders from random bytes.
import type { RandomBytes } from './bytes.ts'

/** A uniformly random order (Fisher and Yates), from unbiased indices. */
export function shuffle<T>(items: readonly T[], random: RandomBytes): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = uniformBelow(i + 1, random)
    ;[out[i], out[j]] = [out[j] as T, out[i] as T]
  }
  return out
}

/** Uniform integer in 0 … bound − 1, by rejection. `bound` at most 2^48. */
export function uniformBelow(bound: number, random: RandomBytes): number {
  const space = 2 ** 48
  const limit = space - (space % bound)
  for (;;) {
    const value = random(6).reduce((sum, byte) => sum * 256 + byte, 0)
    if (value < limit) return value % bound
  }
}
