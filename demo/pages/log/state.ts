// What the page has verified: the head of the log under this browser's policy, and the head it saw before.
import { equalBytes } from '#ctid/base'
import {
  appendLeaf,
  emptyFrontier,
  frontierRoot,
  httpSource,
  type LogPolicy,
  leafHash,
  openCheckpoint,
  parseNoteKey,
  readEntries,
  type TileSource,
  type VerifiedCheckpoint,
} from '#ctid/transparency'
import { call } from '../../ui/api.ts'

type Summary = {
  readonly origin: string
  readonly note: string
  readonly key: string
  readonly witnesses: readonly string[]
}

/** What the log's own console says; nothing of it is believed without a proof. */
export type Console = {
  readonly threshold: number
  readonly vrfKey: string
  readonly monitor: { readonly ok: boolean; readonly size: number; readonly at: number }
  readonly epoch: { readonly number: number; readonly index: number } | null
}

export type Head = {
  readonly policy: LogPolicy
  readonly checkpoint: VerifiedCheckpoint
  readonly console: Console
}

export const source: TileSource = httpSource('/log')

/** Fetches the checkpoint and verifies it: the log's signature, and a cosignature of every witness. */
export async function readHead(): Promise<Head> {
  const [summary, console] = await Promise.all([
    call<Summary>('/log/api/summary'),
    call<Console>('/log-console'),
  ])
  const witnesses = summary.witnesses.map(parseNoteKey)
  const policy = {
    origin: summary.origin,
    logKey: parseNoteKey(summary.key),
    witnesses,
    threshold: witnesses.length,
  }
  return { policy, checkpoint: await openCheckpoint(summary.note, policy), console }
}

/** Every entry hashed again, and the tree above them: nothing of the server's own arithmetic is used. */
export async function rootOfEntries(from: TileSource, size: number, of = size): Promise<Uint8Array> {
  const frontier = emptyFrontier()
  for await (const { entry } of readEntries(from, { start: 0, end: size }, of)) {
    appendLeaf(frontier, leafHash(entry))
  }
  return frontierRoot(frontier)
}

export const entriesGive = async (from: TileSource, { size, root }: VerifiedCheckpoint): Promise<boolean> =>
  equalBytes(await rootOfEntries(from, size), root)

export async function entryAt(from: TileSource, index: number, size: number): Promise<Uint8Array> {
  for await (const { entry } of readEntries(from, { start: index, end: index + 1 }, size)) return entry
  return new Uint8Array()
}
