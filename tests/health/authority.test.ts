// The authority and its routes: the seven interfaces, appeals with relief, recognition, certificates, the auditor's bundle.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { CtidError, DAY, HOUR, type Json } from '#ctid/base'
import { issueCredential, requireProfile } from '#ctid/credential'
import { generateSigner, type Signer } from '#ctid/crypto'
import {
  type Appeal,
  agreesWith,
  commitmentOf,
  derivationDigest,
  derive,
  filingCommitment,
  HEALTH_STATUS,
  type HealthAuthority,
  type HealthStore,
  healthCardKeys,
  makeHealthAuthority,
  memoryHealthStore,
  openRuleSet,
  openSourceRegister,
  outcomeFor,
  outcomeOfProof,
  parseSourceRegister,
  readStatusClaims,
  recogniseStatus,
  replay,
  requirePublished,
  ruleSetHash,
  type Source,
  signManualEntry,
  signRuleSet,
  signSourceRegister,
  sourceRegisterHash,
  statusCodeClaim,
  statusValidity,
  teachingEdition,
  type VerifierProfile,
  verifyEvidence,
} from '#ctid/health'
import { createApp, listen } from '#ctid/http'
import { makeAttestation, parseAttestation } from '#ctid/qr'
import { migrate, openStore } from '#ctid/store'
import { command } from '../../src/cli/commands/health.ts'
import { healthMigrations, readDocumentSigner, sqlHealthStore } from '../../src/health/node.ts'
import { healthRouter } from '../../src/http/health.ts'
import { conformanceFile, conformanceFolder, skipReason } from './conformance-data.ts'
import { makeWorld, NOW, pseudonym, REGION, seeded, type World } from './people.ts'

const GATE: VerifierProfile = {
  id: 'gate',
  name: { en: 'Entrance', zh: '入口' },
  needs: 'status',
  passes: ['green'],
}
const subject = pseudonym(1)
let world: World
let now = NOW
let store: HealthStore
let authority: HealthAuthority

async function makeAuthority(to: HealthStore, overrides: object = {}): Promise<HealthAuthority> {
  const desk = (sourceId: string): { sourceId: string; signer: Signer } => ({
    sourceId,
    signer: world.signers[sourceId] as Signer,
  })
  return makeHealthAuthority({
    store: to,
    ruleSet: teachingEdition(NOW),
    register: world.register,
    intake: desk('intake'),
    importer: desk('lab'),
    appeals: desk('appeals'),
    profiles: [GATE],
    certificateKeys: { dcc: [], healthCards: [] },
    isNamed: async () => true,
    clock: () => now,
    random: seeded(9),
    ...overrides,
  })
}

beforeEach(async () => {
  world = await makeWorld()
  now = NOW
  store = memoryHealthStore()
  authority = await makeAuthority(store)
})

const accuse = async (): Promise<string> => {
  const { text, commitment } = await world.sign('tracing', subject, {
    class: 'contact',
    data: { kind: 'close' },
  })
  await authority.submitEvidence(text)
  return commitment
}
const colour = async (): Promise<string> => (await authority.query(subject)).status.colour

test('rules, sources, derivations, manual entries and decisions go into the log, as hashes only', async () => {
  const entries: string[][] = []
  const log = {
    published: async (type: string, hash: string) => void entries.push([type, hash]),
    personal: async (type: string, who: string, commitment: string) =>
      void entries.push([type, who, commitment]),
    counted: async (source: string, count: number) => void entries.push([source, String(count)]),
  }
  authority = await makeAuthority(store, { log })
  await authority.announce()
  await authority.declareHealth(subject, { symptoms: false })
  const commitment = await accuse()
  const filed = await authority.contest(subject, {
    kind: 'appeal',
    contested: [commitment],
    statement: 'No.',
  })
  const { decisions } = await authority.decide(filed.id, 'upheld')
  const { record } = await authority.query(subject)
  await accuse()
  await authority.publishCounts()
  expect(entries).toEqual([
    ['rule-set', ruleSetHash(authority.ruleSet)],
    ['evidence-source', sourceRegisterHash(world.register)],
    ['appeal', subject, filingCommitment(filed)],
    ['appeal', subject, commitmentOf(decisions[0] as string)],
    ['status-derivation', subject, derivationDigest(record)],
    ['intake', '1'],
    ['tracing', '2'],
    ['appeals', '1'],
  ])
})

