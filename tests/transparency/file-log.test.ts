// The log on files: layout, group commit, recovery, the lock, and refusing to contradict what was published.
import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CtidError } from '#ctid/base'
import {
  COSIGNATURE,
  cosignWith,
  createWitness,
  LOG_SIGNATURE,
  memoryWitnessStore,
  type NoteSigner,
  noteSigner,
  openCheckpoint,
  parseNote,
  registryLog,
  rootFromTiles,
  signCheckpoint,
  verifyReceipt,
} from '#ctid/transparency'
import { type FileLogOptions, openFileLog } from '../../src/transparency/node.ts'
import { tileFiles } from './memory-tiles.ts'

const signer = noteSigner('log.example/1', LOG_SIGNATURE, new Uint8Array(32).fill(1))
const policy = { origin: 'log.example/1', logKey: signer.key, witnesses: [], threshold: 0 }
const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ctid-log-'))
  folders.push(folder)
  return folder
}
const open = (directory: string, more: Partial<FileLogOptions> = {}) =>
  openFileLog({ directory, origin: policy.origin, signers: [signer], ...more })
const entriesOf = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => Buffer.from(`entry ${from + i}`))

describe('appending', () => {
  it('writes exactly the tiles of the definition, over many batch sizes, and its receipts verify', async () => {
    const directory = await newFolder()
    const log = await open(directory)
    const all: Buffer[] = []
    for (const count of [1, 3, 250, 2, 1, 300, 70]) {
      const batch = entriesOf(count, all.length)
      const receipts = await registryLog(log).append(batch)
      all.push(...batch)
      for (const [i, receipt] of receipts.entries()) {
        expect(await verifyReceipt(batch[i] as Buffer, receipt, policy)).toMatchObject({ size: all.length })
      }
    }
    for (const [path, bytes] of tileFiles(all)) {
      expect(new Uint8Array(await readFile(join(directory, path)))).toEqual(bytes)
    }
    await log.close()
  })

  it('serves no tile of which a part is written so far', async () => {
    const directory = await newFolder()
    const log = await open(directory)
    await log.append(entriesOf(600))
    for (const path of ['tile/0/000', 'tile/entries/001', 'tile/entries/002.p/88', 'tile/1/000.p/2']) {
      const whole = await readFile(join(directory, path))
      for (const length of [0, 1, 4_096, whole.length - 1].filter((length) => length < whole.length)) {
        await writeFile(join(directory, path), whole.subarray(0, length))
        expect(await log.source.read(path)).toBeUndefined()
      }
      await writeFile(join(directory, path), whole)
      expect(await log.source.read(path)).toEqual(new Uint8Array(whole))
    }
    await log.close()
  })

  it('gives callers that wait at the same time one batch and distinct places', async () => {
    const log = await open(await newFolder())
    const results = await Promise.all(entriesOf(200).map((entry) => log.append([entry])))
    expect(new Set(results.flatMap(({ indexes }) => indexes)).size).toBe(200)
    expect(new Set(results.map(({ note }) => note)).size).toBeLessThan(20)
    await log.close()
  })

  it('refuses an entry that a bundle cannot hold, and everything after closing', async () => {
    const log = await open(await newFolder())
    await expect(log.append([new Uint8Array(65_536)])).rejects.toMatchObject({ code: 'ERR_LOG_ENTRY' })
    await log.close()
    await expect(log.append(entriesOf(1))).rejects.toMatchObject({ code: 'ERR_LOG_CLOSED' })
  })

  it('does not acknowledge without witnesses, and a repeated entry keeps its place', async () => {
    const directory = await newFolder()
    let available = false
    const cosign = async (note: string) => {
      if (!available) throw new Error('no witness answers')
      return note
    }
    let log = await open(directory, { cosign })
    await expect(log.append(entriesOf(3))).rejects.toThrow('no witness answers')
    expect(log.published().size).toBe(0)
    await log.close()
    log = await open(directory, { cosign })
    available = true
    expect((await log.append(entriesOf(3))).indexes).toEqual([0, 1, 2])
    expect((await log.append(entriesOf(1, 3))).indexes).toEqual([3])
    await log.close()
  })
})

