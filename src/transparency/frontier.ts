// The right edge of a growing tree: enough to append leaves and to know the root, in a logarithm of hashes.
import { sha256Into } from '../crypto/index.ts'
import { rootOf } from './tree.ts'

/**
 * The tree so far. Per level one hash input, `0x01 ‖ left ‖ right`: a perfect subtree that waits for its sibling stands
 * on the left, and every hash is written where the next one reads it.
 */
export type Frontier = { size: number; readonly inputs: Uint8Array[] }

/** Called with every perfect subtree that a new leaf completes, from the leaf (level 0) upwards: 32 bytes at `offset`. */
export type OnNode = (level: number, bytes: Uint8Array, offset: number) => void

const LEFT = 1
const RIGHT = 33

export function emptyFrontier(): Frontier {
  return { size: 0, inputs: [newInput()] }
}

export function copyFrontier({ size, inputs }: Frontier): Frontier {
  return { size, inputs: inputs.map((input) => input.slice()) }
}

/** Appends a leaf hash in place. Over many leaves this costs one node hash per leaf. */
export function appendLeaf(frontier: Frontier, leaf: Uint8Array, onNode?: OnNode): void {
  inputAt(frontier, 0).set(leaf, sideOf(frontier.size))
  climb(frontier, onNode)
}

function climb(frontier: Frontier, onNode: OnNode | undefined): void {
  let position = frontier.size
  let level = 0
  let input = inputAt(frontier, 0)
  onNode?.(0, input, sideOf(position))
  while (position % 2 === 1) {
    position = (position - 1) / 2
    level++
    const parent = inputAt(frontier, level)
    sha256Into(input, parent, sideOf(position))
    onNode?.(level, parent, sideOf(position))
    input = parent
  }
  frontier.size++
}

/** Root of the tree (RFC 6962 section 2.1). */
export function frontierRoot({ size, inputs }: Frontier): Uint8Array {
  return rootOf(levelsOf(size).map((level) => (inputs[level] as Uint8Array).slice(LEFT, RIGHT)))
}

function levelsOf(size: number): number[] {
  const levels: number[] = []
  for (let rest = size, level = 0; rest > 0; rest = Math.floor(rest / 2), level++) {
    if (rest % 2 === 1) levels.unshift(level)
  }
  return levels
}

function inputAt({ inputs }: Frontier, level: number): Uint8Array {
  while (inputs.length <= level) inputs.push(newInput())
  return inputs[level] as Uint8Array
}

function newInput(): Uint8Array {
  const input = new Uint8Array(65)
  input[0] = 1
  return input
}

function sideOf(position: number): number {
  return position % 2 === 1 ? RIGHT : LEFT
}
