// Evaluators' keys to come, on disk below the key folder. Of a rotation: shares of ρ and of K′, saved before their first
// use and kept until no entry needs the former key. Of a change of the shares in use: all new ones before one is replaced.
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseJsonObject } from '../base/index.ts'
import type { Group, Share } from '../crypto/index.ts'
import { type EvaluatorKeySet, formatKeySet, type KeyRotation, parseKeySet } from '../token/index.ts'
import { readShareFile, writePrivateFile, writeShareFile } from '../token/node.ts'

const SIDES = ['rotation', 'next'] as const
type Shared = { readonly keySet: EvaluatorKeySet; readonly shares: readonly Share[] }

const ROTATION = 'evaluator-rotation'
const CHANGE = 'evaluator-change'
const at = (folder: string, name: string) => join(folder, ROTATION, name)
// The next key set is written last: its presence says that all shares are there.
const COMPLETE = 'next.json'
const RETIRED = 'retired'

/** Saves a rotation that has not begun. */
export async function saveRotation(folder: string, rotation: KeyRotation): Promise<void> {
  for (const side of SIDES) await saveShared(join(folder, ROTATION), side, rotation[side])
}

/** The rotation that is under way, if there is one. */
export async function readRotation(folder: string, group: Group): Promise<KeyRotation | undefined> {
  if (!existsSync(at(folder, COMPLETE))) return undefined
  const read = (side: (typeof SIDES)[number]) => readShared(join(folder, ROTATION), side, group)
  return { rotation: await read('rotation'), next: await read('next') }
}

/** Notes that the former key has been retired in the registry: only taking K′ over is left. */
export async function markRetired(folder: string): Promise<void> {
  await writePrivateFile(at(folder, RETIRED), '')
}

/** Whether a rotation was retired, but K′ perhaps not taken over. */
export function isRetired(folder: string): boolean {
  return existsSync(at(folder, RETIRED))
}

/** Deletes the shares of ρ. */
export async function removeRotation(folder: string): Promise<void> {
  // The key set first: a half-deleted rotation must not look complete.
  await rm(at(folder, COMPLETE), { force: true })
  await rm(join(folder, ROTATION), { recursive: true, force: true })
}

/** Saves the shares that are to replace those in use: from now on the change is made, whatever happens to the process. */
export async function saveChange(folder: string, next: Shared): Promise<void> {
  await saveShared(join(folder, CHANGE), 'next', next)
}

/** Shares that were to replace those in use, when the process that did so did not end. */
export async function readChange(folder: string, group: Group): Promise<Shared | undefined> {
  return isChanging(folder) ? readShared(join(folder, CHANGE), 'next', group) : undefined
}

/** Whether shares are being replaced at this moment: some files are old, some new. */
export function isChanging(folder: string): boolean {
  return existsSync(join(folder, CHANGE, COMPLETE))
}

/** Forgets a change that has been made. */
export async function removeChange(folder: string): Promise<void> {
  await rm(join(folder, CHANGE, COMPLETE), { force: true })
  await rm(join(folder, CHANGE), { recursive: true, force: true })
}

async function saveShared(directory: string, side: string, { keySet, shares }: Shared): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const share of shares) {
    await writeShareFile(join(directory, `${side}-${share.id}.json`), { share, keySet, callers: [] })
  }
  await writePrivateFile(
    join(directory, `${side}.json`),
    `${JSON.stringify(formatKeySet(keySet), null, 2)}\n`,
  )
}

async function readShared(directory: string, side: string, group: Group): Promise<Shared> {
  const text = await readFile(join(directory, `${side}.json`), 'utf8')
  const keySet = parseKeySet(parseJsonObject(text), group)
  // A registrar whose evaluators are elsewhere changes the key set alone.
  const files = keySet.shares.map(({ id }) => join(directory, `${side}-${id}.json`)).filter(existsSync)
  const shares = await Promise.all(files.map((file) => readShareFile(file, group)))
  return { keySet, shares: shares.map(({ share }) => share) }
}
