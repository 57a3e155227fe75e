// The C2SP tlog-tiles layout: paths, widths and entry bundles. Where the bytes are kept is the caller's affair.
import { CtidError } from '../base/index.ts'
import { isSize } from './tree.ts'

/** Hashes in a full tile: a subtree of height 8. */
export const TILE_WIDTH = 256
export const TILE_HEIGHT = 8
/** Longest entry that a bundle can hold (its length has two bytes). */
export const MAX_ENTRY_LENGTH = 65_535

/** A tile of hashes at a level, or the bundle of entries under a tile of level 0. */
export type Tile = {
  readonly level: number | 'entries'
  readonly index: number
  /** 1 to 256; 256 is a full tile. */
  readonly width: number
}

/** Where tiles come from: a directory, a web server, a map. `undefined` when there is no such file. */
export type TileSource = { read(path: string): Promise<Uint8Array | undefined> }

/** `tile/1/x001/x234/067`, with `.p/<width>` when partial (tlog-tiles, "Merkle Tree"). */
export function tilePath(tile: Tile): string {
  const groups: string[] = []
  let rest = tile.index
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'))
    rest = Math.floor(rest / 1000)
  } while (rest > 0)
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${tile.level}/${path}${tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`}`
}

const TILE_PATH = /^tile\/(entries|\d|[1-5]\d|6[0-3])\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/** The inverse of {@link tilePath}; `undefined` for every path that it would not give. */
export function parseTilePath(path: string): Tile | undefined {
  const match = TILE_PATH.exec(path)
  if (match === null) return undefined
  const [, level = '', groups = '', width] = match
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(groups.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  }
  return tile.width <= TILE_WIDTH && isSize(tile.index) && tilePath(tile) === path ? tile : undefined
}

/** Width of a tile in a tree of `size` leaves: 256 when full, 0 when it does not exist. */
export function tileWidth(level: number | 'entries', index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level))
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH))
}

/** Whether bytes have the length of this tile, or as many entries as this bundle. */
export function isWhole({ level, width }: Tile, bytes: Uint8Array): boolean {
  if (level !== 'entries') return bytes.length === width * 32
  let offset = 0
  let count = 0
  for (; offset + 2 <= bytes.length; count++) {
    offset += 2 + (((bytes[offset] as number) << 8) | (bytes[offset + 1] as number))
  }
  return offset === bytes.length && count === width
}

/** Every tile and bundle of a tree, as it is at `size`. */
export function* tilesOfTree(size: number): Generator<Tile> {
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    yield { level: 'entries', index, width: tileWidth('entries', index, size) }
  }
  for (let level = 0; TILE_WIDTH ** level <= size; level++) {
    for (let index = 0; tileWidth(level, index, size) > 0; index++) {
      yield { level, index, width: tileWidth(level, index, size) }
    }
  }
}

/** Entries as a bundle: each preceded by its length in two big-endian bytes. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(entries.reduce((length, entry) => length + 2 + entry.length, 0))
  let offset = 0
  for (const entry of entries) {
    out[offset] = entry.length >> 8
    out[offset + 1] = entry.length & 255
    out.set(entry, offset + 2)
    offset += 2 + entry.length
  }
  return out
}

/**
 * Splits a bundle into exactly `width` entries.
 *
 * @throws {CtidError} `ERR_LOG_TILE` when the bundle is cut off, too long, or has another number of entries
 */
export function decodeBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = []
  let offset = 0
  while (offset < bundle.length) {
    const length = ((bundle[offset] ?? 0) << 8) | (bundle[offset + 1] ?? 0)
    const end = offset + 2 + length
    if (end > bundle.length || entries.length === width)
      throw new CtidError('ERR_LOG_TILE', { detail: 'bundle' })
    entries.push(bundle.slice(offset + 2, end))
    offset = end
  }
  if (entries.length !== width) throw new CtidError('ERR_LOG_TILE', { detail: 'bundle width' })
  return entries
}