test('an objection is acknowledged only once it is logged, and its own words open the entry, before and after', async () => {
  let refuses = true
  const logged: string[] = []
  const log = {
    published: async () => {},
    counted: async () => {},
    personal: async (type: string, who: string, commitment: string) => {
      if (refuses) throw new CtidError('ERR_LOG_WITNESSES')
      expect([type, who]).toEqual(['appeal', subject])
      logged.push(commitment)
    },
  }
  const contested = [await accuse()]
  authority = await makeAuthority(store, { log })
  for (const kind of ['appeal', 'correction'] as const) {
    refuses = true
    const request = { kind, contested, statement: 'No.' }
    await expect(authority.contest(subject, request)).rejects.toMatchObject({ code: 'ERR_LOG_WITNESSES' })
    expect(await store.appealsDue(NOW + 90 * DAY)).toEqual([])
    refuses = false
    const [filed, again] = [
      await authority.contest(subject, request),
      await authority.contest(subject, request),
    ]
    expect(logged.slice(-2)).toEqual([filingCommitment(filed), filingCommitment(again)])
    // Two filings of the same words do not look alike.
    expect(filed.nonce).toHaveLength(43)
    expect(filingCommitment({ ...filed, id: again.id, filedAt: again.filedAt })).not.toBe(logged.at(-1))
    expect(filingCommitment(await authority.decide(filed.id, 'dismissed'))).toBe(logged.at(-3))
    for (const change of [
      { statement: 'Yes.' },
      { kind: kind === 'appeal' ? 'correction' : 'appeal' },
      { filedAt: 1 },
      { decideBy: 1 },
      { contested: [] },
    ]) {
      expect(filingCommitment({ ...filed, ...(change as object) })).not.toBe(filingCommitment(filed))
    }
    await authority.decide(again.id, 'dismissed')
  }
})

test('what the log refused does not count: a manual entry is in force only once it is logged', async () => {
  let refuses = true
  const logged: string[] = []
  const log = {
    published: async () => {},
    counted: async () => {},
    personal: async (_type: string, _who: string, commitment: string) => {
      if (refuses) throw new CtidError('ERR_LOG_WITNESSES')
      logged.push(commitment)
    },
  }
  authority = await makeAuthority(store, { log })
  const [north, south] = [world.signers['officer-a'], world.signers['officer-b']] as [Signer, Signer]
  const text = await signManualEntry(
    {
      ...{ subject, at: NOW, issuedAt: NOW, expiresAt: NOW + DAY, region: REGION },
      ...{ precision: { seconds: 0 }, class: 'manual', data: { reason: 'contact-notice-by-telephone' } },
    } as Parameters<typeof signManualEntry>[0],
    [north, south],
    { random: seeded(3) },
  )
  await expect(authority.submitEvidence(text)).rejects.toMatchObject({ code: 'ERR_LOG_WITNESSES' })
  expect(await store.evidenceOf(subject)).toEqual([])
  refuses = false
  await authority.submitEvidence(text)
  await authority.submitEvidence(text)
  expect(await store.evidenceOf(subject)).toEqual([text])
  expect(logged).toEqual([commitmentOf(text)])
})

test('the same evidence gives the same status through every channel', async () => {
  // At the desk, with paper, by post: other channels are other people handing in the same signed texts.
  const finding = { class: 'contact', data: { kind: 'close' } } as const
  const texts = [
    await world.sign('tracing', subject, finding),
    await world.sign('intake', subject, { class: 'symptom', data: { state: 'none' } }),
  ].map(({ text }) => text)
  const desk = await makeAuthority(memoryHealthStore())
  for (const text of texts) await authority.submitEvidence(text)
  for (const text of [...texts].reverse()) await desk.submitEvidence(text)
  const [phone, paper] = [(await authority.query(subject)).status, (await desk.query(subject)).status]
  expect(paper).toEqual(phone)
  expect(statusCodeClaim(paper)).toEqual(statusCodeClaim(phone))
})

