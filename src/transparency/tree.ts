// The Merkle tree of RFC 6962: hashing, the shape of proofs, and the four verifiers. Pure; sizes up to 2^53 − 1.
import { equalBytes } from '../base/index.ts'
import { sha256, sha256Into } from '../crypto/index.ts'

/** Position of a perfect subtree: it covers leaves `index · 2^level` up to `(index + 1) · 2^level`, exclusive. */
export type TreeNode = { readonly level: number; readonly index: number }

/** Leaves `start` up to `end`, exclusive. */
export type LeafRange = { readonly start: number; readonly end: number }

/** Gives the hash of a perfect subtree. */
export type NodeReader = (node: TreeNode) => Uint8Array

/** Root of the tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array())

/** `SHA-256(0x00 ‖ entry)` (RFC 6962 section 2.1). */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(leafInputOf(entry))
}

/**
 * Hashes bytes with another first byte, in place: with 0x00 there and an entry behind it, that is the hash of a leaf, with 0x01
 * and two hashes that of a node. The byte is put back, so that the bytes may lie among others that are needed.
 */
export function hashPrefixed(prefix: 0 | 1, bytes: Uint8Array, out: Uint8Array, offset: number): void {
  const before = bytes[0] as number
  bytes[0] = prefix
  sha256Into(bytes, out, offset)
  bytes[0] = before
}

// Input buffers are kept: SHA-256 is synchronous and does not keep them, and allocation would cost as much as hashing.
// Most entries of a log have one length.
let leafInput = new Uint8Array(74)

function leafInputOf(entry: Uint8Array): Uint8Array {
  if (leafInput.length !== entry.length + 1) leafInput = new Uint8Array(entry.length + 1)
  leafInput.set(entry, 1)
  return leafInput
}

const nodeInput = new Uint8Array(65)
nodeInput[0] = 1

/** `SHA-256(0x01 ‖ left ‖ right)` (RFC 6962 section 2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.set(left, 1)
  nodeInput.set(right, 33)
  return sha256(nodeInput)
}

/**
 * The perfect subtrees, left to right, that make up a range as the tree cuts it. `start` must be a multiple of the
 * largest power of two not above the range's length, which holds for every range that a proof names.
 */
export function perfectSubtrees(range: LeafRange): TreeNode[] {
  const nodes: TreeNode[] = []
  let { start } = range
  while (start < range.end) {
    const level = floorLog2(range.end - start)
    nodes.push({ level, index: start / 2 ** level })
    start += 2 ** level
  }
  return nodes
}

/** Hash of a range: the perfect subtrees folded from the right. */
export function rangeHash(range: LeafRange, read: NodeReader): Uint8Array {
  return rootOf(perfectSubtrees(range).map(read))
}

/** Root of a tree from its perfect subtrees, largest first (RFC 6962 section 2.1). */
export function rootOf(subtrees: readonly Uint8Array[]): Uint8Array {
  const last = subtrees.at(-1)
  if (last === undefined) return EMPTY_ROOT
  return subtrees.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last)
}

/** The ranges whose hashes are the inclusion proof of a leaf, from the leaf's sibling to the root's child. */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const split = start + splitPoint(end - start)
    if (index < split) {
      ranges.push({ start: split, end })
      end = split
    } else {
      ranges.push({ start, end: split })
      start = split
    }
  }
  return ranges.reverse()
}

/** The ranges whose hashes are the consistency proof between two sizes (RFC 6962 section 2.1.2). */
export function consistencyRanges(oldSize: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = []
  let start = 0
  let end = size
  // The old root itself is left out of the proof when it is a node of the new tree.
  let knownToVerifier = true
  while (end !== oldSize) {
    const split = start + splitPoint(end - start)
    if (oldSize <= split) {
      ranges.push({ start: split, end })
      end = split
    } else {
      ranges.push({ start, end: split })
      start = split
      knownToVerifier = false
    }
  }
  if (!knownToVerifier) ranges.push({ start, end })
  return ranges.reverse()
}

/** Whether `[start, end)` is a subtree in the sense of draft-ietf-plants-merkle-tree-certs section 4.1. */
export function isSubtree({ start, end }: LeafRange): boolean {
  if (!isSize(start) || !isSize(end) || start >= end) return false
  const length = end - start
  return length === 1 || start % (2 * splitPoint(length)) === 0
}

export type InclusionClaim = {
  /** Zero-based position of the leaf in the tree. */
  readonly index: number
  readonly size: number
  readonly leaf: Uint8Array
  readonly root: Uint8Array
}

