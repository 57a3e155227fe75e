// What a trustee refuses on its own, whatever gateway, department and the other trustees say.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CtidError, fromBase64url, toBase64url } from '#ctid/base'
import { type Group, generateSigner, loadSodiumGroup, type Point } from '#ctid/crypto'
import {
  ANCHOR,
  type ConversionBatch,
  convertBatch,
  createTrustee,
  enrolInAudit,
  type Grant,
  makeRequest,
  memoryJournal,
  openGrant,
  REQUEST_LIFETIME_SECONDS,
  signGrant,
  type Trustee,
  trusteeShares,
} from '#ctid/pseudonym'
import { MAX_RECORD_BYTES } from '../../src/pseudonym/journal-file.ts'
import { openJournalFile } from '../../src/pseudonym/node.ts'
import { makeWorld, NOW, oracle, syntheticAnchors, type World } from './world.ts'

let group: Group
let world: World
let anchors: Point[]
const folder = mkdtempSync(join(tmpdir(), 'ctid-trustee-'))
afterAll(() => rmSync(folder, { recursive: true }))

beforeAll(async () => {
  group = await loadSodiumGroup()
  world = await makeWorld(group, { seed: 'trustee' })
  anchors = syntheticAnchors(group, 5)
  const payloads = anchors.map(() => group.multiplyBase(group.randomScalar(world.random)))
  await enrolInAudit(await world.request(ANCHOR, 'audit', anchors, { payloads }), world.gateway())
})

const health = (count: number): Point[] =>
  anchors.slice(0, count).map((anchor) => oracle(world, anchor, 'health'))

async function receiptFor({ request }: ConversionBatch, log = world.log): Promise<string> {
  const parts = await Promise.all(world.trustees.slice(0, 2).map((trustee) => trustee.audit(request)))
  const admission = await log.admit(request, parts)
  if (!admission.admitted) throw new Error('not admitted')
  return admission.receipt
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => 'accepted',
    (error: unknown) => (error as CtidError).code,
  )
}

describe('replay', () => {
  test('a request is released once, also after a restart, also with the twin signature', async () => {
    const path = join(folder, 'replay')
    const journal = openJournalFile(path)
    const trustee = world.trustee(3, journal)
    const batch = await world.request('health', 'transport', health(2))
    const receipt = await receiptFor(batch)
    expect(await codeOf(trustee.convert(batch.request, receipt))).toBe('accepted')
    expect(await codeOf(trustee.convert(batch.request, receipt))).toBe('ERR_PSEUDONYM_REPLAY')
    expect(await codeOf(trustee.audit(batch.request))).toBe('ERR_PSEUDONYM_REPLAY')
    expect(await codeOf(world.log.admit(batch.request, []))).toBe('ERR_PSEUDONYM_REPLAY')
    const twin = { ...batch.request, header: twinSignature(batch.request.header) }
    expect(twin.header).not.toBe(batch.request.header)
    expect(await codeOf(trustee.convert(twin, receipt))).toBe('ERR_PSEUDONYM_REPLAY')
    journal.close()
    const again = openJournalFile(path)
    expect(await codeOf(world.trustee(3, again).convert(batch.request, receipt))).toBe('ERR_PSEUDONYM_REPLAY')
    again.close()
  })

  test('two equal requests at the same moment: one is served', async () => {
    const trustee = world.trustee(1, memoryJournal())
    const batch = await world.request('health', 'transport', health(1))
    const receipt = await receiptFor(batch)
    const codes = await Promise.all([1, 2, 3].map(() => codeOf(trustee.convert(batch.request, receipt))))
    expect(codes.sort()).toEqual(['ERR_PSEUDONYM_REPLAY', 'ERR_PSEUDONYM_REPLAY', 'accepted'])
  })

  test('a request or receipt of another time is refused', async () => {
    const trustee = world.trustee(1, memoryJournal())
    for (const nowSeconds of [NOW - REQUEST_LIFETIME_SECONDS, NOW + 61]) {
      const { request } = await world.request('health', 'transport', health(1), { nowSeconds })
      expect(await codeOf(trustee.audit(request))).toBe('ERR_PSEUDONYM_STALE')
    }
  })
})