describe('contest', () => {
  beforeEach(async () => {
    await authority.declareHealth(subject, { symptoms: false })
  })

  test('no answer within 48 hours: the contested evidence stops counting until somebody decides', async () => {
    const commitment = await accuse()
    const appeal = await authority.contest(subject, {
      kind: 'appeal',
      contested: [commitment],
      statement: 'I was not there.',
    })
    expect(appeal.decideBy).toBe(NOW + 48 * HOUR)
    now = appeal.decideBy - 1
    expect(await authority.relieveDue()).toEqual([])
    expect(await colour()).toBe('red')
    now = appeal.decideBy
    expect(await authority.relieveDue()).toMatchObject([{ state: 'interim-relief' }])
    expect(await colour()).toBe('green')
    expect(await authority.relieveDue()).toEqual([])
    now += HOUR
    await authority.decide(appeal.id, 'dismissed')
    expect(await colour()).toBe('red')
    await expect(authority.decide(appeal.id, 'upheld')).rejects.toMatchObject({ code: 'ERR_HEALTH_APPEAL' })
  })

  test('of a decision and its opposite, or relief that comes due meanwhile, one counts, and the decision is the later one', async () => {
    const commitment = await accuse()
    const request = { kind: 'appeal', contested: [commitment], statement: 's' } as const
    const { id, decideBy } = await authority.contest(subject, request)
    now = decideBy
    const other = await makeAuthority(store)
    const relief = authority.relieveDue()
    const results = await Promise.allSettled([
      authority.decide(id, 'dismissed'),
      other.decide(id, 'upheld'),
      relief,
      other.relieveDue(),
    ])
    const [dismissed, upheld] = results.map(({ status }) => status)
    expect([dismissed, upheld].sort()).toEqual(['fulfilled', 'rejected'])
    const state = dismissed === 'fulfilled' ? 'dismissed' : 'upheld'
    const [appeal] = await authority.appealsOf(subject)
    expect(appeal?.state).toBe(state)
    // Evidence for what the appeal says was decided, and for nothing else.
    const texts = await store.evidenceOf(subject)
    const decisions = (
      await Promise.all(texts.map((text) => verifyEvidence(text, { sources: world.lookup, now })))
    ).filter((one) => one.class === 'decision')
    expect(decisions.map(({ text }) => text).sort()).toEqual([...(appeal?.decisions ?? [])].sort())
    now += 5
    expect(await colour()).toBe(state === 'dismissed' ? 'red' : 'green')
  })

  test('a dismissal counts in the second of the relief, and when the clock has gone back since', async () => {
    for (const back of [0, 30]) {
      const commitment = await accuse()
      const request = { kind: 'appeal', contested: [commitment], statement: 's' } as const
      const { id, decideBy } = await authority.contest(subject, request)
      now = decideBy
      expect(await authority.relieveDue()).toHaveLength(1)
      now -= back
      await authority.decide(id, 'dismissed')
      now = decideBy + 2
      expect(await colour()).toBe('red')
      now = NOW
    }
  })

  test('the same statement under another form of its signature is the one that was taken already', async () => {
    const officers = [world.signers['officer-a'], world.signers['officer-b']] as [Signer, Signer]
    const claims = {
      subject,
      at: NOW,
      issuedAt: NOW,
      expiresAt: NOW + DAY,
      region: REGION,
      precision: { seconds: 0 },
      class: 'manual',
      data: { reason: 'contact-notice-by-telephone' },
    } as const
    const text = await signManualEntry(claims, officers, { random: seeded(3) })
    const { commitment } = await authority.submitEvidence(text)
    const swapped = text.split('~').reverse().join('~')
    expect((await authority.submitEvidence(swapped)).commitment).toBe(commitment)
    expect(await store.evidenceCounts()).toEqual(
      new Map([
        ['intake', 1],
        ['officer-a+officer-b', 1],
      ]),
    )
  })

  test('a correction has a day, and upheld it clears for good, with a signed decision', async () => {
    const commitment = await accuse()
    const { id, decideBy } = await authority.contest(subject, {
      kind: 'correction',
      contested: [commitment],
      statement: 'Wrong person.',
    })
    expect(decideBy).toBe(NOW + DAY)
    const { decisions } = await authority.decide(id, 'upheld')
    expect(await verifyEvidence(decisions[0] as string, { sources: world.lookup, now })).toMatchObject({
      source: 'appeals',
      data: { outcome: 'upheld', excludes: [commitment] },
    })
    expect(await colour()).toBe('green')
    expect(await authority.appealsOf(subject)).toMatchObject([{ id, state: 'upheld' }])
  })

  test('only one’s own evidence can be contested', async () => {
    const commitment = await accuse()
    const request = { kind: 'appeal', contested: [commitment], statement: '' } as const
    await expect(authority.contest(pseudonym(2), request)).rejects.toMatchObject({
      code: 'ERR_HEALTH_APPEAL',
    })
    await expect(authority.contest(subject, { ...request, contested: [] })).rejects.toMatchObject({
      code: 'ERR_HEALTH_APPEAL',
    })
    await expect(authority.decide('none', 'upheld')).rejects.toMatchObject({ code: 'ERR_HEALTH_APPEAL' })
  })
})

