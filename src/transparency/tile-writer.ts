// The growing edge of a log: takes entries, keeps the unfinished tiles, and says which files must be written.
import { CtidError, concatBytes, fromHex, fromUtf8, toHex, utf8 } from '../base/index.ts'
import {
  appendEntry,
  emptyFrontier,
  type Frontier,
  frontierHashes,
  frontierRoot,
  restoreFrontier,
} from './frontier.ts'
import { decodeBundle, encodeBundle, TILE_HEIGHT, TILE_WIDTH, tilePath } from './tiles.ts'

export type TileWriter = {
  add(entry: Uint8Array): void
  /** Adds entries as one bundle of any number, without copying each. Throws `ERR_LOG_TILE` when it is cut off. */
  addBundle(bundle: Uint8Array): void
  size(): number
  root(): Uint8Array
  /** Files changed since the last call: path to contents. Partial tiles as they are now. */
  takeFiles(): Map<string, Uint8Array>
  /** State as bytes, for {@link openTileWriter}. */
  snapshot(): Uint8Array
}

// The unfinished tile of a level: its hashes so far, in a buffer for all of them.
type Edge = { readonly hashes: Uint8Array; count: number; index: number; changed: boolean }
// The unfinished bundle, in encoded pieces.
type Rest = { pieces: Uint8Array[]; changed: boolean }

/**
 * A writer that continues from a snapshot, or from nothing.
 *
 * @throws {CtidError} `ERR_LOG_CORRUPT`
 */
export function openTileWriter(snapshot?: Uint8Array): TileWriter {
  const { frontier, edges, rest } = snapshot ? restore(snapshot) : begin()
  let files = new Map<string, Uint8Array>()

  const onNode = (level: number, bytes: Uint8Array, offset: number) => {
    if (level % TILE_HEIGHT !== 0) return
    const tileLevel = level / TILE_HEIGHT
    edges[tileLevel] ??= newEdge(0)
    const edge = edges[tileLevel]
    const start = edge.count * 32
    for (let i = 0; i < 32; i++) edge.hashes[start + i] = bytes[offset + i] as number
    edge.count++
    edge.changed = true
    if (edge.count < TILE_WIDTH) return
    files.set(tilePath({ level: tileLevel, index: edge.index, width: TILE_WIDTH }), edge.hashes.slice())
    edge.count = 0
    edge.index++
    edge.changed = false
  }

  function addBundle(bundle: Uint8Array): void {
    let start = 0
    for (let offset = 0; offset < bundle.length; ) {
      const entry = offset + 2
      offset = entry + (((bundle[offset] as number) << 8) | (bundle[offset + 1] ?? 0))
      if (offset > bundle.length) throw new CtidError('ERR_LOG_TILE', { detail: 'bundle' })
      appendEntry(frontier, bundle.subarray(entry, offset), onNode)
      if (frontier.size % TILE_WIDTH !== 0) continue
      const tile = { level: 'entries', index: frontier.size / TILE_WIDTH - 1, width: TILE_WIDTH } as const
      files.set(tilePath(tile), join([...rest.pieces, bundle.subarray(start, offset)]))
      rest.pieces = []
      start = offset
    }
    if (start < bundle.length) rest.pieces.push(bundle.slice(start))
    rest.changed = rest.pieces.length > 0
  }

  return {
    add: (entry) => addBundle(encodeBundle([entry])),
    addBundle,
    size: () => frontier.size,
    root: () => frontierRoot(frontier),
    takeFiles() {
      if (rest.changed) {
        const index = Math.floor(frontier.size / TILE_WIDTH)
        files.set(
          tilePath({ level: 'entries', index, width: frontier.size % TILE_WIDTH }),
          concatBytes(...rest.pieces),
        )
        rest.changed = false
      }
      for (const [level, edge] of edges.entries()) {
        if (!edge.changed) continue
        files.set(tilePath({ level, index: edge.index, width: edge.count }), hashesOf(edge))
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
          frontier: frontierHashes(frontier).map(toHex),
          edges: edges.map((edge) => toHex(hashesOf(edge)).match(HASHES) ?? []),
          bundle: toHex(concatBytes(...rest.pieces)),
        }),
      ),
  }
}

// One piece is not copied: nobody changes a bundle after it was handed in.
function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  return only && pieces.length === 1 ? only : concatBytes(...pieces)
}

const HASHES = /.{64}/g

function newEdge(index: number): Edge {
  return { hashes: new Uint8Array(TILE_WIDTH * 32), count: 0, index, changed: false }
}

function hashesOf({ hashes, count }: Edge): Uint8Array {
  return hashes.slice(0, count * 32)
}

type State = { readonly frontier: Frontier; readonly edges: Edge[]; readonly rest: Rest }

function begin(): State {
  return { frontier: emptyFrontier(), edges: [], rest: { pieces: [], changed: false } }
}

function restore(snapshot: Uint8Array): State {
  try {
    const state = JSON.parse(fromUtf8(snapshot)) as {
      size: number
      frontier: string[]
      edges: string[][]
      bundle: string
    }
    const frontier = restoreFrontier(state.size, state.frontier.map(fromHex))
    const edges = state.edges.map((hashes, level) => {
      const edge = newEdge(Math.floor(state.size / TILE_WIDTH ** (level + 1)))
      const bytes = fromHex(hashes.join(''))
      edge.hashes.set(bytes)
      edge.count = bytes.length / 32
      return edge
    })
    const bundle = fromHex(state.bundle)
    decodeBundle(bundle, state.size % TILE_WIDTH)
    return { frontier, edges, rest: { pieces: [bundle], changed: false } }
  } catch (cause) {
    throw new CtidError('ERR_LOG_CORRUPT', { detail: 'snapshot', cause })
  }
}
