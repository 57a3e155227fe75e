// The growing edge of a log: takes entries, keeps the unfinished tiles, and says which files must be written.
import { CtidError, concatBytes, fromHex, fromUtf8, toHex, utf8 } from '../base/index.ts'
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot } from './frontier.ts'
import { decodeBundle, encodeBundle, TILE_HEIGHT, TILE_WIDTH, tilePath } from './tiles.ts'
import { leafHash } from './tree.ts'

export type TileWriter = {
  add(entry: Uint8Array): void
  size(): number
  root(): Uint8Array
  /** Files changed since the last call: path to contents. Partial tiles as they are now. */
  takeFiles(): Map<string, Uint8Array>
  /** State as bytes, for {@link openTileWriter}. */
  snapshot(): Uint8Array
}

type Edge = { hashes: Uint8Array[]; index: number; changed: boolean }

/**
 * A writer that continues from a snapshot, or from nothing.
 *
 * @throws {CtidError} `ERR_LOG_CORRUPT`
 */
export function openTileWriter(snapshot?: Uint8Array): TileWriter {
  const frontier = emptyFrontier()
  const edges: Edge[] = []
  const bundle: { entries: Uint8Array[]; changed: boolean } = { entries: [], changed: false }
  let files = new Map<string, Uint8Array>()
  if (snapshot) restore(snapshot, frontier, edges, bundle.entries)

  const onNode = (level: number, hash: Uint8Array) => {
    if (level % TILE_HEIGHT !== 0) return
    const tileLevel = level / TILE_HEIGHT
    edges[tileLevel] ??= { hashes: [], index: 0, changed: false }
    const edge = edges[tileLevel]
    edge.hashes.push(hash)
    edge.changed = true
    if (edge.hashes.length < TILE_WIDTH) return
    files.set(
      tilePath({ level: tileLevel, index: edge.index, width: TILE_WIDTH }),
      concatBytes(...edge.hashes),
    )
    edge.hashes = []
    edge.index++
    edge.changed = false
  }

  return {
    add(entry) {
      bundle.entries.push(entry)
      bundle.changed = true
      if (bundle.entries.length === TILE_WIDTH) {
        const index = Math.floor(frontier.size / TILE_WIDTH)
        files.set(tilePath({ level: 'entries', index, width: TILE_WIDTH }), encodeBundle(bundle.entries))
        bundle.entries = []
        bundle.changed = false
      }
      appendLeaf(frontier, leafHash(entry), onNode)
    },
    size: () => frontier.size,
    root: () => frontierRoot(frontier),
    takeFiles() {
      if (bundle.changed) {
        const tile = { level: 'entries', index: Math.floor(frontier.size / TILE_WIDTH) } as const
        files.set(tilePath({ ...tile, width: bundle.entries.length }), encodeBundle(bundle.entries))
        bundle.changed = false
      }
      for (const [level, edge] of edges.entries()) {
        if (!edge.changed) continue
        files.set(
          tilePath({ level, index: edge.index, width: edge.hashes.length }),
          concatBytes(...edge.hashes),
        )
        edge.changed = false
      }
      const taken = files
      files = new Map()
      return taken
    },
    snapshot: () =>
      utf8(
        JSON.stringify({
          size: frontier.size,
          frontier: frontier.hashes.map(toHex),
          edges: edges.map(({ hashes }) => hashes.map(toHex)),
          bundle: toHex(encodeBundle(bundle.entries)),
        }),
      ),
  }
}

function restore(snapshot: Uint8Array, frontier: Frontier, edges: Edge[], entries: Uint8Array[]): void {
  try {
    const state = JSON.parse(fromUtf8(snapshot)) as {
      size: number
      frontier: string[]
      edges: string[][]
      bundle: string
    }
    frontier.size = state.size
    frontier.hashes.push(...state.frontier.map(fromHex))
    for (const [level, hashes] of state.edges.entries()) {
      const index = Math.floor(state.size / TILE_WIDTH ** (level + 1))
      edges.push({ hashes: hashes.map(fromHex), index, changed: false })
    }
    entries.push(...decodeBundle(fromHex(state.bundle), state.size % TILE_WIDTH))
  } catch (cause) {
    throw new CtidError('ERR_LOG_CORRUPT', { detail: 'snapshot', cause })
  }
}