describe('bad evidence is a typed error, never a colour', () => {
  const finding = { class: 'test', data: { kind: 'naat', result: 'positive' } } as const
  test.each<[string, Parameters<World['sign']>[3], string]>([
    [
      'a finding after its own signature',
      { at: NOW + 1, issuedAt: NOW, expiresAt: NOW + DAY },
      'ERR_HEALTH_TIME',
    ],
    ['too long a life', { expiresAt: NOW + 400 * DAY }, 'ERR_HEALTH_TIME'],
    ['no life', { expiresAt: NOW }, 'ERR_HEALTH_TIME'],
    ['a region beyond the source', { region: 'FR' }, 'ERR_HEALTH_SOURCE'],
    ['a subject that is no pseudonym', { subject: 'zhang-san' }, 'ERR_HEALTH_EVIDENCE'],
    ['an unknown result', { data: { kind: 'naat', result: 'red' } } as never, 'ERR_HEALTH_EVIDENCE'],
    [
      'an extra member',
      { data: { kind: 'naat', result: 'positive', colour: 'red' } } as never,
      'ERR_HEALTH_EVIDENCE',
    ],
    ['a class that is none', { class: 'colour' } as never, 'ERR_HEALTH_EVIDENCE'],
  ])('%s', async (_name, options, code) => {
    await expect(world.sign('lab', subject, finding, options)).rejects.toMatchObject({ code })
  })
  test('a register that is not exactly of its form', async () => {
    const { sources, ...rest } = world.register
    const [source, ...others] = sources as [Source, ...Source[]]
    const [key] = source.keys
    const changed = (change: object) => ({ ...rest, sources: [{ ...source, ...change }, ...others] })
    for (const register of [
      changed({ id: ['lab'] }),
      changed({ regions: [['330000']] }),
      changed({ regions: [{ toString: 1 }] }),
      changed({ regions: ['000000'] }),
      changed({ keys: [null] }),
      changed({ keys: [{ ...key, notBefore: '0', notAfter: '9' }] }),
      changed({ exceptRegions: ['330000'] }),
      { ...rest, version: -1, sources },
      { ...rest, sources: [null] },
      [],
    ])
      expect(() => parseSourceRegister(register as unknown as Json)).toThrow(CtidError)
  })

  test('an altered finding, and a register or rule set signed by somebody else', async () => {
    const { text } = await world.sign('lab', subject, finding)
    const [header, , signature] = text.split('.')
    const other = await world.sign('lab', pseudonym(2), finding)
    const altered = [header, other.text.split('.')[1], signature].join('.')
    await expect(authority.submitEvidence(altered)).rejects.toMatchObject({ code: 'ERR_HEALTH_SIGNATURE' })
    const [signer, stranger] = [await generateSigner(), await generateSigner()]
    const rules = await signRuleSet(authority.ruleSet, signer)
    expect(await openRuleSet(rules, { expectedSigners: [stranger.publicJwk, signer.publicJwk] })).toEqual(
      authority.ruleSet,
    )
    await expect(openRuleSet(rules, { expectedSigners: [stranger.publicJwk] })).rejects.toMatchObject({
      code: 'ERR_HEALTH_SIGNATURE',
    })
    const signed = { register: await signSourceRegister(world.register, stranger), endorsements: [] }
    const previous = { firstHash: sourceRegisterHash(world.register) }
    await expect(openSourceRegister(signed, { publisher: signer.publicJwk, previous })).rejects.toMatchObject(
      { code: 'ERR_HEALTH_SIGNATURE' },
    )
  })
  test('a certificate that is none, or that no trusted key signed', async () => {
    expect(() => readDocumentSigner(new Uint8Array(100))).toThrow(
      expect.objectContaining({ code: 'ERR_HEALTH_CERTIFICATE_KEY' }),
    )
    expect(() => readDocumentSigner(new Uint8Array(20_000))).toThrow(
      expect.objectContaining({ code: 'ERR_HEALTH_CERTIFICATE_KEY' }),
    )
    expect(() => healthCardKeys('https://a.example', { keys: 'none' })).toThrow(
      expect.objectContaining({ code: 'ERR_HEALTH_CERTIFICATE_KEY' }),
    )
  })
  test('a finding in the future', async () => {
    const { text } = await world.sign('lab', subject, finding, { at: NOW + DAY })
    await expect(authority.submitEvidence(text)).rejects.toMatchObject({ code: 'ERR_HEALTH_TIME' })
  })
  test.each(['', 'a.b.c', 'x'.repeat(9000), '~', `${'e30.'.repeat(3)}`])(
    'a text that is no evidence: %#',
    async (text) => {
      await expect(authority.submitEvidence(text)).rejects.toMatchObject({ name: 'CtidError' })
      expect(await colour()).toBe('undetermined')
    },
  )
})

