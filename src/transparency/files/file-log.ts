// The log on files. An append is acknowledged when its entry is in the journal on disk, in the tree, in the tiles, and
// under a published checkpoint. One sequencer; what arrives while a batch is being written shares the next one.
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, CtidError, equalBytes, isCtidError, systemClock, toHex } from '../../base/index.ts'
import { acquireLock, type Lock } from '../../base/node.ts'
import { openCheckpoint, parseCheckpoint, signCheckpoint } from '../checkpoint.ts'
import { type NoteSigner, parseNote } from '../note.ts'
import { readEntries, rootFromTiles } from '../prove.ts'
import { openTileWriter, type TileWriter } from '../tile-writer.ts'
import { decodeBundle, encodeBundle, MAX_ENTRY_LENGTH, type TileSource } from '../tiles.ts'
import { EMPTY_ROOT, leafHash } from '../tree.ts'
import { directorySource, replaceFile, syncFiles, type TileFiles, tileFiles } from './directory.ts'
import { type Batch, type Journal, openJournal } from './journal.ts'
import { type Caller, createQueue, type Waiting } from './queue.ts'

/** What an append returns: where the entries are, and the signed checkpoint that covers them. */
export type Appended = {
  readonly indexes: readonly number[]
  readonly size: number
  readonly note: string
}

/** Collects cosignatures on a checkpoint and returns it with them; throws when too few witnesses answered. */
export type Cosign = (note: string, source: TileSource) => Promise<string>

export type FileLogOptions = {
  readonly directory: string
  /** Identity of the log: a URL without scheme. */
  readonly origin: string
  /** The log's keys; the first is the Ed25519 key that everybody knows. */
  readonly signers: readonly [NoteSigner, ...NoteSigner[]]
  /** Called before a checkpoint is published. When it throws, the batch is not acknowledged. */
  readonly cosign?: Cosign
  readonly clock?: Clock
  /** Most entries in one batch, unless one call brings more. Default 32,768. */
  readonly maxBatch?: number
  /**
   * Journal length in bytes from which on tiles are synced, while appending goes on, so that the journal can start
   * again. Default 64 MiB. It never exceeds twice that by more than a batch.
   */
  readonly maxJournalLength?: number
}

export type FileLog = {
  readonly origin: string
  /** `checkpoint`, tiles and bundles as published. */
  readonly source: TileSource
  /**
   * Appends entries (each at most 65,535 bytes) and resolves when they are durable and covered by a published
   * checkpoint. Fails closed: after an I/O error every append is refused until the log is opened again. Repeating an
   * append that was refused for want of witnesses gives the entry the place that it already has.
   *
   * @throws {CtidError} `ERR_LOG_ENTRY`, `ERR_LOG_CLOSED`, and what `cosign` throws
   */
  append(entries: readonly Uint8Array[]): Promise<Appended>
  /** The last published checkpoint. */
  published(): { readonly size: number; readonly note: string }
  close(): Promise<void>
}

/** Bytes of entries in one batch, unless one call brings more. */
const MAX_BATCH_LENGTH = 16 << 20
/** So few files are synced at once, while appends wait. */
const FEW_FILES = 64

/**
 * Opens or creates a log. After a crash the journal is replayed: tiles are written again and the last checkpoint is
 * published again, the same as before.
 *
 * @throws {CtidError} `ERR_LOG_LOCKED` when another process has it open, `ERR_LOG_CLOSED` when the disk refuses,
 *   `ERR_LOG_CORRUPT` when the published checkpoint
 *   is ahead of the journal or differs from it (the disk was rolled back, or files were changed)
 */
export async function openFileLog(options: FileLogOptions): Promise<FileLog> {
  let lock: Lock | undefined
  try {
    await mkdir(options.directory, { recursive: true })
    lock = acquireLock(join(options.directory, 'lock'), new CtidError('ERR_LOG_LOCKED'))
    return await recover(options, lock)
  } catch (cause) {
    lock?.release()
    // A full or broken disk, or a folder that is not ours.
    throw isCtidError(cause) ? cause : new CtidError('ERR_LOG_CLOSED', { cause })
  }
}

async function recover(options: FileLogOptions, lock: Lock): Promise<FileLog> {
  const { directory } = options
  const source = directorySource(directory)
  const opened = await openJournal(join(directory, 'journal'), openTileWriter().snapshot())
  try {
    return await rebuild(options, { ...opened, source, lock })
  } catch (error) {
    await opened.journal.close()
    throw error
  }
}

