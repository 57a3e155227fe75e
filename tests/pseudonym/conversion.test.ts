// The whole way: enrolment, request, audit, receipt, conversion, delivery, and the citizen's own record of it.
import { beforeAll, describe, expect, test } from 'vitest'
import { CtidError, fromBase64url, toBase64url, utf8 } from '#ctid/base'
import { type Group, loadSodiumGroup, type Point, type Scalar } from '#ctid/crypto'
import {
  ANCHOR,
  auditHandle,
  type ConversionBatch,
  type ConversionPart,
  type ConversionRequest,
  convertBatch,
  convertTable,
  enrolInAudit,
  type Fault,
  memoryJournal,
  openRecordSecret,
  openRequest,
  pairId,
  publicFactorShare,
  type RecordLeaf,
  readOwnRecord,
  receive,
  type Trustee,
  verifyCopies,
} from '#ctid/pseudonym'
import { makeWorld, NOW, oracle, receiverOf, syntheticAnchors, type World } from './world.ts'

let group: Group
let world: World
let anchors: Point[]
const wallets: Scalar[] = []
const secrets: Uint8Array[] = []

beforeAll(async () => {
  group = await loadSodiumGroup()
  world = await makeWorld(group, { seed: 'conversion' })
  anchors = syntheticAnchors(group, 6)
  wallets.push(...anchors.map(() => group.randomScalar(world.random)))
  const payloads = wallets.map((wallet) => group.multiplyBase(wallet))
  const batch = await world.request(ANCHOR, 'audit', anchors, { payloads })
  const { walletBoxes } = await enrolInAudit(batch, world.gateway())
  for (const [i, box] of walletBoxes.entries()) {
    secrets.push(await openRecordSecret(group, wallets[i] as Scalar, box))
  }
})

const pointsIn = (sector: string): Point[] => anchors.map((anchor) => oracle(world, anchor, sector))
const sorted = (points: readonly Uint8Array[]): string[] => points.map(toBase64url).sort()
const epoch = Math.floor(NOW / 2_592_000)
const ownRecord = (i: number) =>
  readOwnRecord(secrets[i] as Uint8Array, world.log, { fromEpoch: epoch, toEpoch: epoch })

async function refusal(action: Promise<unknown>): Promise<CtidError> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(CtidError)
  return error as CtidError
}

/** A trustee that behaves as told in one half. */
const replaced = (id: number, behaviour: Partial<Trustee>): Trustee[] =>
  world.trustees.map((trustee) => (trustee.id === id ? { ...trustee, ...behaviour } : trustee))

const lying = (id: number, half: 'audit' | 'convert'): Trustee[] => {
  const honest = world.trustees[id - 1] as Trustee
  const lie = (part: ConversionPart): ConversionPart => ({
    ...part,
    outputs: part.outputs.map(({ c1, c2 }) => ({ c1, c2: group.add(c2, c1) })),
  })
  return replaced(
    id,
    half === 'audit'
      ? { audit: async (request) => lie(await honest.audit(request)) }
      : { convert: async (request, receipt) => lie(await honest.convert(request, receipt)) },
  )
}

