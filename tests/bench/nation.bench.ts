// What a plan for a country needs besides the other benches' rates: bytes a person, a copy, a log entry and a status list take,
// and how fast one issuer with one PostgreSQL gives copies out. Sizes stand where rates stand; the ratio says how much is overhead.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { systemClock, systemRandom, utf8 } from '#ctid/base'
import { asProvenKey } from '#ctid/credential'
import { generateSigner, loadSodiumGroup } from '#ctid/crypto'
import { openDeployment } from '#ctid/deployment'
import { syntheticPeople } from '#ctid/identity'
import { createStatusPublisher, memoryLedger } from '#ctid/issuer'
import {
  createRegistryKeys,
  createVaultKey,
  localVault,
  openRegistry,
  registryMigrations,
} from '#ctid/registry'
import { randomIndex } from '#ctid/status'
import { migrate, openStore } from '#ctid/store'
import { deriveAnchors, deriveAnchorsBulk, localEvaluator, runCeremony, weightedShare } from '#ctid/token'
import { LOG_SIGNATURE, makeLabel, noteSigner, vrfKey } from '#ctid/transparency'
import { openFileLog } from '../../src/transparency/node.ts'
import { postgresForTests } from '../store/postgres-server.ts'
import type { Bench, BenchContext, BenchRow } from './harness.ts'

const LIST = 1_048_576
const COPIES = 10
const BATCH = 64

async function run(context: BenchContext): Promise<BenchRow[]> {
  return [...(await rates(context)), ...(await tables(context)), ...(await statusLists(context))]
}

/** Calls a second of processor time, which other people's load on the machine changes little; and by the clock. */
async function perCpuSecond(work: () => unknown, seconds: number) {
  await work()
  const used = process.cpuUsage()
  const begun = performance.now()
  const end = begun + seconds * 1000
  let calls = 0
  while (performance.now() < end) {
    await work()
    calls++
  }
  const { user, system } = process.cpuUsage(used)
  return { cpu: calls / ((user + system) / 1e6), clock: (calls * 1000) / (performance.now() - begun) }
}

// The parts of an enrolment and of the log that a plan multiplies by people.
async function rates({ full }: BenchContext): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  const measure = async (name: string, what: string, each: number, work: () => unknown) => {
    const { cpu, clock } = await perCpuSecond(work, full ? 4 : 1)
    const reference = 'by the clock, in one process'
    const [ours, theirs] = [cpu * each, clock * each]
    rows.push({ name, unit: `${what} a CPU second`, ours, reference, theirs, ratio: theirs / ours })
  }
  const group = await loadSodiumGroup()
  const { keySet, shares } = runCeremony({ threshold: 2, count: 3, random: systemRandom, group })
  const quorum = shares.slice(0, 2)
  const ids = quorum.map(({ id }) => id)
  const weighted = quorum.map((share) => weightedShare(group, share, ids))
  const evaluators = quorum.map((share) => localEvaluator(share, { group, random: systemRandom }))
  const identities = Array.from({ length: BATCH }, (_, i) => utf8(`nation ${i}`))
  const derive = () => deriveAnchorsBulk(identities, { group, weighted, random: systemRandom })
  await measure('tokens in bulk, 2 of 3', 'token', BATCH, derive)
  await measure('tokens with proofs in batches of 64, 2 of 3', 'token', BATCH, () =>
    deriveAnchors(identities, { evaluators, keySet, group, random: systemRandom }),
  )

  const store = await openStore(':memory:')
  await migrate(store, [registryMigrations])
  const registry = await openRegistry({
    store,
    keys: createRegistryKeys({ group, random: systemRandom }),
    vault: localVault([createVaultKey(systemRandom)], { random: systemRandom }),
    group,
    clock: systemClock,
    random: systemRandom,
  })
  const [record] = syntheticPeople({ seed: 'nation', count: 1 })
  const base = group.multiplyBase(group.randomScalar(systemRandom))
  let anchor = base
  await measure('people into the registry, SQLite in memory', 'person', BATCH, () => {
    const people = identities.map(() => {
      anchor = group.add(anchor, base)
      return { anchor, record: { ...record } }
    })
    return registry.enrolMany(people)
  })
  await store.close()

  const vrf = vrfKey(systemRandom(32))
  let label = 0
  await measure('label with proof (ECVRF)', 'label', 1, () => makeLabel(vrf, utf8(`label ${label++}`)))

  const directory = mkdtempSync(join(tmpdir(), 'ctid-nation-log-'))
  const signer = noteSigner('log.example/nation', LOG_SIGNATURE, systemRandom(32))
  const log = await openFileLog({ directory, origin: 'log.example/nation', signers: [signer] })
  await measure('durable log entries, batches of 1,000', 'entry', 1000, () =>
    log.append(Array.from({ length: 1000 }, () => systemRandom(73))),
  )
  await log.close()
  rmSync(directory, { recursive: true })
  return rows
}

