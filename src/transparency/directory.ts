// The one-to-one directory: two prefix trees over the bindings of the log, record label → entry and token label → entry.
// It is a function of the log alone, so an auditor without any secret builds the same one and compares the roots.
import { CtidError, concatBytes, uintBytes } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import type { BindingEntry, EpochEntry } from './entry.ts'
import { proveUpdate, verifyUpdate } from './epoch-update.ts'
import type { PrefixLeaf, PrefixProof } from './prefix-proof.ts'
import { createPrefixTree } from './prefix-tree.ts'

export type Side = 'record' | 'token'
export type Roots = {
  readonly recordRoot: Uint8Array
  readonly tokenRoot: Uint8Array
  readonly count: number
}
export type IndexedBinding = { readonly index: number; readonly entry: BindingEntry }

/** What a light auditor needs to go from one epoch to the next. */
export type EpochUpdate = {
  readonly bindings: readonly IndexedBinding[]
  readonly recordProof: Uint8Array
  readonly tokenProof: Uint8Array
}

export type Directory = {
  roots(): Roots
  /**
   * Whether a label of this entry is bound already, to check before an entry is logged. `repeat`: both labels, to each
   * other. That is no second binding; a registry that did not hear the log's answer may send its entry again.
   */
  conflict(entry: BindingEntry): Side | 'repeat' | undefined
  /** Adds a binding. Throws `ERR_LOG_DUPLICATE` with the side as detail, and then adds nothing. */
  add(binding: IndexedBinding): void
  /** Adds several and returns the proof of the step. */
  update(bindings: readonly IndexedBinding[]): EpochUpdate
  prove(side: Side, label: Uint8Array): PrefixProof
}

/** An empty directory. */
export function createDirectory(): Directory {
  const trees = { record: createPrefixTree(), token: createPrefixTree() }
  const conflict = (entry: BindingEntry): Side | 'repeat' | undefined => {
    const record = trees.record.position(entry.recordLabel)
    const token = trees.token.position(entry.tokenLabel)
    // Both trees receive the same bindings in the same order, so equal positions mean one binding.
    if (record !== undefined) return record === token ? 'repeat' : 'record'
    return token === undefined ? undefined : 'token'
  }
  const add = (binding: IndexedBinding): void => {
    const side = conflict(binding.entry)
    if (side) throw new CtidError('ERR_LOG_DUPLICATE', { detail: side === 'repeat' ? side : `${side} label` })
    trees.record.insert(directoryLeaf('record', binding))
    trees.token.insert(directoryLeaf('token', binding))
  }
  return {
    roots: () => ({
      recordRoot: trees.record.root(),
      tokenRoot: trees.token.root(),
      count: trees.record.size(),
    }),
    conflict,
    add,
    update(bindings) {
      const proofs = (['record', 'token'] as const).map((side) =>
        proveUpdate(
          trees[side].prove,
          bindings.map((binding) => directoryLeaf(side, binding)),
        ),
      )
      const [recordProof, tokenProof] = proofs as [Uint8Array, Uint8Array]
      for (const binding of bindings) add(binding)
      return { bindings, recordProof, tokenProof }
    },
    prove: (side, label) => trees[side].prove(label),
  }
}

/**
 * The leaf of a binding in one of the trees. Value: `SHA-256(0x04 ‖ index of the entry (8 bytes) ‖ the other label)`,
 * which ties both trees to the same log entry.
 */
export function directoryLeaf(side: Side, { index, entry }: IndexedBinding): PrefixLeaf {
  const { recordLabel, tokenLabel } = entry
  const [label, other] = side === 'record' ? [recordLabel, tokenLabel] : [tokenLabel, recordLabel]
  const place = concatBytes(new Uint8Array(2), uintBytes(index, 6))
  return { label, value: sha256(concatBytes(uintBytes(4, 1), place, other)) }
}

/** The entry that publishes the roots of an epoch. */
export function epochEntry(epoch: number, roots: Roots): EpochEntry {
  return { form: 'epoch', type: 'epoch', epoch, ...roots }
}

/**
 * Verifies the step between two epoch entries without holding the directory.
 *
 * @throws {CtidError} `ERR_LOG_DUPLICATE`, `ERR_LOG_PROOF`
 */
export function verifyEpochUpdate(previous: Roots, next: Roots, update: EpochUpdate): void {
  if (next.count !== previous.count + update.bindings.length) {
    throw new CtidError('ERR_LOG_PROOF', { detail: 'count' })
  }
  const leaves = (side: Side) => update.bindings.map((binding) => directoryLeaf(side, binding))
  verifyUpdate(update.recordProof, {
    oldRoot: previous.recordRoot,
    newRoot: next.recordRoot,
    added: leaves('record'),
  })
  verifyUpdate(update.tokenProof, {
    oldRoot: previous.tokenRoot,
    newRoot: next.tokenRoot,
    added: leaves('token'),
  })
}
