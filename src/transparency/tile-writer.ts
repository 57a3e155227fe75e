// The growing edge of a log: takes entries, keeps the unfinished tiles, and says which files must be written.
import { CtidError, concatBytes, equalBytes, fromHex, fromUtf8, toHex, utf8 } from '../base/index.ts'
import { decodeBundle, encodeBundle, TILE_HEIGHT, TILE_WIDTH, tilePath } from './tiles.ts'
import { hashPrefixed, rootOf } from './tree.ts'

export type TileWriter = {
  add(entry: Uint8Array): void
  /** Adds entries as one bundle of any number, without copying each: the caller changes it no more. Throws `ERR_LOG_TILE` when it is cut off. */
  addBundle(bundle: Uint8Array): void
  size(): number
  root(): Uint8Array
  /** Files changed since the last call: path to contents. Partial tiles as they are now. */
  takeFiles(): Map<string, Uint8Array>
  /** As `takeFiles`, full tiles only: those that will not change. */
  takeFull(): Map<string, Uint8Array>
  /** State as bytes, for {@link openTileWriter}. */
  snapshot(): Uint8Array
}

// The unfinished tile of a level with the subtree above it. Row k holds the hashes of height k, which begin after one
// spare byte, and `pairs[k][i]` is the view of two of them and the byte before: with 0x01 there it is what their parent
// hashes, so that each hash is written once and never copied.
type Edge = {
  readonly rows: readonly Uint8Array[]
  readonly pairs: readonly (readonly Uint8Array[])[]
  count: number
  index: number
  changed: boolean
}
type Snapshot = {
  readonly size: number
  /** The perfect subtrees that make up the tree; the edges give the same. */
  readonly frontier: readonly string[]
  /** By level, the hashes of the unfinished tile. */
  readonly edges: readonly (readonly string[])[]
  readonly bundle: string
}
// The unfinished bundle, in encoded pieces.
type Rest = { pieces: Uint8Array[]; changed: boolean }

/**
 * A writer that continues from a snapshot, or from nothing.
 *
 * @throws {CtidError} `ERR_LOG_CORRUPT`
 */
export function openTileWriter(snapshot?: Uint8Array): TileWriter {
  const edges: Edge[] = [newEdge(0)]
  const rest: Rest = { pieces: [], changed: false }
  let size = 0
  let files = new Map<string, Uint8Array>()
  if (snapshot) restore(snapshot)

  // Takes in the hash that was written behind the others of a tile, and every subtree that it completes.
  function grow(level: number): void {
    const edge = edges[level] as Edge
    let position = edge.count++
    edge.changed = true
    for (let height = 0; position % 2 === 1; height++) {
      position = (position - 1) / 2
      const row = edge.rows[height + 1]
      const pair = edge.pairs[height]?.[position] as Uint8Array
      if (row) hashPrefixed(1, pair, row, 1 + position * 32)
      else {
        edges[level + 1] ??= newEdge(0)
        const above = edges[level + 1] as Edge
        hashPrefixed(1, pair, above.rows[0] as Uint8Array, 1 + above.count * 32)
      }
    }
    if (edge.count < TILE_WIDTH) return
    files.set(tilePath({ level, index: edge.index, width: TILE_WIDTH }), hashesOf(edge))
    edge.count = 0
    edge.index++
    edge.changed = false
    grow(level + 1)
  }

  function restore(bytes: Uint8Array): void {
    try {
      const state = JSON.parse(fromUtf8(bytes)) as Snapshot
      const bundle = fromHex(state.bundle)
      decodeBundle(bundle, state.size % TILE_WIDTH)
      rest.pieces = [bundle]
      for (const [level, hashes] of state.edges.entries()) {
        const edge = newEdge(Math.floor(state.size / TILE_WIDTH ** (level + 1)))
        edges[level] = edge
        for (const hash of hashes) {
          ;(edge.rows[0] as Uint8Array).set(fromHex(hash), 1 + edge.count * 32)
          grow(level)
        }
        edge.changed = false
      }
      size = state.size
      const frontier = fromHex(state.frontier.join(''))
      const isRight = edges.every(
        ({ count }, level) => count === Math.floor(size / TILE_WIDTH ** level) % TILE_WIDTH,
      )
      if (!isRight || !equalBytes(concatBytes(...subtrees(edges)), frontier))
        throw new CtidError('ERR_LOG_CORRUPT')
    } catch (cause) {
      throw new CtidError('ERR_LOG_CORRUPT', { detail: 'snapshot', cause })
    }
  }

  function addBundle(bundle: Uint8Array): void {
    let start = 0
    for (let offset = 0; offset < bundle.length; ) {
      const entry = offset + 2
      offset = entry + (((bundle[offset] as number) << 8) | (bundle[offset + 1] ?? 0))
      if (offset > bundle.length) throw new CtidError('ERR_LOG_TILE', { detail: 'bundle' })
      const edge = edges[0] as Edge
      // With the byte before it. Twice as fast as `subarray`.
      const leaf = new Uint8Array(bundle.buffer, bundle.byteOffset + entry - 1, offset - entry + 1)
      hashPrefixed(0, leaf, edge.rows[0] as Uint8Array, 1 + edge.count * 32)
      grow(0)
      size++
      if (edge.count > 0) continue
      const tile = { level: 'entries', index: edge.index - 1, width: TILE_WIDTH } as const
      files.set(tilePath(tile), join([...rest.pieces, bundle.subarray(start, offset)]))
      rest.pieces = []
      start = offset
    }
    if (start < bundle.length) rest.pieces.push(bundle.slice(start))
    rest.changed = rest.pieces.length > 0
  }

  function takeFull(): Map<string, Uint8Array> {
    const taken = files
    files = new Map()
    return taken
  }

  return {
    add: (entry) => addBundle(encodeBundle([entry])),
    addBundle,
    size: () => size,
    root: () => rootOf(subtrees(edges)),
    takeFull,
    takeFiles() {
      if (rest.changed) {
        const { index, count } = edges[0] as Edge
        files.set(tilePath({ level: 'entries', index, width: count }), concatBytes(...rest.pieces))
        rest.changed = false
      }
      for (const [level, edge] of edges.entries()) {
        if (!edge.changed) continue
        files.set(tilePath({ level, index: edge.index, width: edge.count }), hashesOf(edge))
        edge.changed = false
      }
      return takeFull()
    },
    snapshot: () =>
      utf8(
        JSON.stringify({
          size,
          frontier: subtrees(edges).map(toHex),
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
  const rows = Array.from(
    { length: TILE_HEIGHT },
    (_, height) => new Uint8Array(1 + (TILE_WIDTH >> height) * 32),
  )
  const pairs = rows.map((row) =>
    Array.from({ length: (row.length - 1) / 64 }, (_, i) => row.subarray(i * 64, i * 64 + 65)),
  )
  return { rows, pairs, count: 0, index, changed: false }
}

function hashesOf({ rows, count }: Edge): Uint8Array {
  return (rows[0] as Uint8Array).slice(1, 1 + count * 32)
}

// The perfect subtrees that make up the tree, largest first: one per set bit of the size.
function subtrees(edges: readonly Edge[]): Uint8Array[] {
  const hashes: Uint8Array[] = []
  for (const { rows, count } of edges.toReversed()) {
    for (let height = TILE_HEIGHT - 1; height >= 0; height--) {
      const nodes = count >> height
      if (nodes % 2 === 1) hashes.push((rows[height] as Uint8Array).slice(nodes * 32 - 31, nodes * 32 + 1))
    }
  }
  return hashes
}