type Opened = Awaited<ReturnType<typeof openJournal>> & { source: TileSource; lock: Lock }

async function rebuild(options: FileLogOptions, opened: Opened): Promise<FileLog> {
  const { directory, origin, signers } = options
  const { source, lock, journal } = opened
  const tiles = openTileWriter(opened.snapshot)
  const written = tileFiles(directory)
  const snapshotSize = tiles.size()
  const roots = new Map([[tiles.size(), tiles.root()]])
  const files = new Map<string, Map<string, Uint8Array>>()
  for (const batch of opened.batches) {
    await replay(tiles, batch, origin)
    roots.set(tiles.size(), tiles.root())
    collect(files, tiles.takeFiles())
  }
  // Nothing was written so far: what contradicts the published checkpoint is left as it was found.
  const published = await readPublished(options, { snapshotSize, roots, size: tiles.size(), source })
  if (published === undefined && snapshotSize > 0) {
    throw new CtidError('ERR_LOG_CORRUPT', { detail: 'checkpoint missing' })
  }
  await journal.trim()
  // These may not have been synced by the process that wrote them first.
  const unsynced = new Set<string>()
  for (const versions of files.values()) {
    written.replace(versions)
    for (const path of versions.keys()) unsynced.add(path)
  }
  const now = { origin, size: tiles.size(), root: tiles.root() }
  const clock = options.clock ?? systemClock
  // The same statement again, when the journal does not have it: a rotation keeps no note.
  const note = opened.batches.at(-1)?.note ?? (await signCheckpoint(now, signers, clock()))
  const nothing = { size: 0, note: await signCheckpoint({ origin, size: 0, root: EMPTY_ROOT }, signers) }
  const state = { note, published: published ?? nothing }
  if (!options.cosign && state.published.size < tiles.size()) state.published = { size: tiles.size(), note }
  await replaceFile(join(directory, 'checkpoint'), state.published.note)

  // Entries that were sequenced but never acknowledged: a caller who repeats them must not get a second place.
  const unpublished = new Map<string, number>()
  const range = { start: state.published.size, end: tiles.size() }
  for await (const { index, entry } of readEntries(source, range, tiles.size())) {
    unpublished.set(toHex(leafHash(entry)), index)
  }
  return startSequencer({ options, source, journal, written, unsynced, tiles, unpublished, state, lock })
}

// Files by tile. Of a tile that was filled meanwhile only the full one is kept: its partial versions are many.
function collect(byTile: Map<string, Map<string, Uint8Array>>, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, bytes] of files) {
    const cut = path.indexOf('.p/')
    const tile = cut < 0 ? path : path.slice(0, cut)
    const versions = cut < 0 ? undefined : byTile.get(tile)
    byTile.set(tile, (versions ?? new Map<string, Uint8Array>()).set(path, bytes))
  }
}

async function replay(tiles: TileWriter, batch: Batch, origin: string): Promise<void> {
  if (batch.firstIndex !== tiles.size()) throw new CtidError('ERR_LOG_CORRUPT', { detail: 'journal order' })
  tiles.addBundle(batch.bundle)
  const checkpoint = parseCheckpoint(parseNote(batch.note).text)
  const same = checkpoint.size === tiles.size() && equalBytes(checkpoint.root, tiles.root())
  if (!same || checkpoint.origin !== origin)
    throw new CtidError('ERR_LOG_CORRUPT', { detail: 'journal root' })
}

