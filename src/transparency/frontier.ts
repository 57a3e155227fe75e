// The right edge of a growing tree: enough to append leaves and to know the root, in a logarithm of hashes.
import { EMPTY_ROOT, nodeHash } from './tree.ts'

/** Perfect subtrees of the tree so far, largest first: one hash per set bit of `size`. */
export type Frontier = { size: number; readonly hashes: Uint8Array[] }

/** Called with every perfect subtree that a new leaf completes, from the leaf (level 0) upwards. */
export type OnNode = (level: number, hash: Uint8Array) => void

export function emptyFrontier(): Frontier {
  return { size: 0, hashes: [] }
}

export function copyFrontier(frontier: Frontier): Frontier {
  return { size: frontier.size, hashes: [...frontier.hashes] }
}

/** Appends a leaf hash in place. Over many leaves this costs one node hash per leaf. */
export function appendLeaf(frontier: Frontier, leaf: Uint8Array, onNode?: OnNode): void {
  let hash = leaf
  let position = frontier.size
  let level = 0
  onNode?.(0, hash)
  while (position % 2 === 1) {
    hash = nodeHash(frontier.hashes.pop() as Uint8Array, hash)
    position = (position - 1) / 2
    level++
    onNode?.(level, hash)
  }
  frontier.hashes.push(hash)
  frontier.size++
}

/** Root of the tree (RFC 6962 section 2.1). */
export function frontierRoot(frontier: Frontier): Uint8Array {
  const last = frontier.hashes.at(-1)
  if (last === undefined) return EMPTY_ROOT
  return frontier.hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last)
}