describe('the status as it travels', () => {
  test('credential and code say the same, on a phone and on paper; the wallet agrees; nothing names the person', async () => {
    await authority.declareHealth(subject, { symptoms: false })
    await accuse()
    const { status, record, claims, evidence } = await authority.query(subject)
    requireProfile(HEALTH_STATUS, claims, { complete: true })
    expect(JSON.stringify(claims)).not.toContain(subject)
    expect(claims['passes']).toEqual({ gate: false })
    const issuer = { signer: await generateSigner(), kid: '0123456789abcdef' }
    const holder = await generateSigner()
    const validity = statusValidity(status)
    expect(validity).toEqual({ iat: NOW, exp: NOW + 12 * HOUR })
    const credential = await issueCredential({ vct: HEALTH_STATUS.vct, ...validity, ...claims }, issuer, {
      disclosable: Object.keys(claims).map((name) => [name]),
      holderKey: holder.publicJwk,
      random: seeded(1),
    })
    expect(credential.split('~')[0]).not.toContain('red')
    const shared = {
      handle: new Uint8Array(16),
      issuedAt: NOW,
      expiresAt: validity.exp,
      status: { list: 0, index: 1 },
      kind: 'health',
      health: statusCodeClaim(status),
    } as const
    const phone = parseAttestation(
      await makeAttestation({ ...shared, holderKey: holder.publicJwk, assurance: 'high' }, issuer.signer),
    )
    const paper = parseAttestation(await makeAttestation({ ...shared, assurance: 'low' }, issuer.signer))
    expect(phone.health).toEqual(paper.health)
    expect(phone.health).toMatchObject({ outcome: 'red', until: validity.exp })
    expect(claims['until']).toBe(NOW + 10 * DAY)
    expect(statusCodeClaim(status, GATE).outcome).toBe('not-passed')
    const opened = await Promise.all(
      evidence.map((text) => verifyEvidence(text, { sources: world.lookup, now })),
    )
    expect(agreesWith(readStatusClaims(claims), opened, authority.ruleSet, now).agrees).toBe(true)
    expect(record.evidence).toHaveLength(2)
  })

  test('status and proof: what is not proven is undetermined, never an accusation', () => {
    expect(outcomeFor(GATE, { colour: 'yellow' })).toBe('not-passed')
    expect(outcomeFor(GATE, { colour: 'undetermined' })).toBe('undetermined')
    expect(outcomeOfProof({ verdict: 'fail', rules: ['x'] })).toBe('undetermined')
    expect(outcomeOfProof({ verdict: 'open', rules: ['x'] })).toBe('undetermined')
    expect(outcomeOfProof({ verdict: 'pass', rules: [] })).toBe('pass')
  })
})

test('recognition: own rules, translation, national code, or nothing; and no demand that is not published', async () => {
  const contact = await world.sign('tracing', subject, { class: 'contact', data: { kind: 'close' } })
  const ruleSet = teachingEdition(NOW, '410000')
  const local = { evidence: [contact], ruleSet, now: NOW }
  const assertion = { colour: 'red', region: REGION, ruleSetHash: '', at: NOW, until: NOW + 1 } as const
  const matrix = {
    version: 1,
    national: 'CN',
    entries: [
      { by: '410000', of: REGION, way: 'own-rules' },
      {
        by: '310000',
        of: REGION,
        way: 'translation',
        table: { green: 'green', yellow: 'green', red: 'yellow' },
      },
      { by: '110000', of: REGION, way: 'national-code' },
      { by: '110000', of: 'CN', way: 'national-code' },
    ],
  } as const
  expect(recogniseStatus(assertion, REGION, matrix, local)).toEqual({ colour: 'red', way: 'same-region' })
  expect(recogniseStatus({ ...assertion, colour: 'green' }, '410000', matrix, local)).toEqual({
    colour: 'red',
    way: 'own-rules',
  })
  expect(recogniseStatus(assertion, '310000', matrix, local)).toEqual({
    colour: 'yellow',
    way: 'translation',
  })
  expect(recogniseStatus({ ...assertion, colour: 'undetermined' }, '310000', matrix, local).colour).toBe(
    'undetermined',
  )
  expect(recogniseStatus(assertion, '110000', matrix, local)).toEqual({
    colour: 'undetermined',
    way: 'national-code',
  })
  expect(recogniseStatus({ ...assertion, region: 'CN' }, '110000', matrix, local).colour).toBe('red')
  expect(recogniseStatus(assertion, '500000', matrix, local)).toEqual({
    colour: 'undetermined',
    way: 'not-recognised',
  })
  const demands = { region: REGION, profiles: [GATE] }
  requirePublished(GATE, demands)
  expect(() => requirePublished({ ...GATE, passes: [] }, demands)).toThrow(
    expect.objectContaining({ code: 'ERR_HEALTH_DEMAND' }),
  )
})

