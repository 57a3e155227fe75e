// Prefix trees, the keeper's side: labels in typed arrays (about 130 bytes each), hashing put off until a root is asked
// for, so that a batch hashes its common upper nodes once. The arrays are pages of fixed length: a tree of any size grows
// without being copied. It is rebuilt from the log at start: there is no node store.
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

const PAGE_BITS = 12
const PAGE = 1 << PAGE_BITS
const IN_PAGE = PAGE - 1

type NodePage = {
  /** Two references per node. */
  readonly children: Int32Array
  readonly hashes: Uint8Array
  /** 1 where the hash must be computed anew. */
  readonly stale: Uint8Array
}

/** An empty tree. */
export function createPrefixTree(): PrefixTree {
  const leaves: Uint8Array[] = []
  const nodes: NodePage[] = []
  let leafCount = 0
  let nodeCount = 0
  let top: Reference = 0

  const leafAt = (reference: Reference): PrefixLeaf => {
    const leaf = -reference - 1
    const page = leaves[leaf >> PAGE_BITS] as Uint8Array
    const start = (leaf & IN_PAGE) * 64
    return { label: page.subarray(start, start + 32), value: page.subarray(start + 32, start + 64) }
  }
  // A slot is a place for a reference: twice the node, plus the bit.
  const pageOf = (slot: number): NodePage => nodes[slot >> (PAGE_BITS + 1)] as NodePage
  const childAt = (slot: number): Reference => pageOf(slot).children[slot & (2 * PAGE - 1)] as number
  const setChild = (slot: number, reference: Reference): void => {
    pageOf(slot).children[slot & (2 * PAGE - 1)] = reference
  }
  const setStale = (slot: number): void => {
    pageOf(slot).stale[(slot >> 1) & IN_PAGE] = 1
  }

  function addLeaf(leaf: PrefixLeaf): Reference {
    if ((leafCount & IN_PAGE) === 0) leaves.push(new Uint8Array(PAGE * 64))
    const page = leaves[leafCount >> PAGE_BITS] as Uint8Array
    page.set(leaf.label, (leafCount & IN_PAGE) * 64)
    page.set(leaf.value, (leafCount & IN_PAGE) * 64 + 32)
    return -++leafCount
  }

  function addNode(): Reference {
    if ((nodeCount & IN_PAGE) === 0) {
      nodes.push({
        children: new Int32Array(PAGE * 2),
        hashes: new Uint8Array(PAGE * 32),
        stale: new Uint8Array(PAGE),
      })
    }
    setStale(nodeCount * 2)
    return ++nodeCount
  }

  function hashOf(reference: Reference): Uint8Array {
    if (reference === 0) return EMPTY_NODE
    if (reference < 0) return prefixLeafHash(leafAt(reference))
    const slot = (reference - 1) * 2
    const { hashes, stale } = pageOf(slot)
    const node = (reference - 1) & IN_PAGE
    const stored = hashes.subarray(node * 32, node * 32 + 32)
    if (stale[node] === 1) {
      const left = hashOf(childAt(slot))
      stored.set(prefixParentHash(left, hashOf(childAt(slot + 1))))
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
      at = childAt(slot)
    }
    return { path, end: at }
  }

  return {
    size: () => leafCount,
    insert(leaf) {
      if (leaf.label.length !== 32 || leaf.value.length !== 32) throw new CtidError('ERR_LOG_ENTRY')
      const { path, end } = walk(leaf.label)
      if (end < 0 && equalBytes(leafAt(end).label, leaf.label)) throw new CtidError('ERR_LOG_DUPLICATE')
      for (const slot of path) setStale(slot)
      let reference = addLeaf(leaf)
      if (end < 0) reference = branch(end, reference, path.length)
      const slot = path.at(-1)
      if (slot === undefined) top = reference
      else setChild(slot, reference)
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
      const siblings = path.map((slot) => hashOf(childAt(slot ^ 1)).slice())
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
    setChild((reference - 1) * 2 + labelBit(oldLabel, parting), old)
    setChild((reference - 1) * 2 + labelBit(newLabel, parting), added)
    for (let level = parting - 1; level >= depth; level--) {
      const upper = addNode()
      setChild((upper - 1) * 2 + labelBit(newLabel, level), reference)
      reference = upper
    }
    return reference
  }
}
