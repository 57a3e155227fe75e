// A bulk enrolment killed again and again, on both engines: nothing acknowledged is lost, nobody is enrolled twice, and
// the same command always goes on.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '#ctid/base'
import { openDeployment } from '#ctid/deployment'
import { syntheticPeople } from '#ctid/identity'
import { bundled } from '../programs.ts'
import { postgresForTests } from '../store/postgres-server.ts'

const FULL = process.env['CTID_FULL'] === '1'
const KILLS = FULL ? 100 : 1
const WORKERS = FULL ? '2' : '1'
const PROGRAM = await bundled(
  new URL('bulk-process.ts', import.meta.url),
  new URL('../../src/registrar/bulk-worker.ts', import.meta.url),
)
const directory = mkdtempSync(join(tmpdir(), 'ctid-bulk-kill-'))
const database = await postgresForTests()
afterAll(async () => {
  await database?.stop()
  rmSync(directory, { recursive: true })
})

/** Runs until the end, or until `checkpoints` were reported and `delay` ms passed; then SIGKILL. */
async function run(args: readonly string[], until?: { checkpoints: number; delay: number }) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let words = ''
  let killing = false
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
    if (!until || killing || out.split('\n').length - 1 < until.checkpoints) return
    killing = true
    setTimeout(() => child.kill('SIGKILL'), until.delay)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk).slice(-2000)
  })
  await once(child, 'close')
  const lines = out.split('\n').slice(0, -1)
  const done = lines.find((line) => line.startsWith('done '))
  const last = lines.filter((line) => !line.startsWith('done')).at(-1)
  const [line = 1, created = 0] = (last ?? '').split(' ').map(Number)
  return { done: done && (JSON.parse(done.slice(5)) as object), line, created, words }
}

const engines = [
  { engine: 'SQLite', url: async () => join(directory, 'ctid.db'), present: true },
  { engine: 'PostgreSQL', url: async () => (await database?.fresh()) ?? '', present: database !== undefined },
]

describe.concurrent.each(engines)('$engine, bulk enrolment killed', ({ engine, url: fresh, present }) => {
  it.skipIf(!present)(`${KILLS} × SIGKILL: all are there, once, and the file ends`, async () => {
    const url = await fresh()
    const keys = join(directory, `keys-${engine}`)
    const open = () =>
      openDeployment({ keysFolder: keys, storeUrl: url, clock: systemClock, random: systemRandom })
    const people = syntheticPeople({ seed: `kill ${engine}`, count: KILLS * 60 + 100 })
    const file = join(directory, `${engine}.jsonl`)
    writeFileSync(file, people.map((person) => `${JSON.stringify(person)}\n`).join(''))

    let deployment = await open()
    for (let kill = 0; kill < KILLS; kill++) {
      const until = { checkpoints: 1 + (kill % 3), delay: (kill * 7) % 17 }
      const { done, line, words } = await run([keys, url, file, WORKERS], until)
      expect(words).toBe('')
      if (done) break
      // Whatever a checkpoint covers must be there: everybody before its line is found, not created.
      const sample = [0, Math.floor((line - 2) / 2), line - 2].filter((i) => i >= 0)
      for (const i of sample) {
        expect((await deployment.enrol(people[i])).status, `kill ${kill}, line ${i + 1}`).toBe('existing')
      }
      await deployment.close()
      deployment = await open()
    }
    const { done, words } = await run([keys, url, file, WORKERS])
    expect(words).toBe('')
    expect(done).toMatchObject({ finished: true, rejected: 0, lines: people.length })
    expect(existsSync(`${file}.checkpoint`)).toBe(false)

    const audit = await deployment.registry.audit({ deep: true })
    expect(audit).toMatchObject({ passed: true, entries: people.length })
    await deployment.close()
    if (!FULL) return
    // And a second run of the whole file creates nobody.
    expect((await run([keys, url, file, WORKERS])).done).toMatchObject({
      created: 0,
      existing: people.length,
    })
    console.info(`${engine}: ${KILLS} kills, ${people.length} people, 0 lost, 0 twice`)
  })
})