/** Whether `proof` shows that `leaf` (a leaf hash) is at `index` of the tree (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(proof: readonly Uint8Array[], claim: InclusionClaim): boolean {
  return verifySubtreeInclusion(proof, { ...claim, start: 0, end: claim.size })
}

export type SubtreeInclusionClaim = LeafRange & {
  readonly index: number
  readonly leaf: Uint8Array
  readonly root: Uint8Array
}

/** As {@link verifyInclusion}, against the hash of a subtree (draft-ietf-plants-merkle-tree-certs section 4.3). */
export function verifySubtreeInclusion(proof: readonly Uint8Array[], claim: SubtreeInclusionClaim): boolean {
  const { start, end, index } = claim
  if (!isSubtree(claim) || !isSize(index) || index < start || index >= end) return false
  if (!areHashes([claim.leaf, claim.root, ...proof])) return false
  let node = index - start
  let last = end - start - 1
  let hash = claim.leaf
  for (const sibling of proof) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      hash = nodeHash(sibling, hash)
      while (node !== 0 && !isOdd(node)) {
        node = half(node)
        last = half(last)
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && equalBytes(hash, claim.root)
}

export type ConsistencyClaim = {
  readonly oldSize: number
  readonly size: number
  readonly oldRoot: Uint8Array
  readonly root: Uint8Array
}

/**
 * Whether `proof` shows that the older tree is a prefix of the newer (RFC 9162 section 2.1.4.2). Size 0 is refused:
 * it has no proof, and the caller must decide what an empty past means.
 */
export function verifyConsistency(proof: readonly Uint8Array[], claim: ConsistencyClaim): boolean {
  if (claim.oldSize === 0) return false
  return verifySubtreeConsistency(proof, { ...claim, start: 0, end: claim.oldSize, hash: claim.oldRoot })
}

export type SubtreeConsistencyClaim = LeafRange & {
  readonly size: number
  /** Hash of the subtree. */
  readonly hash: Uint8Array
  /** Root of the whole tree. */
  readonly root: Uint8Array
}

/**
 * Whether `proof` shows that a subtree belongs to the tree (draft-ietf-plants-merkle-tree-certs section 4.4.3).
 * An empty subtree belongs to every tree.
 */
export function verifySubtreeConsistency(
  proof: readonly Uint8Array[],
  claim: SubtreeConsistencyClaim,
): boolean {
  if (!isSize(claim.start) || !isSize(claim.size) || claim.end > claim.size) return false
  if (claim.start === claim.end) return proof.length === 0 && equalBytes(claim.hash, EMPTY_ROOT)
  if (!isSubtree(claim)) return false
  // Without a proof the two hashes are only compared with each other, whatever they are.
  if (proof.length > 0 && !areHashes([claim.hash, claim.root, ...proof])) return false
  let first = claim.start
  let second = claim.end - 1
  let last = claim.size - 1
  const shift = () => {
    first = half(first)
    second = half(second)
    last = half(last)
  }
  while (first !== second && (second === last || isOdd(second))) shift()

  // When the subtree is one node of the tree, the verifier starts from its hash; else the proof gives the start.
  const rest = first === second ? proof : proof.slice(1)
  const seed = first === second ? claim.hash : proof[0]
  if (seed === undefined) return false
  let subtree = seed
  let whole = seed
  for (const sibling of rest) {
    if (last === 0) return false
    if (isOdd(second) || second === last) {
      if (first < second) subtree = nodeHash(sibling, subtree)
      whole = nodeHash(sibling, whole)
      while (second !== 0 && !isOdd(second)) shift()
    } else {
      whole = nodeHash(whole, sibling)
    }
    shift()
  }
  return last === 0 && equalBytes(subtree, claim.hash) && equalBytes(whole, claim.root)
}

/** Whether a number can be a tree size or an index. */
export function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function areHashes(values: readonly Uint8Array[]): boolean {
  return values.every((value) => value.length === 32)
}

// Bit operations of JavaScript are 32 bits wide; a log may be larger.
const half = (value: number): number => Math.floor(value / 2)
const isOdd = (value: number): boolean => value % 2 === 1

function floorLog2(value: number): number {
  const estimate = Math.floor(Math.log2(value))
  if (2 ** estimate > value) return estimate - 1
  return 2 ** (estimate + 1) <= value ? estimate + 1 : estimate
}

// The largest power of two below n (n > 1).
function splitPoint(n: number): number {
  return 2 ** floorLog2(n - 1)
}