describe('an honest conversion', () => {
  test('delivers the receiver its own pseudonyms of the same people, with their payloads, in another order', async () => {
    const grant = await world.grant('health', 'transport', { fields: ['asthma'] })
    const payloads = anchors.map((_, i) => utf8(`{"asthma":${i % 2 === 0}}`))
    const batch = await world.request('health', 'transport', pointsIn('health'), {
      grant,
      payloads,
      fields: ['asthma'],
    })
    expect(new Set(batch.payloads.map(({ length }) => length)).size).toBe(1)
    const { deliveries, faults } = await convertBatch(group, batch, world.gateway())
    expect(faults).toEqual([])
    const rows = await receive(group, receiverOf(world, 'transport'), deliveries, { to: 'transport' })
    const expected = new Map(
      pointsIn('transport').map((point, i) => [toBase64url(point), `{"asthma":${i % 2 === 0}}`]),
    )
    expect(
      new Map(rows.map(({ point, payload }) => [toBase64url(point), new TextDecoder().decode(payload)])),
    ).toEqual(expected)
  })

  test('a payload exchanged on the way to the gateway is noticed before any trustee is asked', async () => {
    const payloads = [utf8('{"asthma":true}'), utf8('{"asthma":false}')]
    const batch = await world.request('health', 'transport', pointsIn('health').slice(0, 2), { payloads })
    const before = world.logJournal.records.length
    for (const wrong of [[...batch.payloads].reverse(), batch.payloads.slice(1), []]) {
      const error = await refusal(convertBatch(group, { ...batch, payloads: wrong }, world.gateway()))
      expect(error.code).toBe('ERR_PSEUDONYM_REQUEST')
    }
    expect(world.logJournal.records.length).toBe(before)
  })

  test('enrolment in a department is the same path from the anchor, and the citizen sees it too', async () => {
    const [person] = anchors as [Point]
    const batch = await world.request(ANCHOR, 'civil', [person])
    const { deliveries } = await convertBatch(group, batch, world.gateway())
    const [row] = await receive(group, receiverOf(world, 'civil'), deliveries, { to: 'civil' })
    expect(row?.point).toEqual(oracle(world, person, 'civil'))
    expect((await ownRecord(0)).at(-1)).toMatchObject({ from: ANCHOR, to: 'civil' })
  })

  test('a table goes batch by batch with progress, and is shuffled as a whole', async () => {
    const points = pointsIn('health')
    async function* batches(): AsyncGenerator<ConversionBatch> {
      for (let i = 0; i < points.length; i += 2)
        yield world.request('health', 'transport', points.slice(i, i + 2))
    }
    const progress: number[] = []
    const { deliveries } = await convertTable(group, batches(), {
      ...world.gateway(),
      clock: () => world.now,
      onProgress: (rows) => progress.push(rows),
    })
    expect(progress).toEqual([2, 4, 6])
    const rows = await receive(group, receiverOf(world, 'transport'), deliveries, { to: 'transport' })
    expect(sorted(rows.map(({ point }) => point))).toEqual(sorted(pointsIn('transport')))
  })
})

describe("the citizen's own record", () => {
  test('says who asked, when, why; nobody else reads it, and epochs cannot be told to belong together', async () => {
    const before = (await ownRecord(3)).length
    await convertBatch(
      group,
      await world.request('health', 'transport', [pointsIn('health')[3] as Point]),
      world.gateway(),
    )
    const record = await ownRecord(3)
    expect(record.length).toBe(before + 1)
    expect(record.at(-1)).toMatchObject({
      at: NOW,
      from: 'health',
      to: 'transport',
      requester: 'Institute of Public Health',
      purpose: 'study',
      text: { zh: '通勤与哮喘研究' },
    })
    const [mine] = await world.log.entries([auditHandle(secrets[3] as Uint8Array, epoch)])
    const foreign = { entries: async () => [mine ?? []] }
    await expect(
      readOwnRecord(secrets[4] as Uint8Array, foreign, { fromEpoch: epoch, toEpoch: epoch }),
    ).rejects.toThrow(CtidError)
    expect(auditHandle(secrets[3] as Uint8Array, epoch)).not.toEqual(
      auditHandle(secrets[3] as Uint8Array, epoch + 1),
    )
  })

  test('at rest the log holds no pseudonym of any sector and no word of an entry', () => {
    const stored = JSON.stringify(world.logJournal.records)
    for (const sector of ['audit', 'health', 'transport', 'civil']) {
      for (const point of pointsIn(sector)) expect(stored).not.toContain(toBase64url(point))
    }
    expect(stored).not.toContain('Institute')
    expect(stored).not.toContain('transport')
  })

  test('a second wallet that gets the record key shows up in the record', async () => {
    const stranger = group.randomScalar(world.random)
    const before = (await ownRecord(5)).length
    const payloads = [group.multiplyBase(stranger)]
    const batch = await world.request(ANCHOR, 'audit', [anchors[5] as Point], { payloads })
    const { walletBoxes } = await enrolInAudit(batch, world.gateway())
    expect(await openRecordSecret(group, stranger, walletBoxes[0] as Uint8Array)).toEqual(secrets[5])
    const record = await ownRecord(5)
    expect(record.length).toBe(before + 1)
    expect(record.at(-1)).toMatchObject({ from: ANCHOR, to: 'audit' })
  })

  test('the log survives a restart: who is enrolled, what was admitted, what was written', async () => {
    const point = pointsIn('health')[2] as Point
    const before = await world.request('health', 'transport', [point])
    const partsOf = ({ request }: ConversionBatch) =>
      Promise.all(world.trustees.slice(0, 2).map((trustee) => trustee.audit(request)))
    expect((await world.log.admit(before.request, await partsOf(before))).admitted).toBe(true)
    const written = await ownRecord(2)

    const reopened = world.openLog(memoryJournal([...world.logJournal.records]))
    expect(
      await readOwnRecord(secrets[2] as Uint8Array, reopened, { fromEpoch: epoch, toEpoch: epoch }),
    ).toEqual(written)
    expect((await refusal(reopened.admit(before.request, await partsOf(before)))).code).toBe(
      'ERR_PSEUDONYM_REPLAY',
    )
    const after = await world.request('health', 'transport', [point])
    expect((await reopened.admit(after.request, await partsOf(after))).admitted).toBe(true)
  })
})

