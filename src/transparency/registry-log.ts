// The port through which every other room logs: entries in, receipts out, fail closed.
import { CtidError } from '../base/index.ts'
import { proveInclusion } from './prove.ts'
import type { Receipt } from './receipt.ts'
import type { TileSource } from './tiles.ts'

/**
 * Where operations that must be logged are logged. When `append` rejects, the operation must not be acknowledged;
 * repeating it with the same entry bytes is safe.
 */
export type RegistryLog = {
  /** Resolves when the entries are durable, sequenced and covered by a published checkpoint; one receipt each. */
  append(entries: readonly Uint8Array[]): Promise<readonly Receipt[]>
  /** A receipt for an entry logged before, against the newest checkpoint. */
  receipt(index: number): Promise<Receipt>
}

/** What {@link registryLog} needs of a log; a `FileLog` has this shape. */
export type AppendableLog = {
  readonly source: TileSource
  append(entries: readonly Uint8Array[]): Promise<{ indexes: readonly number[]; size: number; note: string }>
  published(): { readonly size: number; readonly note: string }
}

/** The port over a log. */
export function registryLog(log: AppendableLog): RegistryLog {
  const prove = async (index: number, size: number, checkpoint: string): Promise<Receipt> => ({
    index,
    proof: await proveInclusion(log.source, index, size),
    checkpoint,
  })
  return {
    async append(entries) {
      const { indexes, size, note } = await log.append(entries)
      return Promise.all(indexes.map((index) => prove(index, size, note)))
    },
    async receipt(index) {
      const { size, note } = log.published()
      if (index >= size) throw new CtidError('ERR_LOG_PROOF', { detail: 'index outside the tree' })
      return prove(index, size, note)
    },
  }
}
