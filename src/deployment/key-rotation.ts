// A rotation of the evaluators' key on disk, below the key folder: shares of ρ and of K′, saved before their first use
// and kept until no entry needs the former key.
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseJsonObject } from '../base/index.ts'
import type { Group, Share } from '../crypto/index.ts'
import { type EvaluatorKeySet, formatKeySet, type KeyRotation, parseKeySet } from '../token/index.ts'
import { readShareFile, writePrivateFile, writeShareFile } from '../token/node.ts'

const SIDES = ['rotation', 'next'] as const
type Shared = { readonly keySet: EvaluatorKeySet; readonly shares: readonly Share[] }

const at = (folder: string, name: string) => join(folder, 'evaluator-rotation', name)
// The key set of K′ is written last: its presence says that all shares are there.
const COMPLETE = 'next.json'
const RETIRED = 'retired'

/** Saves a rotation that has not begun. */
export async function saveRotation(folder: string, rotation: KeyRotation): Promise<void> {
  await mkdir(join(folder, 'evaluator-rotation'), { recursive: true, mode: 0o700 })
  for (const side of SIDES) {
    const { keySet, shares } = rotation[side]
    for (const share of shares) {
      await writeShareFile(at(folder, `${side}-${share.id}.json`), { share, keySet, callers: [] })
    }
    await writePrivateFile(at(folder, `${side}.json`), `${JSON.stringify(formatKeySet(keySet), null, 2)}\n`)
  }
}

/** The rotation that is under way, if there is one. */
export async function readRotation(folder: string, group: Group): Promise<KeyRotation | undefined> {
  if (!existsSync(at(folder, COMPLETE))) return undefined
  const read = async (side: (typeof SIDES)[number]): Promise<Shared> => {
    const keySet = parseKeySet(parseJsonObject(await readFile(at(folder, `${side}.json`), 'utf8')), group)
    const files = keySet.shares.map(({ id }) => readShareFile(at(folder, `${side}-${id}.json`), group))
    return { keySet, shares: (await Promise.all(files)).map(({ share }) => share) }
  }
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
  await rm(join(folder, 'evaluator-rotation'), { recursive: true, force: true })
}
