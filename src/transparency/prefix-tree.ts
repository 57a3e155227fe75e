// Prefix trees, the keeper's side: labels in typed arrays (about 130 bytes each), hashing put off until a root is asked
// for, so that a batch hashes its common upper nodes once. It is rebuilt from the log at start: there is no node store.
import { CtidError, equalBytes } from '../base/index.ts'
import {
  EMPTY_NODE,
  labelBit,
  type PrefixLeaf,
  type PrefixProof,
  prefixLeafHash,
  prefixParentHash,
} from './prefix-proof.ts'

export type PrefixTree = {
  /** Number of labels. */
  size(): number
  /** Adds a leaf. Throws `ERR_LOG_DUPLICATE` when the label is there already, whatever its value. */
  insert(leaf: PrefixLeaf): void
  /** Value of a label, or `undefined`. */
  get(label: Uint8Array): Uint8Array | undefined
  /** How many labels were inserted before this one, or `undefined` when it is not there. */
  position(label: Uint8Array): number | undefined
  /** Root hash: 32 zero bytes for an empty tree, the leaf hash for a single label. */
  root(): Uint8Array
  /** Proof that a label is present or absent, against the present root. */
  prove(label: Uint8Array): PrefixProof
}

// A reference: 0 nothing, n > 0 inner node n − 1, n < 0 leaf −n − 1.
type Reference = number

/** An empty tree. `capacity` is the expected number of labels; it grows by itself. */
export function createPrefixTree(capacity = 1024): PrefixTree {
  let leaves = new Uint8Array(capacity * 64)
  let children = new Int32Array(capacity * 3)
  let hashes = new Uint8Array(capacity * 48)
  let stale = new Uint8Array(capacity * 1.5)
  let leafCount = 0
  let nodeCount = 0
  let top: Reference = 0

  const leafAt = (reference: Reference): PrefixLeaf => {
    const start = (-reference - 1) * 64
    return { label: leaves.subarray(start, start + 32), value: leaves.subarray(start + 32, start + 64) }
  }

  function addLeaf(leaf: PrefixLeaf): Reference {
    if ((leafCount + 1) * 64 > leaves.length) leaves = grow(leaves, Uint8Array)
    leaves.set(leaf.label, leafCount * 64)
    leaves.set(leaf.value, leafCount * 64 + 32)
    return -++leafCount
  }

  function addNode(): Reference {
    if (nodeCount === stale.length) {
      children = grow(children, Int32Array)
      hashes = grow(hashes, Uint8Array)
      stale = grow(stale, Uint8Array)
    }
    stale[nodeCount] = 1
    return ++nodeCount
  }

  function hashOf(reference: Reference): Uint8Array {
    if (reference === 0) return EMPTY_NODE
    if (reference < 0) return prefixLeafHash(leafAt(reference))
    const node = reference - 1
    const stored = hashes.subarray(node * 32, node * 32 + 32)
    if (stale[node] === 1) {
      const left = hashOf(children[node * 2] as number)
      stored.set(prefixParentHash(left, hashOf(children[node * 2 + 1] as number)))
      stale[node] = 0
    }
    return stored
  }

  // Walks down along a label: the slots passed, and what stands at the end.
  function walk(label: Uint8Array): { path: number[]; end: Reference } {
    const path: number[] = []
    let at = top
    while (at > 0) {
      const slot = (at - 1) * 2 + labelBit(label, path.length)
      path.push(slot)
      at = children[slot] as number
    }
    return { path, end: at }
  }

  return {
    size: () => leafCount,
    insert(leaf) {
      if (leaf.label.length !== 32 || leaf.value.length !== 32) throw new CtidError('ERR_LOG_ENTRY')
      const { path, end } = walk(leaf.label)
      if (end < 0 && equalBytes(leafAt(end).label, leaf.label)) throw new CtidError('ERR_LOG_DUPLICATE')
      for (const slot of path) stale[slot >> 1] = 1
      let reference = addLeaf(leaf)
      if (end < 0) reference = branch(end, reference, path.length)
      const slot = path.at(-1)
      if (slot === undefined) top = reference
      else children[slot] = reference
    },
    get(label) {
      const { end } = walk(label)
      const leaf = end < 0 ? leafAt(end) : undefined
      return leaf && equalBytes(leaf.label, label) ? leaf.value.slice() : undefined
    },
    position(label) {
      const { end } = walk(label)
      return end < 0 && equalBytes(leafAt(end).label, label) ? -end - 1 : undefined
    },
    root: () => hashOf(top).slice(),
    prove(label) {
      const { path, end } = walk(label)
      const siblings = path.map((slot) => hashOf(children[slot ^ 1] as number).slice())
      if (end === 0) return { kind: 'empty', siblings }
      const { label: found, value } = leafAt(end)
      if (equalBytes(found, label)) return { kind: 'present', siblings }
      return { kind: 'other', siblings, other: { label: found.slice(), value: value.slice() } }
    },
  }

  // The chain of nodes from `depth` to where two leaves part.
  function branch(old: Reference, added: Reference, depth: number): Reference {
    const [oldLabel, newLabel] = [leafAt(old).label, leafAt(added).label]
    let parting = depth
    while (labelBit(oldLabel, parting) === labelBit(newLabel, parting)) parting++
    let reference = addNode()
    children[(reference - 1) * 2 + labelBit(oldLabel, parting)] = old
    children[(reference - 1) * 2 + labelBit(newLabel, parting)] = added
    for (let level = parting - 1; level >= depth; level--) {
      const upper = addNode()
      children[(upper - 1) * 2 + labelBit(newLabel, level)] = reference
      reference = upper
    }
    return reference
  }
}

function grow<A extends Uint8Array | Int32Array>(old: A, Type: new (length: number) => A): A {
  const larger = new Type(old.length * 2)
  larger.set(old)
  return larger
}
