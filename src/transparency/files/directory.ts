// Tiles as files in a directory: what a web server serves as it stands.
import { execFile } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isWhole, parseTilePath, TILE_WIDTH, type TileSource } from '../tiles.ts'
import { syncDirectory } from './journal.ts'

/**
 * Reads `checkpoint` and tiles of a log directory. Any other path gives `undefined`, so nothing else is reachable; so does
 * a tile that is being written: what is served as immutable must be whole.
 */
export function directorySource(directory: string): TileSource {
  return {
    async read(path) {
      const tile = parseTilePath(path)
      if (path !== 'checkpoint' && tile === undefined) return undefined
      try {
        const bytes = new Uint8Array(await readFile(join(directory, path)))
        return tile && !isWhole(tile, bytes) ? undefined : bytes
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },
  }
}

/**
 * Not yet durable: the journal is. Synchronous, because that only fills the page cache, and handing so many small files
 * to other threads costs more than writing them.
 */
export type TileFiles = {
  /** Writes files of tiles that no published checkpoint covers: nobody asks for them, so there is nothing to replace. */
  add(files: ReadonlyMap<string, Uint8Array>): void
  /** Writes files that may be there and in use: a reader sees each whole or not at all. */
  replace(files: ReadonlyMap<string, Uint8Array>): void
  /** Resolves when what was replaced by full tiles is removed; that goes on beside the writing. */
  settled(): Promise<void>
}

/** A writer of tiles into a directory; it remembers which folders and partial tiles are there. */
export function tileFiles(directory: string): TileFiles {
  const folders = new Set<string>()
  const partials = new Set<string>()
  const levels = new Set<string>()
  let removing: Promise<void> = Promise.resolve()

  // Once a tile is full, its partial versions are no longer needed (tlog-tiles, "Partial Tiles"). The first full tile
  // of a level may have some from before this process.
  const hasPartials = (path: string): boolean => {
    const tile = parseTilePath(path)
    if (tile?.width !== TILE_WIDTH) return false
    const first = !levels.has(String(tile.level))
    levels.add(String(tile.level))
    return partials.delete(path) || first
  }

  function writeAll(files: ReadonlyMap<string, Uint8Array>, write: typeof writeFile): void {
    for (const [path, bytes] of files) {
      const full = join(directory, path)
      const folder = dirname(full)
      if (!folders.has(folder)) mkdirSync(folder, { recursive: true })
      write(full, bytes)
      const partial = path.indexOf('.p/')
      if (partial < 0) folders.add(folder)
      else partials.add(path.slice(0, partial))
    }
    // Only now: who was sent to a partial tile and does not find it takes the full one.
    const replaced = [...files.keys()].filter(hasPartials)
    if (replaced.length === 0) return
    removing = removing.then(async () => {
      for (const path of replaced) await rm(join(directory, `${path}.p`), { recursive: true, force: true })
    })
    removing.catch(() => {
      // Whoever asks whether it is settled is told.
    })
  }

  return {
    add: (files) => writeAll(files, writeFile),
    replace: (files) =>
      writeAll(files, (path, bytes) => {
        writeFile(`${path}.tmp`, bytes)
        renameSync(`${path}.tmp`, path)
      }),
    settled: () => removing,
  }
}

// What writeFileSync does, at half its cost for a small file.
function writeFile(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'w')
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
  } finally {
    closeSync(file)
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

/** From so many files on, one call for the whole file system costs less. */
const MANY_FILES = 1_000

/** Makes written files and their names durable. Files that were since removed are skipped. */
export async function syncFiles(directory: string, paths: readonly string[]): Promise<void> {
  if (paths.length >= MANY_FILES && (await syncFileSystem(directory))) return
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

// syncfs(2), which Node does not have, by the program that does. Where there is none, or it reports an error, each file is
// synced by itself, which then says which error.
async function syncFileSystem(directory: string): Promise<boolean> {
  if (process.platform !== 'linux') return false
  return new Promise((resolve) => {
    execFile('sync', ['-f', directory], (error) => resolve(error === null))
  })
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
