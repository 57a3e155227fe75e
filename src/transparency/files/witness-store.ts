// The memory of a witness on disk: one file per log, replaced atomically and synced before the cosignature is given.
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { WitnessStore } from '../witness.ts'
import { syncDirectory } from './journal.ts'

/** Keeps checkpoints as `<hash of the origin>.checkpoint`, and evidence of misbehaviour beside them. */
export async function fileWitnessStore(directory: string): Promise<WitnessStore> {
  await mkdir(directory, { recursive: true })
  const nameOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)
  const pathOf = (origin: string) => join(directory, `${nameOf(origin)}.checkpoint`)

  async function write(path: string, text: string): Promise<void> {
    const handle = await open(`${path}.tmp`, 'w')
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(`${path}.tmp`, path)
    await syncDirectory(directory)
  }

  return {
    async get(origin) {
      try {
        return await readFile(pathOf(origin), 'utf8')
      } catch (error) {
        // A file that exists but cannot be read must not look like a log never seen: that would allow a rollback.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    put: (origin, note) => write(pathOf(origin), note),
    evidence: (origin, note, reason) =>
      write(join(directory, `${nameOf(origin)}.${reason}.${nameOf(note)}.evidence`), note),
  }
}
