// A conversion from its entry to the citizen's proof: read over HTTP, found in the transparency log, verified offline.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fromBase64url, toBase64url, utf8 } from '#ctid/base'
import { type Group, loadSodiumGroup, type Point, sha256 } from '#ctid/crypto'
import {
  ANCHOR,
  convertBatch,
  enrolInAudit,
  openRecordSecret,
  type RecordLeaf,
  type RecordSource,
  readOwnRecord,
  withheldLeaves,
} from '#ctid/pseudonym'
import {
  LOG_SIGNATURE,
  type LogPolicy,
  memoryLog,
  noteSigner,
  parseEntry,
  readEntries,
  registryLog,
  verifyReceipt,
} from '#ctid/transparency'
import {
  createApp,
  encodeRecordLeaf,
  type Listening,
  listen,
  publishConversions,
  RECORD_PATH,
  recordRouter,
} from '../../src/http/index.ts'
import { makeWorld, NOW, oracle, syntheticAnchors, type World } from './world.ts'

let group: Group
let world: World
let server: Listening
let transparency: Awaited<ReturnType<typeof memoryLog>>
const signer = noteSigner('log.example/ctid', LOG_SIGNATURE, sha256(utf8('tests')))
const policy: LogPolicy = { origin: 'log.example/ctid', logKey: signer.key, witnesses: [], threshold: 0 }

beforeAll(async () => {
  group = await loadSodiumGroup()
  transparency = await memoryLog({ origin: policy.origin, signer })
  const publish = publishConversions(registryLog(transparency))
  world = await makeWorld(group, { seed: 'record', small: true, publish })
  server = await listen(createApp({ routers: [recordRouter({ source: world.log })] }))
})
afterAll(() => server.close())

const post = (body: unknown): Promise<Response> =>
  fetch(`${server.url}${RECORD_PATH}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })

const remote: RecordSource = {
  entries: async (handles) => {
    const response = await post({ handles: handles.map(toBase64url) })
    const { entries } = (await response.json()) as { entries: { sealed: string; receipt?: string }[][] }
    return entries.map((list) =>
      list.map(({ sealed, ...rest }) => ({ sealed: fromBase64url(sealed), ...rest })),
    )
  },
}

test('the wallet reads its record and proves each entry under the log’s checkpoint', async () => {
  const [anchor] = syntheticAnchors(group, 1) as [Point]
  const wallet = group.randomScalar(world.random)
  const payloads = [group.multiplyBase(wallet)]
  const { walletBoxes } = await enrolInAudit(
    await world.request(ANCHOR, 'audit', [anchor], { payloads }),
    world.gateway(),
  )
  const secret = await openRecordSecret(group, wallet, walletBoxes[0] as Uint8Array)
  await convertBatch(
    group,
    await world.request('health', 'transport', [oracle(world, anchor, 'health')]),
    world.gateway(),
  )

  const epoch = Math.floor(NOW / world.directory.epochSeconds)
  const record = await readOwnRecord(secret, remote, { fromEpoch: epoch - 2, toEpoch: epoch })
  expect(record.map(({ from, to }) => `${from} → ${to}`)).toEqual(['anchor → audit', 'health → transport'])
  for (const [index, { leaf, receipt, at }] of record.entries()) {
    const verified = await verifyReceipt(encodeRecordLeaf(leaf, at), receipt as string, policy)
    expect(verified.index).toBe(index)
    const other = { ...leaf, commitment: sha256(leaf.commitment) }
    await expect(verifyReceipt(encodeRecordLeaf(other, at), receipt as string, policy)).rejects.toThrow()
  }

  // An audit log that holds an entry back is found out by whoever reads the transparency log through.
  const leaves = await publishedLeaves()
  expect(leaves.length).toBe(2)
  expect(withheldLeaves(secret, record, leaves)).toEqual([])
  expect(withheldLeaves(secret, record.slice(0, 1), leaves)).toEqual([record[1]?.leaf])
  expect(withheldLeaves(sha256(secret), [], leaves)).toEqual([])
})

async function publishedLeaves(): Promise<RecordLeaf[]> {
  const { size } = transparency.published()
  const leaves: RecordLeaf[] = []
  for await (const { entry } of readEntries(transparency.source, { start: 0, end: size }, size)) {
    const parsed = parseEntry(entry)
    if (parsed.form !== 'personal' || parsed.type !== 'conversion') continue
    leaves.push({ tag: parsed.tag, commitment: parsed.commitment })
  }
  return leaves
}

test.each([{}, { handles: 'x' }, { handles: ['AA'] }, { handles: [1] }, { handles: [], more: 1 }])(
  'a malformed question is refused: %j',
  async (body) => {
    expect((await post(body)).status).toBe(400)
  },
)

test('an unknown handle has no entries', async () => {
  const response = await post({ handles: [toBase64url(new Uint8Array(32))] })
  expect(await response.json()).toEqual({ entries: [[]] })
})
