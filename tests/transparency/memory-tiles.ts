// A tile source in memory, straight from the definition of tlog-tiles: the oracle for the log on files.
import { encodeBundle, leafHash, nodeHash, type TileSource, tilePath, tilesOfTree } from '#ctid/transparency'

/** Merkle tree hash by the recursive definition of RFC 6962 section 2.1. */
export function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves
  if (leaves.length === 1 && only) return only
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)))
}

/** Every file of a log with these entries. */
export function tileFiles(entries: readonly Uint8Array[]): Map<string, Uint8Array> {
  const leaves = entries.map(leafHash)
  const files = new Map<string, Uint8Array>()
  for (const tile of tilesOfTree(entries.length)) {
    if (tile.level === 'entries') {
      files.set(tilePath(tile), encodeBundle(entries.slice(tile.index * 256, tile.index * 256 + tile.width)))
      continue
    }
    const span = 256 ** tile.level
    const hashes = Array.from({ length: tile.width }, (_, i) => {
      const start = (tile.index * 256 + i) * span
      return treeHash(leaves.slice(start, start + span))
    })
    files.set(tilePath(tile), new Uint8Array(Buffer.concat(hashes)))
  }
  return files
}

export function memorySource(files: ReadonlyMap<string, Uint8Array>): TileSource {
  return { read: async (path) => files.get(path) }
}
