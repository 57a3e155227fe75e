// A log in memory with real checkpoints and tiles: for tests of other rooms, and for the tree that a page draws.
import { CtidError, concatBytes, utf8 } from '../base/index.ts'
import { signCheckpoint } from './checkpoint.ts'
import { appendLeaf, emptyFrontier, frontierRoot } from './frontier.ts'
import type { NoteSigner } from './note.ts'
import type { AppendableLog } from './registry-log.ts'
import { encodeBundle, MAX_ENTRY_LENGTH, parseTilePath, TILE_HEIGHT, TILE_WIDTH } from './tiles.ts'
import { leafHash } from './tree.ts'

export type MemoryLogOptions = { readonly origin: string; readonly signer: NoteSigner }

/** A log that forgets everything with the process. Not durable; same interface as the log on files. */
export async function memoryLog({ origin, signer }: MemoryLogOptions): Promise<AppendableLog> {
  const entries: Uint8Array[] = []
  const levels: Uint8Array[][] = [[]]
  const frontier = emptyFrontier()
  const note = () => signCheckpoint({ origin, size: frontier.size, root: frontierRoot(frontier) }, [signer])
  let published = { size: 0, note: await note() }

  const onNode = (level: number, bytes: Uint8Array, offset: number) => {
    if (level % TILE_HEIGHT !== 0) return
    levels[level / TILE_HEIGHT] ??= []
    levels[level / TILE_HEIGHT]?.push(bytes.slice(offset, offset + 32))
  }
  let last: Promise<unknown> = Promise.resolve()

  return {
    source: {
      async read(path) {
        if (path === 'checkpoint') return utf8(published.note)
        const tile = parseTilePath(path)
        if (tile === undefined) return undefined
        const start = tile.index * TILE_WIDTH
        const content = tile.level === 'entries' ? entries : (levels[tile.level] ?? [])
        if (content.length < start + tile.width) return undefined
        const part = content.slice(start, start + tile.width)
        return tile.level === 'entries' ? encodeBundle(part) : concatBytes(...part)
      },
    },
    async append(added) {
      if (added.some((entry) => entry.length > MAX_ENTRY_LENGTH)) throw new CtidError('ERR_LOG_ENTRY')
      const run = last.then(async () => {
        const indexes = added.map((entry) => {
          entries.push(entry.slice())
          appendLeaf(frontier, leafHash(entry), onNode)
          return entries.length - 1
        })
        published = { size: frontier.size, note: await note() }
        return { indexes, ...published }
      })
      last = run.catch(() => undefined)
      return run
    },
    published: () => published,
  }
}