describe.skipIf(!conformanceFolder)(`a real certificate${skipReason}`, () => {
  type Vector = {
    id: string
    qr: string
    certificate: string
    clock: string
    hcert: { t?: { tr: string; tt: string; sc: string }[] }
  }

  test('brought by its holder it becomes evidence and changes the status; brought by another it is refused', async () => {
    const { vectors, certificates } = conformanceFile<{
      vectors: Vector[]
      certificates: Record<string, string>
    }>('dcc-vectors.json')
    // A negative nucleic acid test not older than ten days at the vector's own clock.
    const vector = vectors.find(({ hcert, clock }) => {
      const [t] = hcert?.t ?? []
      const age = Date.parse(clock) - Date.parse(t?.sc ?? '')
      return t?.tr === '260415000' && t.tt === 'LP6464-4' && age > 0 && age < 10 * DAY * 1000
    })
    if (!vector) throw new Error('no such certificate in the set')
    now = Math.floor(Date.parse(vector.clock) / 1000)
    const key = readDocumentSigner(Buffer.from(certificates[vector.certificate] as string, 'base64'))
    const asked: unknown[] = []
    authority = await makeAuthority(store, {
      ruleSet: teachingEdition(now),
      certificateKeys: { dcc: [key], healthCards: [] },
      isNamed: async (who: string, holder: object) => {
        asked.push(holder)
        return who !== pseudonym(3)
      },
    })
    await authority.declareHealth(subject, { symptoms: false })
    const positive = { class: 'test', data: { kind: 'antigen', result: 'positive' } } as const
    await authority.submitEvidence((await world.sign('lab', subject, positive, { at: now - 20 * DAY })).text)
    const before = (await authority.query(subject)).status
    expect(before).toMatchObject({
      colour: 'red',
      reasons: [{ rule: 'R3', release: { needs: ['review-test'] } }],
    })
    const evidence = await authority.importCertificate(subject, [vector.qr])
    expect(evidence).toMatchObject([
      { class: 'test', data: { kind: 'naat', result: 'negative' }, source: 'lab' },
    ])
    const after = (await authority.query(subject)).status
    expect(after.colour).toBe('green')
    expect(after.trace).toContainEqual({
      rule: 'R3',
      result: 'false',
      reads: ['test.positiveAt', 'test.reviewedAt'],
    })
    expect(asked).toMatchObject([{ birthDate: expect.any(String) }])
    const without = await makeAuthority(store)
    await expect(without.importCertificate(subject, [vector.qr])).rejects.toMatchObject({
      code: 'ERR_HEALTH_CERTIFICATE_KEY',
    })
    await expect(authority.importCertificate(pseudonym(2), [vector.qr])).rejects.toMatchObject({
      code: 'ERR_HEALTH_CERTIFICATE',
    })
    await expect(authority.importCertificate(pseudonym(3), [vector.qr])).rejects.toMatchObject({
      code: 'ERR_HEALTH_CERTIFICATE',
    })
    now += 5000 * DAY
    await expect(authority.importCertificate(subject, [vector.qr])).rejects.toMatchObject({
      code: 'ERR_HEALTH_TIME',
    })
  })
})

test('the database keeps what memory keeps, and has no column for a colour', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ctid-health-'))
  const database = await openStore(join(folder, 'health.db'))
  try {
    await migrate(database, [healthMigrations])
    expect(healthMigrations.steps.flat().join()).not.toMatch(/colour|color|status|token|name /)
    const sql = sqlHealthStore(database)
    const run = async (to: HealthStore): Promise<Json> => {
      authority = await makeAuthority(to)
      await authority.declareHealth(subject, { symptoms: false })
      const { text, commitment, expiresAt } = await world.sign('tracing', subject, {
        class: 'contact',
        data: { kind: 'close' },
      })
      await authority.submitEvidence(text)
      expect(await to.addEvidence({ subject, commitment, source: 'tracing', text, expiresAt })).toBe(false)
      expect(await to.hasEvidence(commitment)).toBe(true)
      expect(await to.hasEvidence('another')).toBe(false)
      expect(Object.fromEntries(await to.evidenceCounts())).toMatchObject({ intake: 1, tracing: 1 })
      const { id, decideBy } = await authority.contest(subject, {
        kind: 'appeal',
        contested: [commitment],
        statement: 's',
      })
      now = decideBy
      await authority.relieveDue()
      const { status } = await authority.query(subject)
      const late = { subject, commitment: 'late', source: 'appeals', text, expiresAt }
      const relieved = (await to.appeal(id)) as Appeal
      expect(await to.decideAppeal({ ...relieved, state: 'upheld' }, 'open', late)).toBe(false)
      expect(await to.hasEvidence('late')).toBe(false)
      const states = [
        (await to.appeal(id))?.state,
        (await to.appealsOf(subject)).length,
        (await to.appealsDue(now)).length,
      ]
      const claims = [await to.claimCertificate('d', subject), await to.claimCertificate('d', pseudonym(2))]
      const seen = [
        (await to.records()).length,
        await to.forget(NOW - 1),
        await to.forget(NOW + 99 * DAY),
        (await to.evidenceOf(subject)).length,
        (await to.records()).length,
        (await to.appealsOf(subject)).length,
      ]
      now = NOW
      return [status.colour, states, claims, seen] as unknown as Json
    }
    const expected = ['green', ['interim-relief', 1, 0], [true, false], [1, 0, 3, 0, 0, 0]]
    expect(await run(sql)).toEqual(expected)
    expect(await run(memoryHealthStore())).toEqual(expected)
  } finally {
    await database.close()
    await rm(folder, { recursive: true })
  }
})