describe('recovery', () => {
  it('continues after every journal rotation and reopening with the same tree', async () => {
    const directory = await newFolder()
    for (let round = 0; round < 6; round++) {
      const log = await open(directory, { maxJournalLength: 4_000 })
      for (let i = 0; i < 3; i++) await log.append(entriesOf(47, round * 141 + i * 47))
      await log.close()
    }
    const log = await open(directory)
    const checkpoint = await openCheckpoint(log.published().note, policy)
    expect(checkpoint.size).toBe(846)
    expect(await rootFromTiles(log.source, 846)).toEqual(checkpoint.root)
    for (const [path, bytes] of tileFiles(entriesOf(846))) {
      expect(new Uint8Array(await readFile(join(directory, path)))).toEqual(bytes)
    }
    await log.close()
  })

  it('begins the journal anew while appending goes on, however many tiles there are to sync first', async () => {
    const directory = await newFolder()
    const limits = { maxJournalLength: 200_000, maxBatch: 2_000 }
    const log = await open(directory, limits)
    let longest = 0
    for (let round = 0; round < 20; round++) {
      await Promise.all([0, 1].map((i) => log.append(entriesOf(2_000, round * 4_000 + i * 2_000))))
      longest = Math.max(longest, (await stat(join(directory, 'journal'))).size)
    }
    await log.close()
    const batch = 2_000 * 'xxentry 12345'.length
    expect(longest).toBeLessThan(2 * limits.maxJournalLength + 2 * batch)
    expect((await stat(join(directory, 'journal'))).size).toBeLessThan(80_000 * 'xxentry 12345'.length * 0.9)
    const again = await open(directory, limits)
    expect(await rootFromTiles(again.source, 80_000)).toEqual(
      (await openCheckpoint(again.published().note, policy)).root,
    )
    await again.close()
  })

  it('drops a torn last record and writes lost tiles again', async () => {
    const directory = await newFolder()
    const log = await open(directory)
    await log.append(entriesOf(10))
    await log.close()
    const published = await readFile(join(directory, 'checkpoint'), 'utf8')
    const { size } = await (await import('node:fs/promises')).stat(join(directory, 'journal'))
    await writeFile(join(directory, 'journal'), Buffer.from([0, 0, 9, 9, 1, 2, 3]), { flag: 'a' })
    await rm(join(directory, 'tile'), { recursive: true })
    const again = await open(directory)
    expect(again.published().note).toBe(published)
    expect(await rootFromTiles(again.source, 10)).toEqual((await openCheckpoint(published, policy)).root)
    await again.close()
    expect((await readFile(join(directory, 'journal'))).length).toBe(size)
  })

  it('refuses to start when the journal was rolled back behind a published checkpoint', async () => {
    const directory = await newFolder()
    const log = await open(directory)
    await log.append(entriesOf(10))
    const before = (await readFile(join(directory, 'journal'))).length
    await log.append(entriesOf(5, 10))
    await log.close()
    await truncate(join(directory, 'journal'), before)
    await expect(open(directory)).rejects.toMatchObject({ code: 'ERR_LOG_CORRUPT' })
  })

  it.each([
    ['cut off at a published record', (journal: Buffer, before: number) => journal.subarray(0, before)],
    [
      'with a damaged length, which looks like a torn record',
      (journal: Buffer, before: number) => {
        const copy = Buffer.from(journal)
        copy[before] = 0x7f
        return copy
      },
    ],
  ])('leaves a journal %s as it found it: nothing is lost that could be repaired', async (_, change) => {
    const directory = await newFolder()
    const log = await open(directory)
    await log.append(entriesOf(10))
    const before = (await readFile(join(directory, 'journal'))).length
    await log.append(entriesOf(5, 10))
    await log.append(entriesOf(5, 15))
    await log.close()
    const path = join(directory, 'journal')
    const whole = await readFile(path)
    const changed = change(whole, before)
    await writeFile(path, changed)
    await expect(open(directory)).rejects.toMatchObject({ code: 'ERR_LOG_CORRUPT' })
    expect((await readFile(path)).equals(changed)).toBe(true)
    await writeFile(path, whole)
    const again = await open(directory)
    expect(again.published().size).toBe(20)
    await again.close()
  })

  it('does not put another checkpoint in the place of one that cannot be read', async () => {
    const directory = await newFolder()
    const log = await open(directory)
    await log.append(entriesOf(3))
    await log.close()
    await rm(join(directory, 'checkpoint'))
    await mkdir(join(directory, 'checkpoint'))
    await expect(open(directory)).rejects.toMatchObject({ code: 'ERR_LOG_CLOSED' })
  })

  it('does not begin anew when the journal is there but cannot be read', async () => {
    const directory = await newFolder()
    const path = join(directory, 'journal')
    await mkdir(path)
    await expect(open(directory)).rejects.toMatchObject({ code: 'ERR_LOG_CLOSED' })
    expect((await stat(path)).isDirectory()).toBe(true)
  })

  it('keeps places and checkpoint together when unpublished entries outlive a rotation and a restart', async () => {
    const directory = await newFolder()
    let available = true
    const cosign = async (note: string) => {
      if (!available) throw new CtidError('ERR_LOG_WITNESSES')
      return note
    }
    let log = await open(directory, { cosign, maxJournalLength: 2_000 })
    await log.append(entriesOf(20))
    available = false
    for (let i = 0; i < 3; i++) {
      await expect(log.append(entriesOf(20, 20))).rejects.toMatchObject({ code: 'ERR_LOG_WITNESSES' })
      await expect(log.append(entriesOf(40, 40))).rejects.toMatchObject({ code: 'ERR_LOG_WITNESSES' })
    }
    await log.close()
    log = await open(directory, { cosign, maxJournalLength: 2_000 })
    expect(log.published().size).toBe(20)
    available = true
    const batch = entriesOf(20, 20)
    const receipts = await registryLog(log).append(batch)
    expect(receipts[0]?.index).toBe(20)
    for (const [i, receipt] of receipts.entries()) {
      expect(await verifyReceipt(batch[i] as Buffer, receipt, policy)).toMatchObject({ size: 80 })
    }
    await log.close()
  })

  it('refuses an older checkpoint that the tree never had', async () => {
    const directory = await newFolder()
    const log = await open(directory, { maxJournalLength: 500 })
    for (let i = 0; i < 4; i++) await log.append(entriesOf(30, i * 30))
    await log.close()
    const older = { origin: policy.origin, size: 30 }
    const write = async (root: Uint8Array) =>
      writeFile(join(directory, 'checkpoint'), await signCheckpoint({ ...older, root }, [signer]))
    await write(new Uint8Array(32))
    await expect(open(directory)).rejects.toMatchObject({ code: 'ERR_LOG_CORRUPT' })
    await write(await rootFromTiles(log.source, 30))
    const again = await open(directory)
    expect(again.published().size).toBe(120)
    await again.close()
  })

  it('refuses a damaged record inside the journal, a foreign checkpoint, and a journal without its checkpoint', async () => {
    const directory = await newFolder()
    const log = await open(directory, { maxJournalLength: 1_000 })
    await log.append(entriesOf(100))
    await log.append(entriesOf(3, 100))
    await log.append(entriesOf(3, 103))
    await log.close()
    const journal = await readFile(join(directory, 'journal'))

    const damaged = await newFolder()
    await cp(directory, damaged, { recursive: true })
    const copy = Buffer.from(journal)
    copy[20] = (copy[20] as number) ^ 1
    await writeFile(join(damaged, 'journal'), copy)
    await expect(open(damaged)).rejects.toMatchObject({ code: 'ERR_LOG_CORRUPT' })

    const foreign = await newFolder()
    await cp(directory, foreign, { recursive: true })
    const root = new Uint8Array(32)
    const other = await signCheckpoint({ origin: policy.origin, size: 106, root }, [signer])
    await writeFile(join(foreign, 'checkpoint'), other)
    await expect(open(foreign)).rejects.toMatchObject({ code: 'ERR_LOG_CORRUPT' })
  })
})

