// Status lists of ten million entries: look-ups against a bare array access, publishing after few changes against doing it
// all again, and what that means for a country.
import { systemRandom } from '#ctid/base'
import { generateSigner } from '#ctid/crypto'
import { createStatusPublisher, memoryLedger } from '#ctid/issuer'
import {
  createStatusList,
  getStatus,
  randomIndex,
  type StatusList,
  setStatus,
  signStatusToken,
} from '#ctid/status'
import { type Bench, type BenchContext, type BenchRow, compare, rate } from './harness.ts'

const LIST = 1_048_576
const LISTS = 10
const REVOKED = 0.01
const NATION = 1.4e9
const BASE = 'https://issuer.example/status/'

async function run({ full, log }: BenchContext): Promise<BenchRow[]> {
  const lists = Array.from({ length: full ? LISTS : 3 }, filled)
  const places = Array.from({ length: 65_536 }, () => ({
    list: randomIndex(lists.length, systemRandom),
    index: randomIndex(LIST, systemRandom),
  }))
  let sum = 0
  const lookUp = () => {
    for (const { list, index } of places) sum += getStatus(lists[list] as StatusList, index)
  }
  const bare = () => {
    for (const { list, index } of places) sum += ((lists[list] as StatusList).bytes[index >> 2] as number) & 3
  }
  const seconds = full ? 1 : 0.2
  const lookUps = await compare(lookUp, bare, {
    name: `look up a status among ${lists.length} million`,
    unit: 'look-up',
    reference: 'a bare array access and mask',
    kind: 'limit',
    oursPerCall: places.length,
    theirsPerCall: places.length,
    seconds,
  })
  log(`look-up: ${(1e9 / lookUps.ours).toFixed(1)} ns (${sum > 0 ? 'some' : 'none'} revoked)`)
  return [lookUps, await publishing(lists, { full, log })]
}

function filled(): StatusList {
  const list = createStatusList(LIST, 2)
  for (let i = 0; i < LIST * REVOKED; i++) setStatus(list, randomIndex(LIST, systemRandom), 1)
  return list
}

async function publishing(lists: readonly StatusList[], { full, log }: BenchContext): Promise<BenchRow> {
  const signer = await generateSigner()
  const entries = lists.map((list) => {
    const found: { index: number; status: number }[] = []
    for (let index = 0; index < LIST; index++) {
      const status = getStatus(list, index)
      if (status !== 0) found.push({ index, status })
    }
    return found
  })
  let now = 1_790_000_000
  const ledger = {
    ...memoryLedger({ random: systemRandom }),
    newestList: async () => lists.length - 1,
    statuses: async (list: number) => entries[list] ?? [],
  }
  const publisher = createStatusPublisher({ ledger, key: { signer }, statusListBase: BASE, clock: () => now })
  const publishAll = async () => {
    // One revocation in one list, then a period in which every token has to be signed anew.
    entries[0]?.push({ index: randomIndex(LIST, systemRandom), status: 1 })
    now += 300
    for (let list = 0; list < lists.length; list++) await publisher.token(list)
  }
  const again = async () => {
    for (const [i, list] of lists.entries()) {
      await signStatusToken(list, signer, {
        uri: `${BASE}${i}`,
        now,
        expiresInSeconds: 86_400,
        ttlSeconds: 300,
      })
    }
  }
  await publishAll()
  const row = await compare(publishAll, again, {
    name: `publish ${lists.length} lists of 2^20 after one change`,
    unit: 'list',
    reference: 'compressing and signing all of them',
    kind: 'peer',
    oursPerCall: lists.length,
    theirsPerCall: lists.length,
    seconds: full ? 2 : 0.3,
    rounds: 3,
  })
  const bytes = (await publisher.token(1))?.token.length ?? 0
  const resign = await rate(async () => {
    now += 300
    await publisher.token(1)
  }, seconds(full))
  const count = Math.ceil(NATION / LIST)
  log(
    `one list at 1 % revoked: ${Math.round(bytes / 1000)} kB; unchanged, signed again ${(1000 / resign).toFixed(1)} ms; ` +
      `1.4 billion entries: ${count} lists, ${Math.round((bytes * count) / 1e6)} MB, ${Math.round(count / resign)} s of one core a period`,
  )
  return row
}

const seconds = (full: boolean) => (full ? 1 : 0.2)

export const bench: Bench = { name: 'status', run }