test('forgets what has ended, and what is left can still be repeated whole', async () => {
  const days = 120
  for (let day = 0; day < days; day += 5) {
    now = NOW + day * DAY
    await authority.declareHealth(subject, { symptoms: false })
    await authority.query(subject)
    await authority.forget()
  }
  const bundle = await authority.auditBundle()
  expect(Math.min(...bundle.records.map(({ at }) => at))).toBe(now - 30 * DAY)
  // Evidence lives for 30 days and is kept for 30 more.
  expect(bundle.openings).toHaveLength(13)
  const { findings } = await replay(bundle, world.lookup)
  expect(findings.filter(({ what }) => what !== 'rules-unknown')).toEqual([])
  now = NOW
})

describe('over HTTP', () => {
  let url: string
  const calls: unknown[] = []
  const http = async (
    method: string,
    path: string,
    body?: object,
    as = subject,
  ): Promise<{ status: number; body: ReturnType<typeof JSON.parse> }> => {
    const response = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', 'x-as': as },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: response.status, body: await response.json() }
  }
  const serve = async (work: () => Promise<void>): Promise<void> => {
    const router = healthRouter({
      authority,
      authenticate: (request) => String(request.get('x-as')),
      authorise: (request, role) => {
        if (request.get('x-as') !== role) throw Object.assign(new Error('no'), { status: 403 })
      },
      codes: {
        begin: async () => ({ nonce: 'n1' }),
        finish: async (issue) => {
          calls.push(issue)
          return issue.proofs.map(() => ({ credential: 'c' }))
        },
        paper: async (issue) => {
          calls.push(issue)
          return Uint8Array.of(1, 2, 3)
        },
      },
      verifyCode: async (text, challenge) => ({ text, challenge: challenge ? [...challenge] : null }),
      demands: { region: REGION, profiles: [GATE] },
      recognition: { version: 1, national: 'CN', entries: [] },
    })
    const server = await listen(createApp({ routers: [router] }))
    url = server.url
    try {
      await work()
    } finally {
      await server.close()
    }
  }

  test('the seven interfaces of GB/T 38963, appeal, evidence, and what is public', () =>
    serve(async () => {
      expect((await http('GET', '/health/status')).body.status.colour).toBe('undetermined')
      expect((await http('POST', '/health/declarations', { symptoms: false })).status).toBe(201) // 1
      expect((await http('POST', '/health/trips', { area: '410100' })).status).toBe(201) // 2
      const before = (await http('GET', '/health/status')).body // 3
      expect(before).toMatchObject({
        status: { colour: 'green' },
        explanation: { zh: expect.arrayContaining(['● 绿码：无限制']) },
      })
      const { nonce } = (await http('POST', '/health/code-requests', {})).body // 4
      const made = await http('POST', '/health/codes', { nonce, proofs: ['p1', 'p2'], profile: 'gate' }) // 5
      expect(made.body.copies).toHaveLength(2)
      expect(calls.at(-1)).toMatchObject({
        nonce: 'n1',
        healthClaim: { outcome: 'pass' },
        claims: { outcome: 'green' },
      })
      const printed = await http('POST', '/health/paper', { profile: 'gate' }) // 5, on paper: the same claim
      expect(printed.body.attestation).toBe('AQID')
      expect(calls.at(-1)).toMatchObject({
        healthClaim: (calls.at(-2) as { healthClaim: object }).healthClaim,
      })
      expect((await http('POST', '/health/code-verifications', { code: 'X' })).body).toEqual({
        text: 'X',
        challenge: null,
      }) // 6
      const { text, commitment } = await world.sign('tracing', subject, {
        class: 'contact',
        data: { kind: 'close' },
      })
      expect((await http('POST', '/health/evidence', { evidence: text })).body).toEqual({ commitment })
      expect((await http('GET', '/health/status')).body.status).toMatchObject({
        colour: 'red',
        reasons: [{ rule: 'R4' }],
      })
      const filed = await http('POST', '/health/corrections', {
        contested: [commitment],
        statement: 'Wrong person.',
      }) // 7
      expect(filed.body).toMatchObject({ kind: 'correction', state: 'open' })
      const decision = `/health/appeals/${filed.body.id}/decision`
      expect((await http('POST', decision, { outcome: 'upheld' })).status).toBeGreaterThanOrEqual(400)
      expect((await http('POST', decision, { outcome: 'upheld' }, 'appeals')).body.state).toBe('upheld')
      expect((await http('GET', '/health/status')).body.status.colour).toBe('green')
      expect((await http('GET', '/health/appeals')).body).toHaveLength(1)
      expect((await http('GET', '/health/rules')).body.hash).toMatch(/^[0-9a-f]{64}$/)
      for (const path of ['sources', 'demands', 'recognition'])
        expect((await http('GET', `/health/${path}`)).status).toBe(200)
      expect((await http('GET', '/health/audit')).status).toBeGreaterThanOrEqual(400)
      const bundle = (await http('GET', '/health/audit', undefined, 'auditor')).body
      expect(await replay(bundle, world.lookup)).toMatchObject({ checked: 6, followed: 6, findings: [] })
    }))

  test('there is no route that sets a colour, and bad bodies are problem documents', () =>
    serve(async () => {
      for (const [method, path] of [
        ['PUT', '/health/status'],
        ['POST', '/health/status'],
        ['PATCH', '/health/status'],
        ['POST', '/health/colour'],
      ] as const)
        expect((await http(method, path, { colour: 'red' })).status).toBe(404)
      for (const [path, body] of [
        ['/health/declarations', { symptoms: 'no' }],
        ['/health/trips', { area: 'nowhere' }],
        ['/health/codes', { nonce: 'n', proofs: [] }],
        ['/health/codes', { nonce: 'n', proofs: ['p'], profile: 'unpublished' }],
        ['/health/evidence', { evidence: 'x' }],
        ['/health/certificates', { codes: ['HC1:'] }],
        ['/health/certificates', { codes: ['HC1:'], presentation: 5 }],
        ['/health/code-verifications', { code: 'x', challenge: '!!' }],
        ['/health/paper', { profile: 'unpublished' }],
        ['/health/appeals', { contested: ['x'], statement: 's' }],
      ] as const) {
        const answer = await http('POST', path, body)
        expect(answer.status, path).toBeGreaterThanOrEqual(400)
        expect(answer.status, path).toBeLessThan(500)
        expect(answer.body.code).toMatch(/^ERR_/)
      }
    }))
})

