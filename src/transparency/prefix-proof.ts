// Prefix trees, the verifier's side (hashing of draft-ietf-keytrans-protocol): where a label must stand, and proofs that
// it stands there or that nothing does. A label has exactly one place, so a second value for it cannot be represented.
import { CtidError, concatBytes, equalBytes, uintBytes } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'

/** Hash of an empty subtree: 32 zero bytes. */
export const EMPTY_NODE: Uint8Array = new Uint8Array(32)

/** A leaf of a prefix tree. */
export type PrefixLeaf = { readonly label: Uint8Array; readonly value: Uint8Array }

/** A proof ends at the label itself, at nothing, or at another label that shares the path so far. */
export type PrefixProof = {
  readonly kind: 'present' | 'empty' | 'other'
  /** Siblings from the root downwards, one per step. */
  readonly siblings: readonly Uint8Array[]
  /** The other leaf, when `kind` is `other`. */
  readonly other?: PrefixLeaf
}

/** `SHA-256(0x02 ‖ label ‖ value)`. */
export function prefixLeafHash({ label, value }: PrefixLeaf): Uint8Array {
  return sha256(concatBytes(uintBytes(2, 1), label, value))
}

const parentInput = new Uint8Array(65)
parentInput[0] = 3

/** `SHA-256(0x03 ‖ left ‖ right)`; a missing child counts as 32 zero bytes. */
export function prefixParentHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  parentInput.set(left, 1)
  parentInput.set(right, 33)
  return sha256(parentInput)
}

/** Bit `depth` of a label, most significant first. */
export function labelBit(label: Uint8Array, depth: number): 0 | 1 {
  return (((label[depth >> 3] as number) >> (7 - (depth & 7))) & 1) as 0 | 1
}

/** Whether the proof shows that `leaf` is in the tree with this root. */
export function verifyPresent(proof: PrefixProof, leaf: PrefixLeaf, root: Uint8Array): boolean {
  if (proof.kind !== 'present' || !wellFormed(proof, leaf.label) || leaf.value.length !== 32) return false
  return equalBytes(climb(proof, leaf.label, prefixLeafHash(leaf)), root)
}

/** Whether the proof shows that no leaf with this label is in the tree with this root. */
export function verifyAbsent(proof: PrefixProof, label: Uint8Array, root: Uint8Array): boolean {
  if (proof.kind === 'present' || !wellFormed(proof, label)) return false
  if (proof.kind === 'empty') return equalBytes(climb(proof, label, EMPTY_NODE), root)
  const { other } = proof
  if (other === undefined || other.label.length !== 32 || other.value.length !== 32) return false
  // The other leaf must stand on the path of the label asked for, and be another label.
  for (let depth = 0; depth < proof.siblings.length; depth++) {
    if (labelBit(other.label, depth) !== labelBit(label, depth)) return false
  }
  return !equalBytes(other.label, label) && equalBytes(climb(proof, label, prefixLeafHash(other)), root)
}

function wellFormed({ siblings }: PrefixProof, label: Uint8Array): boolean {
  return label.length === 32 && siblings.length <= 256 && siblings.every((hash) => hash.length === 32)
}

function climb({ siblings }: PrefixProof, label: Uint8Array, start: Uint8Array): Uint8Array {
  let hash = start
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const sibling = siblings[depth] as Uint8Array
    hash = labelBit(label, depth) === 0 ? prefixParentHash(hash, sibling) : prefixParentHash(sibling, hash)
  }
  return hash
}

const KINDS = ['present', 'empty', 'other'] as const

/** Proof as bytes: kind (1), number of siblings (2), bitmap of those that are not zero, these, the other leaf (64 or 0). */
export function encodePrefixProof({ kind, siblings, other }: PrefixProof): Uint8Array<ArrayBuffer> {
  const bitmap = new Uint8Array(Math.ceil(siblings.length / 8))
  const kept = siblings.filter((hash, i) => {
    const present = !equalBytes(hash, EMPTY_NODE)
    if (present) bitmap[i >> 3] = (bitmap[i >> 3] as number) | (0x80 >> (i & 7))
    return present
  })
  const tail = other ? [other.label, other.value] : []
  const head = [uintBytes(KINDS.indexOf(kind), 1), uintBytes(siblings.length, 2)]
  return concatBytes(...head, bitmap, ...kept, ...tail)
}

/** The inverse of {@link encodePrefixProof}; throws `ERR_LOG_PROOF`. */
export function decodePrefixProof(bytes: Uint8Array): PrefixProof {
  const kind = KINDS[bytes[0] ?? 255]
  const count = ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0)
  let offset = 3
  const take = (length: number): Uint8Array => {
    offset += length
    if (offset > bytes.length) throw new CtidError('ERR_LOG_PROOF', { detail: 'prefix proof' })
    return bytes.slice(offset - length, offset)
  }
  if (kind === undefined || count > 256) throw new CtidError('ERR_LOG_PROOF', { detail: 'prefix proof' })
  const bitmap = take(Math.ceil(count / 8))
  const siblings = Array.from({ length: count }, (_, i) =>
    labelBit(bitmap, i) === 1 ? take(32) : EMPTY_NODE,
  )
  const other = kind === 'other' ? { label: take(32), value: take(32) } : undefined
  if (offset !== bytes.length) throw new CtidError('ERR_LOG_PROOF', { detail: 'prefix proof' })
  return { kind, siblings, ...(other ? { other } : {}) }
}
