// The append-only audit between two epochs: from the old root, the labels added, and a proof of the part of the old tree
// that they touch, an auditor computes the new root. Nothing can have been removed, changed, or added twice.
import { CtidError, concatBytes, equalBytes, uintBytes } from '../base/index.ts'
import {
  EMPTY_NODE,
  labelBit,
  type PrefixLeaf,
  type PrefixProof,
  prefixLeafHash,
  prefixParentHash,
} from './prefix-proof.ts'

// What an auditor sees of the old tree: untouched subtrees are only their hash.
type Part =
  | { readonly kind: 'empty' }
  | { readonly kind: 'leaf'; readonly leaf: PrefixLeaf }
  | { readonly kind: 'stub'; readonly hash: Uint8Array }
  | { readonly kind: 'node'; readonly children: readonly [Part, Part] }

const EMPTY: Part = { kind: 'empty' }
const OPCODES = ['empty', 'leaf', 'stub', 'node'] as const

/**
 * Proof for an update, made before the labels are inserted: the old tree along the paths of `added`, in pre-order, one
 * byte per part and 32 (stub) or 64 (leaf) bytes of content. `prove` is the old tree's.
 */
export function proveUpdate(
  prove: (label: Uint8Array) => PrefixProof,
  added: readonly PrefixLeaf[],
): Uint8Array<ArrayBuffer> {
  let part: Part | undefined
  for (const { label } of added) part = merge(part, prove(label), label)
  return encodePart(part ?? EMPTY)
}

// Lays the path of one non-inclusion proof over what is known already.
function merge(known: Part | undefined, proof: PrefixProof, label: Uint8Array): Part {
  if (proof.kind === 'present') throw new CtidError('ERR_LOG_DUPLICATE')
  const end: Part = proof.other ? { kind: 'leaf', leaf: proof.other } : EMPTY
  const lay = (part: Part | undefined, depth: number): Part => {
    const sibling = proof.siblings[depth]
    if (sibling === undefined) return end
    const stub: Part = equalBytes(sibling, EMPTY_NODE) ? EMPTY : { kind: 'stub', hash: sibling }
    const [left, right] = part?.kind === 'node' ? part.children : [undefined, undefined]
    return labelBit(label, depth) === 0
      ? { kind: 'node', children: [lay(left, depth + 1), right ?? stub] }
      : { kind: 'node', children: [left ?? stub, lay(right, depth + 1)] }
  }
  return lay(known, 0)
}

/**
 * Verifies an update.
 *
 * @throws {CtidError} `ERR_LOG_DUPLICATE` when a label was there before or is added twice, `ERR_LOG_PROOF` when the
 *   proof is malformed, does not give the old root, does not cover a label, or the result is not the new root
 */
export function verifyUpdate(
  proof: Uint8Array,
  { oldRoot, newRoot, added }: { oldRoot: Uint8Array; newRoot: Uint8Array; added: readonly PrefixLeaf[] },
): void {
  let part = decodePart(proof)
  if (!equalBytes(hashPart(part), oldRoot)) throw new CtidError('ERR_LOG_PROOF', { detail: 'old root' })
  for (const leaf of added) part = insert(part, leaf, 0)
  if (!equalBytes(hashPart(part), newRoot)) throw new CtidError('ERR_LOG_PROOF', { detail: 'new root' })
}

function insert(part: Part, leaf: PrefixLeaf, depth: number): Part {
  if (part.kind === 'empty') return { kind: 'leaf', leaf }
  if (part.kind === 'stub' || depth === 256)
    throw new CtidError('ERR_LOG_PROOF', { detail: 'label not covered' })
  if (part.kind === 'leaf') {
    if (equalBytes(part.leaf.label, leaf.label)) throw new CtidError('ERR_LOG_DUPLICATE')
    const children: [Part, Part] = labelBit(part.leaf.label, depth) === 0 ? [part, EMPTY] : [EMPTY, part]
    return insert({ kind: 'node', children }, leaf, depth)
  }
  const [left, right] = part.children
  return labelBit(leaf.label, depth) === 0
    ? { kind: 'node', children: [insert(left, leaf, depth + 1), right] }
    : { kind: 'node', children: [left, insert(right, leaf, depth + 1)] }
}

function hashPart(part: Part): Uint8Array {
  if (part.kind === 'empty') return EMPTY_NODE
  if (part.kind === 'leaf') return prefixLeafHash(part.leaf)
  if (part.kind === 'stub') return part.hash
  return prefixParentHash(hashPart(part.children[0]), hashPart(part.children[1]))
}

function encodePart(part: Part): Uint8Array<ArrayBuffer> {
  const opcode = uintBytes(OPCODES.indexOf(part.kind), 1)
  if (part.kind === 'empty') return opcode
  if (part.kind === 'leaf') return concatBytes(opcode, part.leaf.label, part.leaf.value)
  if (part.kind === 'stub') return concatBytes(opcode, part.hash)
  return concatBytes(opcode, encodePart(part.children[0]), encodePart(part.children[1]))
}

function decodePart(bytes: Uint8Array): Part {
  let offset = 0
  const take = (length: number): Uint8Array => {
    offset += length
    if (offset > bytes.length) throw new CtidError('ERR_LOG_PROOF', { detail: 'update' })
    return bytes.slice(offset - length, offset)
  }
  const read = (depth: number): Part => {
    const kind = OPCODES[take(1)[0] ?? 255]
    if (kind === undefined || depth > 256) throw new CtidError('ERR_LOG_PROOF', { detail: 'update' })
    if (kind === 'empty') return EMPTY
    if (kind === 'leaf') return { kind, leaf: { label: take(32), value: take(32) } }
    if (kind === 'stub') return { kind, hash: take(32) }
    return { kind, children: [read(depth + 1), read(depth + 1)] }
  }
  const part = read(0)
  if (offset !== bytes.length) throw new CtidError('ERR_LOG_PROOF', { detail: 'update' })
  return part
}
