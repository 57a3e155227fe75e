// Enrolment: one core against the multiplications it cannot avoid, two cores against one, and memory that does not grow.
import { execFile, execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock, systemRandom, utf8 } from '#ctid/base'
import { type Group, loadSodiumGroup, nobleGroup } from '#ctid/crypto'
import { syntheticPeople } from '#ctid/identity'
import { openBlockWorker } from '#ctid/registrar'
import {
  createRegistryKeys,
  createVaultKey,
  exportRegistryKeys,
  localVault,
  openRegistry,
  registryMigrations,
} from '#ctid/registry'
import { migrate, openStore } from '#ctid/store'
import { formatKeySet, runCeremony } from '#ctid/token'
import { type Bench, type BenchContext, type BenchRow, compare } from './harness.ts'

const here = dirname(fileURLToPath(import.meta.url))
const BLOCK = 64
/** Blind, two evaluators, unblind; then the registry's two sector points. */
const MULTIPLICATIONS = 6

async function run(context: BenchContext): Promise<BenchRow[]> {
  const sodium = await loadSodiumGroup()
  const rows: BenchRow[] = []
  for (const group of [sodium, nobleGroup]) rows.push(await oneCore(group, context))
  rows.push(await twoCores(context))
  if (context.full) rows.push(await memory(context))
  return rows
}

async function oneCore(group: Group, { full }: BenchContext): Promise<BenchRow> {
  const { keySet, shares } = runCeremony({ threshold: 2, count: 3, random: systemRandom, group })
  const keys = createRegistryKeys({ group, random: systemRandom })
  const vaultKey = createVaultKey(systemRandom)
  const store = await openStore(':memory:')
  await migrate(store, [registryMigrations])
  const vault = localVault([vaultKey], { random: systemRandom })
  const registry = await openRegistry({ store, keys, vault, group, clock: systemClock, random: systemRandom })
  const worker = await openBlockWorker(
    {
      keySet: formatKeySet(keySet),
      evaluators: { kind: 'shares', shares },
      registry: { keys: exportRegistryKeys(keys), vault: [vaultKey.reveal()], logs: false },
      officer: 'bench',
      prove: 'sampled',
      // The sampled proofs are measured by the token bench; here the path between them.
      proveOneIn: 1_000_000,
      canaries: 0,
    },
    { group, random: systemRandom, clock: systemClock },
  )
  const size = group.name === 'noble' ? 8 : BLOCK
  let drawn = 0
  const enrolBlock = async () => {
    const people = syntheticPeople({ seed: `${group.name} ${drawn++}`, count: size })
    const bytes = utf8(people.map((person) => JSON.stringify(person)).join('\n'))
    const job = { bytes, firstLine: 1, format: { kind: 'json' as const }, hasHeader: false }
    await registry.enrolDrafts(async (ring) => (await worker.run({ ...job, ring })).drafts)
  }
  const point = group.multiplyBase(group.randomScalar(systemRandom))
  const scalar = group.randomScalar(systemRandom)
  const raw = () => {
    for (let i = 0; i < MULTIPLICATIONS * 8; i++) group.multiply(scalar, point)
  }
  const row = await compare(enrolBlock, raw, {
    name: `enrol in bulk, one core, ${group.name}`,
    unit: 'person',
    reference: `its ${MULTIPLICATIONS} scalar multiplications`,
    kind: 'limit',
    target: 1.6,
    oursPerCall: size,
    theirsPerCall: 8,
    seconds: full ? 2 : 0.4,
    rounds: full ? 7 : 5,
  })
  await store.close()
  return row
}

type Report = { readonly rate: number; readonly peakMegabytes: number }

async function measure(people: number, workers: number, cores: string | undefined): Promise<Report> {
  const script = [...process.execArgv, join(here, 'enrolment-process.ts'), String(people), String(workers)]
  const [file, args] = cores
    ? ['taskset', ['-c', cores, process.execPath, ...script]]
    : [process.execPath, script]
  const { stdout } = await promisify(execFile)(file as string, args as string[], { cwd: join(here, '../..') })
  return JSON.parse(stdout) as Report
}

async function twoCores({ full, log }: BenchContext): Promise<BenchRow> {
  const people = full ? 20_000 : 2_500
  const pinned = canPin()
  if (!pinned) log('no taskset: one and two threads instead of one and two cores')
  const one = await measure(people / 2, 1, pinned ? '0' : undefined)
  const two = await measure(people, 2, pinned ? '0,1' : undefined)
  const ratio = two.rate / one.rate
  return {
    name: 'enrol a file in bulk, durable on SQLite, two cores',
    unit: 'person',
    ours: two.rate,
    reference: 'the same command confined to one core',
    theirs: one.rate,
    ratio,
    target: '≥ 1.8×',
    met: ratio >= 1.8,
  }
}

async function memory({ log }: BenchContext): Promise<BenchRow> {
  const few = await measure(50_000, 2, undefined)
  const many = await measure(1_000_000, 2, undefined)
  log(`peak memory: ${few.peakMegabytes} MB for 50,000 people, ${many.peakMegabytes} MB for 1,000,000`)
  const ratio = many.peakMegabytes / few.peakMegabytes
  return {
    name: 'memory while enrolling 1,000,000 (megabytes)',
    unit: 'MB',
    ours: many.peakMegabytes,
    reference: 'memory while enrolling 50,000 (megabytes)',
    theirs: few.peakMegabytes,
    ratio,
    target: '≤ 1.5×',
    met: ratio <= 1.5,
  }
}

function canPin(): boolean {
  try {
    execFileSync('taskset', ['-c', '0,1', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export const bench: Bench = { name: 'enrolment', run }