describe('no receipt, no conversion', () => {
  test('without one, with a made-up one, and with that of another request: refused', async () => {
    const [one, two] = [
      await world.request('health', 'transport', [pointsIn('health')[0] as Point]),
      await world.request('health', 'transport', [pointsIn('health')[1] as Point]),
    ]
    const { receipt } = await convertBatch(group, one, world.gateway())
    const [trustee] = world.trustees as [Trustee]
    expect((await refusal(trustee.convert(two.request, ''))).code).toBe('ERR_PSEUDONYM_RECEIPT')
    expect((await refusal(trustee.convert(two.request, receipt))).code).toBe('ERR_PSEUDONYM_RECEIPT')
    const forged = `${receipt.slice(0, -8)}AAAAAAAA`
    expect((await refusal(trustee.convert(two.request, forged))).code).toBe('ERR_PSEUDONYM_SIGNATURE')
    // A request header has the form of a statement, but is not a receipt.
    expect((await refusal(trustee.convert(two.request, two.request.header))).code).toBe(
      'ERR_PSEUDONYM_RECEIPT',
    )
  })

  test('when the log or the transparency log behind it is down, nothing is converted', async () => {
    let up = true
    const down = await makeWorld(group, {
      seed: 'down',
      small: true,
      publish: async (leaves) => {
        if (!up) throw new CtidError('ERR_PSEUDONYM_JOURNAL')
        return leaves.map(() => '')
      },
    })
    const payloads = [group.multiplyBase(wallets[0] as Scalar)]
    await enrolInAudit(
      await down.request(ANCHOR, 'audit', [anchors[0] as Point], { payloads }),
      down.gateway(),
    )
    const batch = await down.request('health', 'transport', [oracle(down, anchors[0] as Point, 'health')])
    up = false
    const before = down.journals.map(({ records }) => records.length)
    expect((await refusal(convertBatch(group, batch, down.gateway()))).code).toBe('ERR_PSEUDONYM_JOURNAL')
    expect(down.journals.map(({ records }) => records.length)).toEqual(before)
  })

  test('each entry has a leaf in the transparency log, which its citizen alone can find and check', async () => {
    const leaves: RecordLeaf[] = []
    const published = await makeWorld(group, {
      seed: 'published',
      small: true,
      publish: async (added) => added.map((leaf) => `receipt ${leaves.push(leaf)}`),
    })
    const [wallet] = wallets as [Scalar]
    const payloads = [group.multiplyBase(wallet)]
    const enrolment = await published.request(ANCHOR, 'audit', [anchors[0] as Point], { payloads })
    const { walletBoxes } = await enrolInAudit(enrolment, published.gateway())
    const secret = await openRecordSecret(group, wallet, walletBoxes[0] as Uint8Array)
    const batch = await published.request('health', 'transport', [
      oracle(published, anchors[0] as Point, 'health'),
    ])
    await convertBatch(group, batch, published.gateway())
    const record = await readOwnRecord(secret, published.log, { fromEpoch: epoch, toEpoch: epoch })
    expect(record.map(({ leaf, receipt }) => ({ leaf, receipt }))).toEqual([
      { leaf: leaves[0], receipt: 'receipt 1' },
      { leaf: leaves[1], receipt: 'receipt 2' },
    ])
  })
})

