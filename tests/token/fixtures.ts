// What the token tests share: both backends, reproducible randomness, and a ceremony's result.
import { runCeremony } from '#ctid/token'
import { framed, type RandomBytes, uintBytes, utf8 } from '../../src/base/index.ts'
import { type Group, loadSodiumGroup, nobleGroup, sha512 } from '../../src/crypto/index.ts'

export const sodium: Group = await loadSodiumGroup()
export const groups: readonly (readonly [string, Group])[] = [
  ['sodium', sodium],
  ['noble', nobleGroup],
]

/** Reproducible bytes: SHA-512 of a seed and a counter. */
export function seeded(seed: string): RandomBytes {
  let counter = 0
  return (length) => {
    const out = new Uint8Array(length)
    for (let offset = 0; offset < length; offset += 64) {
      out.set(sha512(framed(seed, uintBytes(counter++, 6))).subarray(0, length - offset), offset)
    }
    return out
  }
}

export function ceremony(threshold: number, count: number, seed = 'ceremony') {
  return runCeremony({ threshold, count, random: seeded(seed), group: sodium })
}

export const identities = (count: number, name = 'person') =>
  Array.from({ length: count }, (_, i) => utf8(`${name} ${i}`))

export function subsets(items: readonly number[], size: number): number[][] {
  if (size === 0) return [[]]
  return items.flatMap((item, i) => subsets(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]))
}
