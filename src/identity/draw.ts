// A small reproducible source of draws for synthetic data: SHA-256 of a seed and a counter. Not for secrets.
import { framed, uintBytes } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'

export type Draw = {
  /** Uniform integer in [0, below), below at most 2^31; the bias of the modulus is under 2^-16 for below < 2^16. */
  integer(below: number): number
  /** One of the choices, of which there must be at least one. */
  pick<const T>(choices: readonly T[]): T
}

/** The same seed gives the same draws on every machine. */
export function drawFrom(seed: string): Draw {
  let block = new DataView(new ArrayBuffer(0))
  let offset = 0
  let counter = 0
  const integer = (below: number): number => {
    if (offset + 4 > block.byteLength) {
      const bytes = new Uint8Array(sha256(framed('ctid/synthetic/v1', seed, uintBytes(counter++, 6))))
      block = new DataView(bytes.buffer)
      offset = 0
    }
    const value = block.getUint32(offset)
    offset += 4
    return value % below
  }
  return { integer, pick: <T>(choices: readonly T[]) => choices[integer(choices.length)] as T }
}
