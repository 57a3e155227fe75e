// A tree described for drawing: which nodes there are, which lie on a leaf's path, which make its proof.
import { CtidError } from '../base/index.ts'
import { inclusionRanges, type LeafRange } from './tree.ts'

/** A node of the tree as a page draws it. Leaves have height 0; `start` and `end` bound the leaves below it. */
export type DrawnNode = LeafRange & {
  readonly height: number
  /** Place in {@link DrawnTree.nodes}. */
  readonly id: number
  readonly parent?: number
  /** `path`: recomputed by the verifier; `proof`: given in the proof; `other`: not needed. */
  readonly role: 'path' | 'proof' | 'other'
}

export type DrawnTree = {
  readonly size: number
  readonly height: number
  readonly nodes: readonly DrawnNode[]
}

export type DrawOptions = {
  /** Mark the path and the proof of this leaf. */
  readonly index?: number
  /** Fold subtrees that are not on the path when the tree has more leaves than this. Default 64. */
  readonly maxLeaves?: number
}

/**
 * Nodes of the tree over `size` leaves, parents before children. Large trees show the path and the siblings only.
 *
 * @throws {CtidError} `ERR_LOG_PROOF` when the index is outside the tree
 */
export function describeTree(size: number, { index, maxLeaves = 64 }: DrawOptions = {}): DrawnTree {
  if (index !== undefined && !(index >= 0 && index < size)) throw new CtidError('ERR_LOG_PROOF')
  const folded = size > maxLeaves
  const nodes: DrawnNode[] = []
  const visit = ({ start, end }: LeafRange, parent: number | undefined, sibling: boolean): number => {
    const onPath = index !== undefined && index >= start && index < end
    const role = onPath ? 'path' : sibling ? 'proof' : 'other'
    const id = nodes.length
    const place =
      nodes.push({ start, end, height: 0, id, role, ...(parent === undefined ? {} : { parent }) }) - 1
    let height = 0
    if (end - start > 1 && (onPath || !folded)) {
      const split = start + 2 ** Math.floor(Math.log2(end - start - 1))
      const left = visit({ start, end: split }, id, onPath)
      height = 1 + Math.max(left, visit({ start: split, end }, id, onPath))
    } else if (end - start > 1) {
      height = Math.ceil(Math.log2(end - start))
    }
    nodes[place] = { ...(nodes[place] as DrawnNode), height }
    return height
  }
  const height = size === 0 ? 0 : visit({ start: 0, end: size }, undefined, false)
  return { size, height, nodes }
}

/** The steps of verifying an inclusion proof: the range of each sibling, and the side on which it stands. */
export function describeInclusion(
  index: number,
  size: number,
): { readonly range: LeafRange; readonly side: 'left' | 'right' }[] {
  return inclusionRanges(index, size).map((range) => ({ range, side: range.end <= index ? 'left' : 'right' }))
}