test('ctid health: derive, rules and replay from files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ctid-health-'))
  const file = async (name: string, content: unknown): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const run = async (...args: string[]): Promise<{ code: number; text: string }> => {
    const lines: string[] = []
    const out = (line: string): void => void lines.push(line)
    const code = await command.run(args, {
      out,
      err: out,
      isTerminal: false,
      env: {},
      readStdin: async () => '',
      untilStopped: async () => {},
    })
    return { code, text: lines.join('\n') }
  }
  try {
    await authority.declareHealth(subject, { symptoms: false })
    await accuse()
    const { evidence } = await authority.query(subject)
    const rules = await file('rules.json', authority.ruleSet)
    const sources = await file('sources.json', world.register)
    const lines = await file('evidence.txt', evidence.join('\n'))
    expect(await run('rules', '--rules', rules)).toMatchObject({
      code: 0,
      text: expect.stringContaining('hash: '),
    })
    const derived = await run(
      'derive',
      '--rules',
      rules,
      '--sources',
      sources,
      '--evidence',
      lines,
      '--at',
      String(NOW),
      '--lang',
      'zh',
    )
    expect(derived.text).toContain('■ 红码')
    expect(derived.text).toContain('密切接触者')
    const bundle = await authority.auditBundle()
    const replayed = await run('replay', '--bundle', await file('bundle.json', bundle), '--sources', sources)
    expect(replayed).toMatchObject({
      code: 0,
      text: '1 derivations checked, 1 follow, 0 findings, 0 unexplained bursts',
    })
    const forged = { ...bundle, records: bundle.records.map((record) => ({ ...record, colour: 'green' })) }
    expect(
      (await run('replay', '--bundle', await file('forged.json', forged), '--sources', sources)).code,
    ).toBe(1)
    expect((await run('replay')).code).toBe(2)
    expect(derive([], JSON.parse(await readFile(rules, 'utf8')), NOW).ruleSetHash).toHaveLength(64)
  } finally {
    await rm(folder, { recursive: true })
  }
})
