// Killed at random moments during appends: no acknowledged entry is lost, no checkpoint contradicts an earlier one, in
// nobody's eyes: neither a caller's nor a witness's.
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  appendLeaf,
  COSIGNATURE,
  emptyFrontier,
  frontierRoot,
  LOG_SIGNATURE,
  leafHash,
  noteSigner,
  openCheckpoint,
  readEntries,
} from '#ctid/transparency'
import { openFileLog } from '../../src/transparency/node.ts'
import { bundled } from '../programs.ts'

const HAMMER = await bundled(new URL('hammer.ts', import.meta.url))
const ROUNDS = process.env['CTID_FULL'] ? 100 : 4
const signer = noteSigner('log.example/hammer', LOG_SIGNATURE, new Uint8Array(32).fill(7))
const policy = { origin: 'log.example/hammer', logKey: signer.key, witnesses: [], threshold: 0 }
const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

type Acknowledged = { readonly text: string; readonly index: number; readonly note: string }

// Starts the hammer, kills it some time after it is ready, returns what it said before.
function hammerAndKill(directory: string, run: number, witnesses: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [HAMMER, directory, String(run), String(witnesses)])
  let out = ''
  let errors = ''
  child.stderr.on('data', (data) => {
    errors += data
  })
  return new Promise((resolve, reject) => {
    let armed = false
    child.stdout.on('data', (data) => {
      out += data
      // On a busy machine nothing may be acknowledged so soon after opening: every second kill waits for the first answer.
      if (armed || !(run % 2 ? /^ready\n./ : /^ready\n/).test(out)) return
      armed = true
      // Witnesses sync their memories to disk too, so that there a batch takes longer.
      setTimeout(() => child.kill('SIGKILL'), (5 + ((run * 37) % 120)) * (1 + 2 * witnesses))
    })
    child.on('exit', (code) => {
      if (code !== null) return reject(new Error(`hammer ended by itself: ${errors}`))
      const lines = out.split('\n').slice(1, -1)
      resolve(lines.map((line) => JSON.parse(line) as Acknowledged))
    })
  })
}

describe.concurrent.each([
  ['a log alone', 0, ROUNDS],
  ['a log with two witnesses', 2, ROUNDS / 2],
])('%s', (what, witnesses, rounds) => {
  it(`killed with -9 ${rounds} times during appends, loses no acknowledged entry and signs one history`, async () => {
    const parent = await mkdtemp(join(tmpdir(), 'ctid-log-kill-'))
    folders.push(parent)
    const directory = join(parent, 'log')
    const acknowledged: Acknowledged[] = []
    for (let run = 0; run < rounds; run++)
      acknowledged.push(...(await hammerAndKill(directory, run, witnesses)))

    const log = await openFileLog({ directory, origin: policy.origin, signers: [signer] })
    const { size } = log.published()
    const keys = Array.from(
      { length: witnesses },
      (_, i) => noteSigner(`witness.example/${i}`, COSIGNATURE, new Uint8Array(32).fill(20 + i)).key,
    )
    const entries: string[] = []
    const roots: Uint8Array[] = []
    const frontier = emptyFrontier()
    roots.push(frontierRoot(frontier))
    for await (const { entry } of readEntries(log.source, { start: 0, end: size }, size)) {
      entries.push(Buffer.from(entry).toString())
      appendLeaf(frontier, leafHash(entry))
      roots.push(frontierRoot(frontier))
    }
    await log.close()

    expect(acknowledged.length).toBeGreaterThan(rounds)
    const lost = acknowledged.filter(({ text, index }) => entries[index] !== text)
    expect(lost).toEqual([])
    for (const note of new Set(acknowledged.map((answer) => answer.note))) {
      const checkpoint = await openCheckpoint(note, { ...policy, witnesses: keys, threshold: witnesses })
      expect(roots[checkpoint.size]).toEqual(checkpoint.root)
    }
    for (let i = 0; i < witnesses; i++) {
      const memory = `${directory}-witness-${i}`
      const files = (await readdir(memory)).filter((name) => !/\.(tmp|lock)(\.|$)/.test(name))
      // One checkpoint, and no evidence of anything.
      expect(files).toEqual([expect.stringMatching(/\.checkpoint$/)])
      const seen = await openCheckpoint(await readFile(join(memory, files[0] ?? ''), 'utf8'), policy)
      expect(roots[seen.size]).toEqual(seen.root)
    }
    console.log(`${what}: ${rounds} kills, ${acknowledged.length} acknowledged, 0 lost, ${size} entries`)
  })
})