async function tables({ full, log }: BenchContext): Promise<BenchRow[]> {
  const database = await postgresForTests()
  if (!database) {
    log('no PostgreSQL: its rows are left out')
    return []
  }
  const folder = mkdtempSync(join(tmpdir(), 'ctid-nation-'))
  const url = await database.fresh()
  const client = new pg.Client(url)
  await client.connect()
  const bytesOf = async (pattern: string): Promise<number> => {
    const sql =
      "select coalesce(sum(pg_total_relation_size(oid)), 0) as bytes from pg_class where relkind = 'r' and relname like $1"
    return Number((await client.query(sql, [pattern])).rows[0].bytes)
  }
  const deployment = await openDeployment({
    keysFolder: join(folder, 'keys'),
    storeUrl: url,
    clock: systemClock,
    random: systemRandom,
  })
  try {
    const people = syntheticPeople({ seed: 'nation', count: full ? 20_000 : 4000 })
    const before = await bytesOf('registry%')
    const tokens = await inBlocks(people, 64, async (person) => (await deployment.enrol(person)).token)
    const perPerson = ((await bytesOf('registry%')) - before) / people.length

    const keys = await Promise.all(
      Array.from({ length: COPIES }, async () => asProvenKey((await generateSigner()).publicJwk)),
    )
    const holders = people.slice(0, full ? 4000 : 500)
    const empty = await bytesOf('issuer%')
    const used = process.cpuUsage()
    const begun = performance.now()
    let length = 0
    await inBlocks(holders, 16, async (person, i) => {
      const copies = await deployment.issue(tokens[i] ?? new Uint8Array(), person, keys)
      length += copies.reduce((sum, copy) => sum + copy.credential.length + copy.attestation.length, 0)
    })
    const seconds = (performance.now() - begun) / 1000
    const { user, system } = process.cpuUsage(used)
    const count = holders.length * COPIES
    const perCopy = ((await bytesOf('issuer%')) - empty) / count
    const bytes = (name: string, ours: number, reference: string, theirs: number): BenchRow => ({
      name,
      unit: 'bytes',
      ours,
      reference,
      theirs,
      ratio: ours / theirs,
    })
    return [
      bytes('PostgreSQL, bytes a person', perPerson, 'the two labels and the sealed record', 32 + 32 + 284),
      bytes('PostgreSQL, bytes a copy until it ends', perCopy, 'its place in the status list', 8),
      bytes('bytes of a copy in the wallet', length / count, 'its two signatures and holder key', 192),
      {
        name: 'copies issued, one process',
        unit: 'copy a CPU second',
        ours: count / ((user + system) / 1e6),
        reference: 'by the clock, with the database on the same machine',
        theirs: count / seconds,
        ratio: seconds / ((user + system) / 1e6),
      },
    ]
  } finally {
    await deployment.close()
    await client.end()
    await database.stop()
    rmSync(folder, { recursive: true })
  }
}

async function inBlocks<T, R>(
  items: readonly T[],
  size: number,
  work: (item: T, index: number) => Promise<R>,
) {
  const results: R[] = []
  for (let i = 0; i < items.length; i += size) {
    results.push(...(await Promise.all(items.slice(i, i + size).map((item, j) => work(item, i + j)))))
  }
  return results
}

async function statusLists({ full }: BenchContext): Promise<BenchRow[]> {
  const { signer } = await generateSigner().then((one) => ({ signer: one }))
  const rows: BenchRow[] = []
  let now = 1_790_000_000
  for (const share of [0.001, 0.01]) {
    const places = new Set(Array.from({ length: LIST * share }, () => randomIndex(LIST, systemRandom)))
    const statuses = [...places].map((index) => ({ index, status: 1 }))
    const ledger = {
      ...memoryLedger({ random: systemRandom }),
      newestList: async () => 0,
      statuses: async () => statuses,
    }
    const statusListBase = 'https://issuer.example/status/'
    const publisher = createStatusPublisher({ ledger, key: { signer }, statusListBase, clock: () => now })
    const ours = (await publisher.token(0))?.token.length ?? 0
    // Shannon's limit for two states, in bytes.
    const entropy = -(share * Math.log2(share) + (1 - share) * Math.log2(1 - share))
    const theirs = (LIST * entropy) / 8
    const percent = `${share * 100} %`
    rows.push({
      name: `status list of 2^20 at ${percent} revoked, bytes`,
      unit: 'bytes',
      ours,
      reference: 'the entropy of its entries',
      theirs,
      ratio: ours / theirs,
    })
    if (share !== 0.01) continue
    const again = await perCpuSecond(
      async () => {
        now += 300
        await publisher.token(0)
      },
      full ? 2 : 0.5,
    )
    rows.push({
      name: 'unchanged status list signed again',
      unit: 'list a CPU second',
      ours: again.cpu,
      reference: 'lists of 2^20 that 1.4 billion entries fill',
      theirs: Math.ceil(1.4e9 / LIST),
      ratio: Math.ceil(1.4e9 / LIST) / again.cpu,
    })
  }
  return rows
}

export const bench: Bench = { name: 'sizes for a country', run }
