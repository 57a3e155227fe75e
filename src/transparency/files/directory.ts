// Tiles as files in a directory: what a web server serves as it stands.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseTilePath, TILE_WIDTH, type TileSource } from '../tiles.ts'
import { syncDirectory } from './journal.ts'

/** Reads `checkpoint` and tiles of a log directory. Any other path gives `undefined`, so nothing else is reachable. */
export function directorySource(directory: string): TileSource {
  return {
    async read(path) {
      if (path !== 'checkpoint' && parseTilePath(path) === undefined) return undefined
      try {
        return new Uint8Array(await readFile(join(directory, path)))
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },
  }
}

/**
 * Writes files so that a reader sees each whole or not at all. Not yet durable: the journal is. Synchronous, because
 * that only fills the page cache, and handing so many small files to other threads costs more than writing them.
 */
export type WriteFiles = (files: ReadonlyMap<string, Uint8Array>) => void

/** A writer of tiles into a directory; it remembers which folders and partial tiles are there. */
export function directoryWriter(directory: string): WriteFiles {
  const folders = new Set<string>()
  const partials = new Set<string>()
  const levels = new Set<string>()

  // Once a tile is full, its partial versions are no longer needed (tlog-tiles, "Partial Tiles"). The first full tile
  // of a level may have some from before this process.
  const hasPartials = (path: string): boolean => {
    const tile = parseTilePath(path)
    if (tile?.width !== TILE_WIDTH) return false
    const first = !levels.has(String(tile.level))
    levels.add(String(tile.level))
    return partials.delete(path) || first
  }

  return (files) => {
    for (const [path, bytes] of files) {
      const full = join(directory, path)
      const folder = dirname(full)
      if (!folders.has(folder)) mkdirSync(folder, { recursive: true })
      writeFileSync(`${full}.tmp`, bytes)
      renameSync(`${full}.tmp`, full)
      const partial = path.indexOf('.p/')
      if (partial < 0) folders.add(folder)
      else partials.add(path.slice(0, partial))
    }
    for (const path of files.keys()) {
      if (hasPartials(path)) rmSync(join(directory, `${path}.p`), { recursive: true, force: true })
    }
  }
}

/** Replaces one file atomically. After a power cut the old one or the new one is there, whole. */
export async function replaceFile(path: string, contents: Uint8Array | string): Promise<void> {
  const handle = await open(`${path}.tmp`, 'w')
  try {
    await handle.writeFile(contents)
    // Some file systems make a new name durable before the contents: the file would be there, and empty.
    await handle.datasync()
  } finally {
    await handle.close()
  }
  await rename(`${path}.tmp`, path)
}

/** Makes written files and their names durable. Files that were since removed are skipped. */
export async function syncFiles(directory: string, paths: Iterable<string>): Promise<void> {
  const folders = new Set<string>([directory])
  for (const path of paths) {
    const full = join(directory, path)
    try {
      const handle = await open(full, 'r')
      await handle.sync()
      await handle.close()
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    for (let folder = dirname(full); folder.length > directory.length; folder = dirname(folder))
      folders.add(folder)
  }
  for (const folder of folders) {
    await syncDirectory(folder).catch((error) => {
      if (!isMissing(error)) throw error
    })
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
