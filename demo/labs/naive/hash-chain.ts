// Wrong on purpose: a "blockchain" kept by one operator. Each reader checks the chain it is shown, alone, and remembers nothing.
import { concatBytes, equalBytes } from '#ctid/base'
import { sha256 } from '#ctid/crypto'

export type Chain = { readonly entries: readonly Uint8Array[]; readonly head: Uint8Array }

export function makeChain(entries: readonly Uint8Array[]): Chain {
  return { entries, head: headOf(entries) }
}

/** Whether the chain hangs together. It always does, whatever was left out before it was made. */
export function acceptsChain({ entries, head }: Chain): boolean {
  return equalBytes(headOf(entries), head)
}

function headOf(entries: readonly Uint8Array[]): Uint8Array {
  return entries.reduce((head, entry) => sha256(concatBytes(head, sha256(entry))), new Uint8Array(32))
}
