// Tiles as files in a directory: what a web server serves as it stands.
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
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

/** Writes files so that a reader sees each whole or not at all. Not yet durable: the journal is. */
export async function writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const folders = new Set([...files.keys()].map((path) => dirname(join(directory, path))))
  await Promise.all([...folders].map((folder) => mkdir(folder, { recursive: true })))
  await Promise.all([...files].map(([path, bytes]) => replaceFile(join(directory, path), bytes)))
  // Once a tile is full, its partial versions are no longer needed (tlog-tiles, "Partial Tiles").
  const full = [...files.keys()].filter((path) => parseTilePath(path)?.width === TILE_WIDTH)
  await Promise.all(full.map((path) => rm(join(directory, `${path}.p`), { recursive: true, force: true })))
}

/** Replaces one file atomically. */
export async function replaceFile(path: string, contents: Uint8Array | string): Promise<void> {
  await writeFile(`${path}.tmp`, contents)
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
