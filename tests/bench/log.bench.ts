// The log: durable appends against the SHA-256 work that they need, proofs from tile files, the directory as it grows.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '#ctid/crypto'
import {
  createPrefixTree,
  LOG_SIGNATURE,
  leafHash,
  noteSigner,
  type PrefixTree,
  proveInclusion,
  verifyInclusion,
  verifyPresent,
  vrfKey,
} from '#ctid/transparency'
import { openFileLog } from '../../src/transparency/node.ts'
import { type Bench, type BenchContext, type BenchRow, compare, rate } from './harness.ts'

const ENTRY_LENGTH = 73
const seconds = (since: bigint) => Number(process.hrtime.bigint() - since) / 1e9

function entriesOf(count: number): Uint8Array[] {
  const pool = new Uint8Array(randomBytes(count * ENTRY_LENGTH))
  return Array.from({ length: count }, (_, i) => pool.subarray(i * ENTRY_LENGTH, (i + 1) * ENTRY_LENGTH))
}

// Every leaf costs one hash of 1 + 73 bytes, and one node hash of 65: the work that no log can avoid.
function bareHashing(entries: readonly Uint8Array[]): number {
  const leaf = new Uint8Array(1 + ENTRY_LENGTH)
  const node = new Uint8Array(65)
  const start = process.hrtime.bigint()
  for (const entry of entries) {
    leaf.set(entry, 1)
    sha256(leaf)
    sha256(node)
  }
  return entries.length / seconds(start)
}

async function appendRows({ full, log: say }: BenchContext, folder: string): Promise<BenchRow[]> {
  const count = full ? 1_000_000 : 100_000
  const entries = entriesOf(count)
  const signer = noteSigner('log.example/bench', LOG_SIGNATURE, new Uint8Array(32).fill(1))
  const rows: BenchRow[] = []
  for (const size of [10_000, 1]) {
    const log = await openFileLog({
      directory: join(folder, `log-${size}`),
      origin: 'log.example/bench',
      signers: [signer],
    })
    const before = bareHashing(entries)
    const start = process.hrtime.bigint()
    const running = new Set<Promise<unknown>>()
    for (let i = 0; i < count; i += size) {
      const appended = log.append(entries.slice(i, i + size)).finally(() => running.delete(appended))
      running.add(appended)
      // As many callers as a busy service has; each waits for its own entry.
      if (running.size >= Math.max(8, 16_384 / size)) await Promise.race(running)
    }
    await Promise.all(running)
    const ours = count / seconds(start)
    const theirs = (before + bareHashing(entries)) / 2
    rows.push({
      name: `${count.toLocaleString('en')} durable appends, ${size === 1 ? 'one at a time from 16,384 callers' : `${size} per call`}`,
      unit: 'entry',
      ours,
      reference: 'the bare SHA-256 work, 2 hashes per entry',
      theirs,
      ratio: theirs / ours,
      ...(size === 1 ? {} : { target: '≤ 2×', met: theirs / ours <= 2 }),
    })
    if (size > 1) rows.push(await proofRow(log.source, entries))
    await log.close()
    say(`${count} appends, ${size} per call: ${Math.round(ours)}/s`)
  }
  return rows
}

async function proofRow(
  source: Parameters<typeof proveInclusion>[0],
  entries: Uint8Array[],
): Promise<BenchRow> {
  let next = 0
  const size = entries.length
  const index = () => {
    next = (next + 7919) % size
    return next
  }
  const row = await compare(
    () => proveInclusion(source, index(), size),
    async () => {
      await Promise.all([source.read('tile/0/000'), source.read('tile/1/000'), source.read('checkpoint')])
    },
    {
      name: `inclusion proof from tile files, ${size.toLocaleString('en')} entries, no cache`,
      unit: 'proof',
      reference: 'reading three files of the log',
      kind: 'limit',
      rounds: 3,
    },
  )
  const proof = await proveInclusion(source, 5, size)
  // A bench of wrong results would be worth nothing.
  const root = await (await import('#ctid/transparency')).rootFromTiles(source, size)
  const leaf = leafHash(entries[5] as Uint8Array)
  if (!verifyInclusion(proof, { index: 5, size, leaf, root })) throw new Error('proof does not verify')
  return row
}

function fill(tree: PrefixTree, count: number): number {
  const start = process.hrtime.bigint()
  for (let done = tree.size(); done < count; ) {
    const batch = Math.min(10_000, count - done)
    const pool = new Uint8Array(randomBytes(batch * 64))
    for (let i = 0; i < batch; i++) {
      tree.insert({
        label: pool.subarray(i * 64, i * 64 + 32),
        value: pool.subarray(i * 64 + 32, i * 64 + 64),
      })
    }
    done += batch
  }
  tree.root()
  return count / seconds(start)
}

async function directoryRows({ full, log: say }: BenchContext): Promise<BenchRow[]> {
  const sizes = full ? [100_000, 1_000_000, 10_000_000] : [10_000, 100_000]
  const rows: BenchRow[] = []
  const tree = createPrefixTree()
  for (const size of sizes) {
    const before = process.memoryUsage().arrayBuffers
    const built = fill(tree, size)
    say(`directory of ${size}: built at ${Math.round(built)}/s, ${Math.round(before / 1e6)} MB of arrays`)
    // Log2 n + 1.33 parents and two leaf hashes: what one insertion must hash.
    const hashes = Math.log2(size) + 3.33
    const node = new Uint8Array(65)
    const hashRate = await rate(() => sha256(node), 0.2)
    const insert = await rate(() => {
      const leaf = new Uint8Array(randomBytes(64))
      tree.insert({ label: leaf.subarray(0, 32), value: leaf.subarray(32) })
      return tree.root()
    }, 0.4)
    rows.push({
      name: `directory of ${size.toLocaleString('en')} labels: insert one and compute the root`,
      unit: 'label',
      ours: insert,
      reference: `the ${hashes.toFixed(1)} hashes it needs (log2 n + 3.33)`,
      theirs: hashRate / hashes,
      ratio: hashRate / hashes / insert,
    })
    const known = { label: new Uint8Array(randomBytes(32)), value: new Uint8Array(32) }
    tree.insert(known)
    const root = tree.root()
    const proof = tree.prove(known.label)
    if (!verifyPresent(proof, known, root)) throw new Error('prefix proof does not verify')
    rows.push(
      await compare(
        () => tree.prove(known.label),
        () => verifyPresent(proof, known, root),
        {
          name: `directory of ${size.toLocaleString('en')} labels: prove presence`,
          unit: 'proof',
          reference: 'verifying that proof',
          kind: 'peer',
          rounds: 3,
          seconds: 0.1,
        },
      ),
    )
  }
  return rows
}

async function vrfRow(): Promise<BenchRow> {
  const key = vrfKey(new Uint8Array(32).fill(1))
  const input = new Uint8Array(32)
  return compare(
    () => key.prove(input),
    () => sha256(input),
    {
      name: 'label with proof (ECVRF), once per registration',
      unit: 'label',
      reference: 'one SHA-256, which would let anybody test guesses',
      kind: 'limit',
      rounds: 3,
      seconds: 0.2,
    },
  )
}

export const bench: Bench = {
  name: 'log',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'ctid-bench-log-'))
    try {
      const appends = await appendRows(context, folder)
      return [...appends, ...(await directoryRows(context)), await vrfRow()]
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