describe('grants', () => {
  const asked = async (changes: Partial<Grant>, more: { fields?: string[] } = {}) => {
    const grant = await world.grant('health', 'transport', changes)
    return world.request('health', 'transport', health(2), { grant, ...more })
  }

  test('over-used: the count is kept by each trustee for itself, durably', async () => {
    const path = join(folder, 'count')
    let journal = openJournalFile(path)
    let trustee = world.trustee(1, journal)
    const grant = await world.grant('health', 'transport', { count: 5 })
    // A log that forgets its admissions, so that the trustee's own count is what refuses.
    const enrolments = world.logJournal.records.filter(({ type }) => type === 'enrolment')
    const forgetful = () => world.openLog(memoryJournal([...enrolments]))
    const once = async (rows: number): Promise<string> => {
      const batch = await world.request('health', 'transport', health(rows), { grant })
      return codeOf(trustee.convert(batch.request, await receiptFor(batch, forgetful())))
    }
    expect(await once(2)).toBe('accepted')
    journal.close()
    journal = openJournalFile(path)
    trustee = world.trustee(1, journal)
    expect(await once(2)).toBe('accepted')
    expect(await once(2)).toBe('ERR_PSEUDONYM_GRANT_COUNT')
    expect(await once(1)).toBe('accepted')
    expect(await once(1)).toBe('ERR_PSEUDONYM_GRANT_COUNT')
    journal.close()
  })

  test('spreading requests over different quorums does not stretch the count: the log counts them all', async () => {
    const grant = await world.grant('health', 'transport', { count: 4 })
    const codes: string[] = []
    for (const quorum of [
      [0, 1],
      [1, 2],
      [0, 2],
    ]) {
      const trustees = quorum.map((i) => world.trustees[i] as Trustee)
      const batch = await world.request('health', 'transport', health(2), { grant })
      codes.push(await codeOf(convertBatch(group, batch, world.gateway({ trustees }))))
    }
    // By its own count the third quorum, which served two and four rows, would have gone on.
    expect(codes).toEqual(['accepted', 'accepted', 'ERR_PSEUDONYM_GRANT_COUNT'])
  })

  test('expired, not yet in force, foreign sectors, more fields: refused', async () => {
    const trustee = world.trustee(2, memoryJournal())
    const early = await asked({ notBefore: NOW + 10 })
    expect(await codeOf(trustee.audit(early.request))).toBe('ERR_PSEUDONYM_GRANT_TIME')
    const late = await asked({ notAfter: NOW })
    expect(await codeOf(trustee.audit(late.request))).toBe('ERR_PSEUDONYM_GRANT_TIME')
    const wide = await asked({ fields: ['age'] }, { fields: ['age', 'income'] })
    expect(await codeOf(trustee.audit(wide.request))).toBe('ERR_PSEUDONYM_GRANT_SCOPE')
    const unset = await world.grant('transport', 'health')
    const nobody = await world.request('transport', 'health', health(1), { grant: unset })
    expect(await codeOf(trustee.audit(nobody.request))).toBe('ERR_PSEUDONYM_PAIR')
  })

  test('a department cannot use the grant of another, nor a grant that no authority signed', async () => {
    const trustee = world.trustee(2, memoryJournal())
    const options = { directory: world.directory, nowSeconds: NOW, random: world.random }
    const signer = await generateSigner()
    const grant = await world.grant('health', 'transport')
    const stolen = await makeRequest(group, health(1), { ...options, grant, signer })
    expect(await codeOf(trustee.audit(stolen.request))).toBe('ERR_PSEUDONYM_SIGNATURE')
    const honest = await world.request('health', 'transport', health(1), { grant })
    const other = await world.grant('health', 'transport')
    expect(await codeOf(trustee.audit({ ...honest.request, grant: other }))).toBe('ERR_PSEUDONYM_GRANT')
    const forged = await signGrant(await openGrant(grant, world.directory.authorities), signer)
    expect(await codeOf(trustee.audit({ ...honest.request, grant: forged }))).toBe('ERR_PSEUDONYM_SIGNATURE')
  })

  test('an unsound grant is not even signed', () => {
    const sound = {
      requester: 'x',
      purpose: { code: 'study', text: { en: 'x' } },
      from: 'health',
      to: 'transport',
      fields: [],
      count: 1,
      notBefore: 0,
      notAfter: 1,
      serial: '1',
    }
    const faults: Partial<Grant>[] = [
      { count: 0 },
      { count: 1.5 },
      { notAfter: 0 },
      { to: 'health' },
      { from: 'Health' },
      { fields: ['a', 'a'] },
      { fields: ['__proto__ x'] },
      { purpose: { code: 'study', text: {} } },
      { purpose: { code: 'study', text: { en: '' } } },
      { serial: '' },
    ]
    for (const fault of faults) {
      expect(() => signGrant({ ...sound, ...fault }, world.authority)).toThrow(CtidError)
    }
  })
})