// The published checkpoint must be one that the journal knows: otherwise the log would sign a second history.
async function readPublished(
  { directory, origin, signers }: FileLogOptions,
  known: {
    readonly snapshotSize: number
    readonly roots: ReadonlyMap<number, Uint8Array>
    readonly size: number
    readonly source: TileSource
  },
): Promise<{ size: number; note: string } | undefined> {
  const note = await readFile(join(directory, 'checkpoint'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    // One that cannot be read must not look like none: another would be put in its place, unexamined.
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (note === '') return undefined
  const policy = { origin, logKey: signers[0].key, witnesses: [], threshold: 0 }
  const checkpoint = await openCheckpoint(note, policy).catch((cause) => {
    throw new CtidError('ERR_LOG_CORRUPT', { detail: 'published checkpoint', cause })
  })
  const isOlder = checkpoint.size < known.snapshotSize
  const root = isOlder
    ? await rootFromTiles(known.source, checkpoint.size).catch(() => undefined)
    : known.roots.get(checkpoint.size)
  if (!root || !equalBytes(root, checkpoint.root)) {
    throw new CtidError('ERR_LOG_CORRUPT', { detail: 'published checkpoint is not in the journal' })
  }
  return { size: checkpoint.size, note }
}

type Prepared = {
  readonly callers: readonly Caller[]
  readonly places: readonly (readonly number[])[]
  readonly firstIndex: number
  readonly added: Uint8Array
  readonly size: number
  readonly note: string
  readonly files: ReadonlyMap<string, Uint8Array>
}

type Sequencer = {
  readonly options: FileLogOptions
  readonly source: TileSource
  readonly journal: Journal
  readonly written: TileFiles
  /** Tiles that a power cut could still take; the journal has their entries. */
  readonly unsynced: Set<string>
  readonly tiles: TileWriter
  readonly unpublished: Map<string, number>
  readonly state: { note: string; published: { size: number; note: string } }
  readonly lock: Lock
}

function startSequencer({
  options,
  source,
  journal,
  written,
  unsynced,
  tiles,
  unpublished,
  state,
  lock,
}: Sequencer): FileLog {
  const { directory, origin, signers, cosign, clock = systemClock } = options
  const { maxBatch = 32_768, maxJournalLength = 64 << 20 } = options
  let syncing: Promise<void> | undefined
  const queue = createQueue({ entries: maxBatch, bytes: MAX_BATCH_LENGTH })
  let running: Promise<void> | undefined
  let closed: CtidError | undefined
  let released = false
  let confirmed = cosign === undefined

  // First half, in memory: places, hashes, signature. Nothing of it leaves the process before the second half.
  async function prepare({ callers, bundle }: Waiting): Promise<Prepared> {
    const firstIndex = tiles.size()
    const { places, added } =
      unpublished.size === 0
        ? { places: placesFrom(firstIndex, callers), added: bundle }
        : placesAmong(unpublished, firstIndex, { callers, bundle })
    tiles.addBundle(added)
    const size = tiles.size()
    if (added.length > 0) {
      state.note = await signCheckpoint({ origin, size, root: tiles.root() }, signers, clock())
    }
    return { callers, places, firstIndex, added, size, note: state.note, files: tiles.takeFiles() }
  }

  // Second half, on disk: journal, tiles, checkpoint, answers. One at a time and in order.
  async function commit(prepared: Prepared): Promise<void> {
    const { callers, places, firstIndex, added, size, note, files } = prepared
    try {
      if (closed) throw closed
      if (!lock.held()) throw new CtidError('ERR_LOG_LOCKED')
      if (added.length > 0) {
        await journal.append({ firstIndex, note, bundle: added })
        await written.settled()
        written.add(files)
        for (const path of files.keys()) unsynced.add(path)
      }
      await publish(prepared)
      callers.forEach(({ resolve }, i) => {
        resolve({ indexes: places[i] ?? [], size, note: state.published.note })
      })
    } catch (cause) {
      const refusal = cause instanceof NotPublished ? cause.reason : fail(cause)
      for (const { reject } of callers) reject(refusal)
    }
  }

  async function publish({ firstIndex, added, size, note }: Prepared): Promise<void> {
    let cosigned = note
    if (cosign) {
      try {
        cosigned = await cosign(note, source)
      } catch (cause) {
        decodeBundle(added, size - firstIndex).forEach((entry, i) => {
          unpublished.set(toHex(leafHash(entry)), firstIndex + i)
        })
        throw new NotPublished(cause)
      }
    }
    await replaceFile(join(directory, 'checkpoint'), cosigned)
    state.published = { size, note: cosigned }
    unpublished.clear()
  }

  // A folder restored from a copy is whole and yet behind what was published: the log would sign a second history. So
  // before its first signature after opening, the witnesses must agree that this is where it stood.
  async function confirm(): Promise<void> {
    if (confirmed || !cosign) return
    const size = tiles.size()
    const note = await cosign(state.note, source).catch((reason) => {
      // Not every witness signs an empty tree; one that says that it has seen more is heard all the same.
      if (size === 0 && isCtidError(reason) && reason.code === 'ERR_LOG_WITNESSES') return state.note
      throw reason
    })
    await replaceFile(join(directory, 'checkpoint'), note).catch((cause) => {
      throw fail(cause)
    })
    state.published = { size, note }
    confirmed = true
  }

  // A journal that has grown long starts again as soon as the tiles are durable without it. There are thousands of them:
  // that goes on beside the appending, until few are left.
  function mustRotate(): boolean {
    const length = journal.length()
    if (length <= maxJournalLength || closed) return false
    if (length > 2 * maxJournalLength) return true
    if (syncing === undefined && unsynced.size > FEW_FILES) {
      syncing = sync()
        .catch(fail)
        .then(() => {
          syncing = undefined
        })
    }
    return syncing === undefined
  }

  async function sync(): Promise<void> {
    const paths = [...unsynced]
    unsynced.clear()
    await syncFiles(directory, paths)
  }

  // Only when nothing is prepared: the snapshot must be what the journal holds.
  async function rotate(): Promise<void> {
    try {
      await syncing
      if (closed) return
      unsynced.add('checkpoint')
      await sync()
      await journal.rotate(tiles.snapshot())
    } catch (cause) {
      fail(cause)
    }
  }

  async function run(): Promise<void> {
    let committing: Promise<void> | undefined
    while (!queue.isEmpty() || committing) {
      // With a full batch waiting, hash it while the one before is being written; else let the batch grow meanwhile.
      const rotating = mustRotate()
      if (queue.size() < maxBatch / 2 || rotating || cosign) {
        await committing
        committing = undefined
        if (rotating) await rotate()
      }
      const batch = queue.take()
      if (batch === undefined) continue
      const refuse = (reason: unknown) => {
        for (const { reject } of batch.callers) reject(reason)
      }
      const isConfirmed = await confirm().then(() => true, refuse)
      if (!isConfirmed) continue
      const prepared = await prepare(batch).catch((cause) => refuse(fail(cause)))
      await committing
      committing = prepared ? commit(prepared).then(() => queue.recycle(batch)) : undefined
    }
    running = undefined
  }

  // Memory and disk may now differ; only a replay of the journal can tell. Nothing more is acknowledged.
  function fail(cause: unknown): CtidError {
    closed ??= new CtidError('ERR_LOG_CLOSED', { cause })
    for (let batch = queue.take(); batch; batch = queue.take()) {
      for (const { reject } of batch.callers) reject(closed)
    }
    return closed
  }

  return {
    origin,
    source,
    append(entries) {
      if (closed) return Promise.reject(closed)
      if (entries.some((entry) => entry.length > MAX_ENTRY_LENGTH)) {
        return Promise.reject(new CtidError('ERR_LOG_ENTRY', { detail: 'length' }))
      }
      return new Promise((resolve, reject) => {
        queue.add(entries, { count: entries.length, resolve, reject })
        running ??= Promise.resolve().then(run)
      })
    },
    published: () => state.published,
    async close() {
      if (released) return
      released = true
      await running
      await syncing
      await written.settled().catch(fail)
      closed ??= new CtidError('ERR_LOG_CLOSED', { detail: 'closed' })
      await journal.close()
      lock.release()
    },
  }
}

type Places = readonly (readonly number[])[]

function placesFrom(first: number, callers: readonly Caller[]): Places {
  let next = first
  return callers.map(({ count }) => {
    next += count
    return sequence(next - count, count)
  })
}

// Entries that have a place keep it; the others follow.
function placesAmong(
  known: ReadonlyMap<string, number>,
  first: number,
  { callers, bundle }: Waiting,
): { readonly places: Places; readonly added: Uint8Array } {
  const total = callers.reduce((sum, { count }) => sum + count, 0)
  const added: Uint8Array[] = []
  const all = decodeBundle(bundle, total).map((entry) => {
    const place = known.get(toHex(leafHash(entry)))
    return place ?? first + added.push(entry) - 1
  })
  let next = 0
  const places = callers.map(({ count }) => {
    next += count
    return all.slice(next - count, next)
  })
  return { places, added: encodeBundle(added) }
}

function sequence(start: number, count: number): number[] {
  const numbers: number[] = []
  for (let i = 0; i < count; i++) numbers.push(start + i)
  return numbers
}

class NotPublished extends Error {
  readonly reason: unknown
  constructor(reason: unknown) {
    super('not published')
    this.reason = reason
  }
}
