// Proofs from tiles: which tiles a proof needs, read them once, hash what lies between. The log runs no proof service.
import { CtidError } from '../base/index.ts'
import { decodeBundle, TILE_HEIGHT, TILE_WIDTH, type TileSource, tilePath, tileWidth } from './tiles.ts'
import {
  consistencyRanges,
  inclusionRanges,
  type LeafRange,
  nodeHash,
  perfectSubtrees,
  rangeHash,
  type TreeNode,
} from './tree.ts'

/**
 * The inclusion proof of leaf `index` in the tree of `size` leaves, computed from its tiles.
 *
 * @throws {CtidError} `ERR_LOG_PROOF` for an index outside the tree, `ERR_LOG_TILE` when a tile is missing or cut off
 */
export async function proveInclusion(source: TileSource, index: number, size: number): Promise<Uint8Array[]> {
  if (!(index >= 0 && index < size))
    throw new CtidError('ERR_LOG_PROOF', { detail: 'index outside the tree' })
  return hashRanges(source, inclusionRanges(index, size), size)
}

/**
 * The consistency proof between two sizes, computed from the tiles of the larger tree.
 *
 * @throws {CtidError} `ERR_LOG_PROOF` unless `0 < oldSize ≤ size`, `ERR_LOG_TILE`
 */
export async function proveConsistency(
  source: TileSource,
  oldSize: number,
  size: number,
): Promise<Uint8Array[]> {
  if (!(oldSize > 0 && oldSize <= size))
    throw new CtidError('ERR_LOG_PROOF', { detail: 'sizes out of order' })
  return hashRanges(source, consistencyRanges(oldSize, size), size)
}

/** The root of the tree of `size` leaves, computed from its tiles. */
export async function rootFromTiles(source: TileSource, size: number): Promise<Uint8Array> {
  const [root] = await hashRanges(source, [{ start: 0, end: size }], size)
  return root as Uint8Array
}

/** Entries `start` up to `end` (exclusive) of a log of `size` entries. Reads whole bundles; unverified. */
export async function* readEntries(
  source: TileSource,
  range: LeafRange,
  size: number,
): AsyncGenerator<{ readonly index: number; readonly entry: Uint8Array }> {
  for await (const { start, entries } of readBundles(source, range, size)) {
    for (const [i, entry] of entries.entries()) yield { index: start + i, entry }
  }
}

/** As {@link readEntries}, a bundle at a time: those of its entries that are in the range, from `start` on. */
export async function* readBundles(
  source: TileSource,
  { start, end }: LeafRange,
  size: number,
): AsyncGenerator<{ readonly start: number; readonly entries: readonly Uint8Array[] }> {
  for (let bundle = Math.floor(start / TILE_WIDTH); bundle * TILE_WIDTH < end; bundle++) {
    const first = bundle * TILE_WIDTH
    const entries = await readBundle(source, bundle, size)
    yield {
      start: Math.max(first, start),
      entries: entries.slice(Math.max(0, start - first), end - first),
    }
  }
}

async function readBundle(source: TileSource, index: number, size: number): Promise<Uint8Array[]> {
  const width = tileWidth('entries', index, size)
  const partial = await source.read(tilePath({ level: 'entries', index, width }))
  if (partial) return decodeBundle(partial, width)
  // A log may drop a partial bundle once the full one exists.
  const full = await source.read(tilePath({ level: 'entries', index, width: TILE_WIDTH }))
  if (!full) throw new CtidError('ERR_LOG_TILE', { detail: 'bundle missing' })
  return decodeBundle(full, TILE_WIDTH).slice(0, width)
}

async function hashRanges(
  source: TileSource,
  ranges: readonly LeafRange[],
  size: number,
): Promise<Uint8Array[]> {
  const tiles = new Map<string, Uint8Array>()
  const needed = new Map<string, { level: number; index: number }>()
  for (const node of ranges.flatMap(perfectSubtrees)) {
    const tile = tileOf(node)
    needed.set(`${tile.level}/${tile.index}`, tile)
  }
  await Promise.all(
    [...needed].map(async ([key, tile]) => tiles.set(key, await readTile(source, tile, size))),
  )
  const read = (node: TreeNode): Uint8Array => {
    const tile = tileOf(node)
    return hashInTile(tiles.get(`${tile.level}/${tile.index}`) as Uint8Array, node)
  }
  return ranges.map((range) => rangeHash(range, read))
}

// A node of level 8t + r lies in the tile of level t that holds its 2^r descendants.
function tileOf(node: TreeNode): { level: number; index: number } {
  const level = Math.floor(node.level / TILE_HEIGHT)
  return { level, index: Math.floor((node.index * 2 ** (node.level % TILE_HEIGHT)) / TILE_WIDTH) }
}

function hashInTile(tile: Uint8Array, node: TreeNode): Uint8Array {
  const count = 2 ** (node.level % TILE_HEIGHT)
  const first = (node.index * count) % TILE_WIDTH
  const hash = (start: number, length: number): Uint8Array =>
    length === 1
      ? tile.slice(start * 32, start * 32 + 32)
      : nodeHash(hash(start, length / 2), hash(start + length / 2, length / 2))
  return hash(first, count)
}

async function readTile(
  source: TileSource,
  { level, index }: { level: number; index: number },
  size: number,
): Promise<Uint8Array> {
  const width = tileWidth(level, index, size)
  const exact = await source.read(tilePath({ level, index, width }))
  if (exact && exact.length === width * 32) return exact
  const full = await source.read(tilePath({ level, index, width: TILE_WIDTH }))
  if (full?.length !== TILE_WIDTH * 32)
    throw new CtidError('ERR_LOG_TILE', { detail: `tile of level ${level}` })
  return full.slice(0, width * 32)
}