describe('attacks of colluding departments', () => {
  test('a forged audit copy, another person in it, is refused by each trustee, and named', async () => {
    const [victim, accomplice] = pointsIn('health') as [Point, Point]
    const batch = await world.request('health', 'transport', [victim, accomplice])
    const forged = await resign(batch.request, (rows) => {
      // The audit copies of the two rows change places.
      const swapped = rows.slice()
      swapped.set(rows.subarray(96 + 64, 192), 64)
      swapped.set(rows.subarray(64, 96), 96 + 64)
      return swapped
    })
    const error = await refusal(convertBatch(group, { ...batch, request: forged }, world.gateway()))
    expect(error.code).toBe('ERR_PSEUDONYM_TRUSTEES')
    expect(error.message).toMatch(/trustee 1, audit: ERR_PSEUDONYM_COPIES.*trustee 2.*COPIES/)
    const opened = await openRequest(group, forged, { directory: world.directory, nowSeconds: NOW })
    expect(verifyCopies(group, opened, world.directory)).toBe(false)
  })

  test('u·P in the place of P passes the proof, but not the log: it is nobody enrolled', async () => {
    const u = group.randomScalar(world.random)
    const hidden = pointsIn('health').map((point) => group.multiply(u, point))
    const before = (await ownRecord(0)).length
    const error = await refusal(
      convertBatch(group, await world.request('health', 'transport', hidden), world.gateway()),
    )
    expect(error.code).toBe('ERR_PSEUDONYM_NOT_ENROLLED')
    expect(error.detail).toBe('rows 1, 2, 3, 4, 5, 6')
    expect((await ownRecord(0)).length).toBe(before)
    // Neither does a combination of two persons.
    const [a, b] = pointsIn('health') as [Point, Point]
    const mixed = await world.request('health', 'transport', [a, group.add(a, b)])
    expect((await refusal(convertBatch(group, mixed, world.gateway()))).detail).toBe('rows 2')
  })

  test('a department cannot enrol u·P in the audit log first, though it has a factor and even a grant for it', async () => {
    const invented = group.multiply(group.randomScalar(world.random), pointsIn('health')[0] as Point)
    const payloads = [group.multiplyBase(wallets[0] as Scalar)]
    const batch = await world.request('health', 'audit', [invented], { payloads })
    for (const trustee of world.trustees) {
      expect((await refusal(trustee.audit(batch.request))).code).toBe('ERR_PSEUDONYM_GRANT_SCOPE')
    }
    expect((await refusal(world.log.enrol(batch, []))).code).toBe('ERR_PSEUDONYM_GRANT_SCOPE')
  })

  test('an enrolment is written once, within its grant: a gateway cannot fill a record with it', async () => {
    const grant = await world.grant(ANCHOR, 'audit', { count: 1 })
    const payloads = [group.multiplyBase(wallets[4] as Scalar)]
    const enrolment = () => world.request(ANCHOR, 'audit', [anchors[4] as Point], { payloads, grant })
    const [one, two] = [await enrolment(), await enrolment()]
    const partsOf = ({ request }: ConversionBatch, ids: readonly number[]) =>
      Promise.all(ids.map((id) => (world.trustees[id - 1] as Trustee).audit(request)))
    const parts = await partsOf(one, [1, 2])
    const before = (await ownRecord(4)).length
    const twice = await Promise.allSettled([world.log.enrol(one, parts), world.log.enrol(one, parts)])
    expect(twice.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect((await refusal(world.log.enrol(one, parts))).code).toBe('ERR_PSEUDONYM_REPLAY')
    expect((await refusal(world.log.enrol(two, parts))).code).toBe('ERR_PSEUDONYM_GRANT_COUNT')
    const reopened = world.openLog(memoryJournal([...world.logJournal.records]))
    expect((await refusal(reopened.enrol(one, parts))).code).toBe('ERR_PSEUDONYM_REPLAY')
    expect((await ownRecord(4)).length).toBe(before + 1)
  })

  test('the log cannot be given the parts of another request', async () => {
    const [one, two] = [
      await world.request('health', 'transport', [pointsIn('health')[0] as Point]),
      await world.request('health', 'transport', [pointsIn('health')[1] as Point]),
    ]
    const parts = await Promise.all(world.trustees.slice(0, 2).map((trustee) => trustee.audit(two.request)))
    expect(await world.log.admit(one.request, parts)).toEqual({
      admitted: false,
      faults: [1, 2].map((trustee) => ({ trustee, half: 'audit', code: 'ERR_CRYPTO_PROOF' })),
    })
    expect((await refusal(world.log.admit(one.request, parts.slice(1)))).code).toBe('ERR_PSEUDONYM_TRUSTEES')
    const twice = [parts[0], parts[0]] as ConversionPart[]
    expect((await refusal(world.log.admit(one.request, twice))).code).toBe('ERR_PSEUDONYM_TRUSTEES')
  })
})

describe('trustees that fail', () => {
  const batchOf = () => world.request('health', 'transport', pointsIn('health').slice(0, 2))

  test.each(['audit', 'convert'] as const)('a wrong share in the %s half: named, replaced', async (half) => {
    const { deliveries, faults } = await convertBatch(
      group,
      await batchOf(),
      world.gateway({ trustees: lying(2, half) }),
    )
    expect(faults).toEqual([{ trustee: 2, half, code: 'ERR_CRYPTO_PROOF' }])
    const rows = await receive(group, receiverOf(world, 'transport'), deliveries, { to: 'transport' })
    expect(sorted(rows.map(({ point }) => point))).toEqual(sorted(pointsIn('transport').slice(0, 2)))
  })

  test('a wrong share at an enrolment: named, replaced, and the one that had answered already is not blamed', async () => {
    const payloads = [group.multiplyBase(wallets[0] as Scalar)]
    for (const liar of [1, 2]) {
      const batch = await world.request(ANCHOR, 'audit', [anchors[0] as Point], { payloads })
      const { walletBoxes, faults } = await enrolInAudit(
        batch,
        world.gateway({ trustees: lying(liar, 'audit') }),
      )
      expect(faults).toEqual([{ trustee: liar, half: 'audit', code: 'ERR_CRYPTO_PROOF' }])
      expect(await openRecordSecret(group, wallets[0] as Scalar, walletBoxes[0] as Uint8Array)).toEqual(
        secrets[0],
      )
    }
  })

  test('a log that blames trustees who were not asked ends the request', async () => {
    const faults: Fault[] = [{ trustee: 9, half: 'audit', code: 'ERR_CRYPTO_PROOF' }]
    const log = { ...world.log, admit: async () => ({ admitted: false, faults }) as const }
    const error = await refusal(convertBatch(group, await batchOf(), world.gateway({ log })))
    expect(error.code).toBe('ERR_PSEUDONYM_TRUSTEES')
  })

  test('a missing trustee: named, replaced', async () => {
    const trustees = replaced(1, { audit: () => Promise.reject(new TypeError('fetch failed')) })
    const { faults } = await convertBatch(group, await batchOf(), world.gateway({ trustees }))
    expect(faults).toEqual([{ trustee: 1, half: 'audit', code: 'ERR_PSEUDONYM_TRUSTEES' }])
  })

  test('one refuses and one lies: too few remain, both are named, nothing is delivered', async () => {
    const refuse = () => Promise.reject(new CtidError('ERR_PSEUDONYM_GRANT_SCOPE'))
    const trustees = lying(2, 'convert').map((trustee) =>
      trustee.id === 3 ? { ...trustee, convert: refuse } : trustee,
    )
    const error = await refusal(convertBatch(group, await batchOf(), world.gateway({ trustees })))
    expect(error.code).toBe('ERR_PSEUDONYM_TRUSTEES')
    expect(error.cause as Fault[]).toEqual([
      { trustee: 2, half: 'convert', code: 'ERR_CRYPTO_PROOF' },
      { trustee: 3, half: 'convert', code: 'ERR_PSEUDONYM_GRANT_SCOPE' },
    ])
  })

  test('one that answers in the name of another is named', async () => {
    const impostor = world.trustees[1] as Trustee
    const trustees = replaced(1, { audit: (request) => impostor.audit(request) })
    const { faults } = await convertBatch(group, await batchOf(), world.gateway({ trustees }))
    expect(faults).toEqual([{ trustee: 1, half: 'audit', code: 'ERR_CRYPTO_PROOF' }])
  })
})

/** Signs altered rows anew as the asking department would, keeping the old proof. */
async function resign(
  request: ConversionRequest,
  alter: (rows: Uint8Array) => Uint8Array,
): Promise<ConversionRequest> {
  const { canonicalJson, concatBytes } = await import('#ctid/base')
  const { sha256 } = await import('#ctid/crypto')
  const rows = alter(request.rows)
  const [head, body] = request.header.split('.') as [string, string]
  const payload = JSON.parse(new TextDecoder().decode(fromBase64url(body))) as Record<string, string>
  const changed = { ...payload, sha256: toBase64url(sha256(concatBytes(rows, request.proof))) }
  const input = `${head}.${toBase64url(utf8(canonicalJson(changed)))}`
  const signature = await world.signers.get('health')?.sign(utf8(input))
  return { ...request, rows, header: `${input}.${toBase64url(signature as Uint8Array)}` }
}

test('the directory names a share for every trustee and pair, and nothing for others', () => {
  expect(publicFactorShare(world.directory, pairId('health', 'transport'), 1).id).toBe(1)
  expect(() => publicFactorShare(world.directory, pairId('transport', 'health'), 1)).toThrow(/ceremony/)
  expect(() => publicFactorShare(world.directory, pairId('health', 'transport'), 9)).toThrow(/ceremony/)
})