describe('a folder restored from an old copy', () => {
  it('is whole, and yet signs nothing: the witnesses have seen more', async () => {
    const directory = await newFolder()
    const old = await newFolder()
    const signed: string[] = []
    const watching: NoteSigner = {
      key: signer.key,
      sign: (text, time) => {
        signed.push(text)
        return signer.sign(text, time)
      },
    }
    const witnesses = [2, 3].map((seed) =>
      createWitness({
        signer: noteSigner(`w${seed}.example`, COSIGNATURE, new Uint8Array(32).fill(seed)),
        logs: [{ origin: policy.origin, keys: [signer.key] }],
        store: memoryWitnessStore(),
        clock: () => 1_800_000_000,
      }),
    )
    const more = { cosign: cosignWith({ witnesses, threshold: 2 }), signers: [watching] as const }
    const log = await open(directory, more)
    await log.append(entriesOf(10))
    await log.close()
    await cp(directory, old, { recursive: true })
    const later = await open(directory, more)
    await later.append(entriesOf(5, 10))
    await later.close()

    for (const folder of [old, await newFolder()]) {
      const restored = await open(folder, { ...more, cosign: cosignWith({ witnesses, threshold: 2 }) })
      signed.length = 0
      for (let i = 0; i < 2; i++) {
        await expect(restored.append(entriesOf(9, 50))).rejects.toMatchObject({ code: 'ERR_LOG_CORRUPT' })
      }
      expect(signed).toEqual([])
      await restored.close()
    }
    const right = await open(directory, more)
    expect((await right.append(entriesOf(1, 15))).indexes).toEqual([15])
    await right.close()
  })
})

describe('the single-writer lock', () => {
  it('stops a writer whose lock was taken over: it acknowledges nothing more, and leaves the new lock alone', async () => {
    const directory = await newFolder()
    const first = await open(directory)
    await first.append(entriesOf(3))
    // As from another container: its process numbers say nothing about ours.
    await writeFile(join(directory, 'other'), JSON.stringify({ pid: 1, started: 'elsewhere' }))
    await rename(join(directory, 'other'), join(directory, 'lock'))
    const second = await open(directory)
    await expect(first.append(entriesOf(2, 3))).rejects.toMatchObject({ code: 'ERR_LOG_CLOSED' })
    await first.close()
    expect((await second.append(entriesOf(2, 3))).indexes).toEqual([3, 4])
    await expect(open(directory)).rejects.toMatchObject({ code: 'ERR_LOG_LOCKED' })
    await second.close()
  })

  it('refuses a second writer, and takes over from a dead process', async () => {
    const directory = await newFolder()
    const log = await open(directory)
    await expect(open(directory)).rejects.toMatchObject({ code: 'ERR_LOG_LOCKED' })
    await log.close()
    const dead = Number(execFileSync(process.execPath, ['-p', 'process.pid']).toString())
    await writeFile(join(directory, 'lock'), JSON.stringify({ pid: dead, started: '1' }))
    const next = await open(directory)
    expect(parseNote(next.published().note).text).toContain('log.example/1')
    await next.close()
  })
})