describe('malformed requests', () => {
  test('every change of header, rows or proof is refused', async () => {
    const trustee = world.trustee(1, memoryJournal())
    const { request } = await world.request('health', 'transport', health(2))
    const flipped = request.rows.slice()
    flipped[40] = (flipped[40] as number) ^ 1
    for (const rows of [flipped, request.rows.subarray(96), new Uint8Array()]) {
      expect(await codeOf(trustee.audit({ ...request, rows }))).toBe('ERR_PSEUDONYM_REQUEST')
    }
    expect(await codeOf(trustee.audit({ ...request, proof: new Uint8Array(64) }))).toBe(
      'ERR_PSEUDONYM_REQUEST',
    )
    for (const header of [
      '',
      'a.b',
      'a.b.c',
      'a.b.c.d',
      `${request.header}x`,
      request.grant,
      'x'.repeat(20_000),
      'x'.repeat(100_000),
    ]) {
      expect(await codeOf(trustee.audit({ ...request, header }))).toMatch(
        /^ERR_PSEUDONYM_(REQUEST|SIGNATURE)$/,
      )
    }
    const [head, ...rest] = request.header.split('.') as [string, string, string]
    const none = JSON.parse(new TextDecoder().decode(fromBase64url(head))) as Record<string, string>
    const header = [
      toBase64url(new TextEncoder().encode(JSON.stringify({ ...none, alg: 'none' }))),
      ...rest,
    ].join('.')
    expect(await codeOf(trustee.audit({ ...request, header }))).toBe('ERR_PSEUDONYM_REQUEST')
  })

  test('a trustee does not start with shares that do not fit the directory', () => {
    const shares = trusteeShares(world.ceremony, 2)
    const start = (): Trustee =>
      createTrustee(group, {
        id: 1,
        directory: world.directory,
        shares,
        journal: memoryJournal(),
        clock: () => NOW,
        random: world.random,
      })
    expect(start).toThrow(/share of anchor>audit/)
  })
})

describe('the journal file', () => {
  test('is open in one process at a time, and a dead one does not keep it', () => {
    const path = join(folder, 'alone')
    const journal = openJournalFile(path)
    journal.append({ n: 1 })
    // Two with one file would each count to the whole of a grant.
    expect(() => openJournalFile(path)).toThrow(/another process/)
    journal.append({ n: 2 })
    journal.close()
    writeFileSync(`${path}.lock`, JSON.stringify({ pid: process.pid, started: 'an earlier process' }))
    const again = openJournalFile(path)
    expect(again.records).toEqual([{ n: 1 }, { n: 2 }])
    again.close()
  })

  test('reads back records longer than its buffer, and does not write what it could not read', () => {
    const path = join(folder, 'long')
    const journal = openJournalFile(path)
    const long = { text: '长'.repeat(700_000) }
    for (const record of [{ n: 1 }, long, { n: 2 }]) journal.append(record)
    expect(() => journal.append({ text: 'x'.repeat(MAX_RECORD_BYTES) })).toThrow(/too long/)
    journal.append({ n: 3 })
    journal.close()
    const again = openJournalFile(path)
    expect(again.records).toEqual([{ n: 1 }, long, { n: 2 }, { n: 3 }])
    again.close()
  })

  test('drops a torn last line, refuses any other damage', () => {
    const path = join(folder, 'journal')
    const journal = openJournalFile(path)
    journal.append({ n: 1 })
    journal.append({ n: 2 })
    journal.close()
    const whole = readFileSync(path)
    writeFileSync(path, Buffer.concat([whole, Buffer.from('0123abc {"n":')]))
    const torn = openJournalFile(path)
    expect(torn.records).toEqual([{ n: 1 }, { n: 2 }])
    torn.append({ n: 3 })
    torn.close()
    const complete = openJournalFile(path)
    expect(complete.records).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    complete.close()
    const text = readFileSync(path, 'utf8')
    for (const damaged of [
      text.replace('"n":1', '"n":7'),
      text.split('\n').slice(1).join('\n'),
      `x${text}`,
    ]) {
      writeFileSync(path, damaged)
      expect(() => openJournalFile(path)).toThrow(CtidError)
    }
  })
})

/** (r, s) and (r, n − s) are both valid ECDSA signatures. */
function twinSignature(statement: string): string {
  const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
  const [head, body, tail] = statement.split('.') as [string, string, string]
  const signature = fromBase64url(tail)
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`)
  const twin = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex')
  return [head, body, toBase64url(Buffer.concat([signature.subarray(0, 32), twin]))].join('.')
}
