// Guessing ID numbers: the candidates an attacker tries, and the one attack that lab 01 runs against every design.
import { equalBytes, utf8 } from '#ctid/base'
import { breathe, timed } from './lab.ts'
import type { LabelDesign, Loot, StoredLabel } from './naive/plain-hash.ts'

/** What the attacker does not know: area codes (six digits) and sequence numbers to try, for one birth date. */
export type Unknown = {
  readonly areas: readonly string[]
  readonly birth: string
  readonly orders: readonly number[]
}

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2] as const
const CHECK = utf8('10X98765432')

/** All numbers with valid check digits, each in the same array: copy what you keep. About 10 million a second. */
export function* candidates({ areas, birth, orders }: Unknown): Generator<Uint8Array> {
  const id = new Uint8Array(18)
  for (const area of areas) {
    id.set(utf8(area + birth))
    let fixed = 0
    for (let i = 0; i < 14; i++) fixed += (WEIGHTS[i] ?? 0) * ((id[i] ?? 48) - 48)
    for (const order of orders) {
      const [hundreds, tens, ones] = [Math.floor(order / 100), Math.floor(order / 10) % 10, order % 10]
      id[14] = 48 + hundreds
      id[15] = 48 + tens
      id[16] = 48 + ones
      id[17] = CHECK[(fixed + 8 * hundreds + 4 * tens + 2 * ones) % 11] ?? 48
      yield id
    }
  }
}

export type Reversal = {
  readonly found: string | undefined
  readonly tried: number
  readonly seconds: number
}

/** The attack: compute the label of each candidate and compare. The same function against every design. */
export async function reverse(
  design: LabelDesign,
  stored: StoredLabel,
  options: { readonly loot: Loot; readonly unknown: Unknown; readonly signal?: AbortSignal | undefined },
): Promise<Reversal> {
  const guesser = design.guesser(stored, options.loot)
  if (!guesser) return { found: undefined, tried: 0, seconds: 0 }
  await breathe(options.signal)
  let tried = 0
  const { value, seconds } = await timed(() => {
    for (const candidate of candidates(options.unknown)) {
      tried++
      if (equalBytes(guesser(candidate), stored.label)) return new TextDecoder().decode(candidate)
    }
    return undefined
  })
  return { found: value, tried, seconds }
}
