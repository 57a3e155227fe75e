// What another department knows reaches the health rules through a conversion and in no other way.
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { type CtidError, DAY, type JsonObject, utf8 } from '#ctid/base'
import {
  type Group,
  generateSigner,
  loadSodiumGroup,
  type Point,
  type Scalar,
  type Signer,
} from '#ctid/crypto'
import { evidenceOfSector } from '#ctid/deployment'
import {
  type EvidenceClaims,
  type HealthAuthority,
  makeHealthAuthority,
  memoryHealthStore,
  type SourceRegister,
  signEvidence,
  teachingEdition,
} from '#ctid/health'
import {
  ANCHOR,
  convertBatch,
  enrolInAudit,
  openGrant,
  openRecordSecret,
  pseudonymIndex,
  readOwnRecord,
} from '#ctid/pseudonym'
import { keyId } from '#ctid/trust'
import * as health from '../health/people.ts'
import { makeWorld, NOW, oracle, receiverOf, syntheticAnchors, type World } from '../pseudonym/world.ts'

let group: Group
let world: World
let anchors: [Point, Point]
let secrets: Uint8Array[]
let register: SourceRegister
let desk: Signer
let authority: HealthAuthority

beforeAll(async () => {
  group = await loadSodiumGroup()
  world = await makeWorld(group, { seed: 'sector-evidence', morePairs: [['transport', 'health']] })
  anchors = syntheticAnchors(group, 2) as [Point, Point]
  const wallets = anchors.map(() => group.randomScalar(world.random))
  const payloads = wallets.map((wallet) => group.multiplyBase(wallet))
  const enrolment = await world.request(ANCHOR, 'audit', anchors, { payloads })
  const { walletBoxes } = await enrolInAudit(enrolment, world.gateway())
  secrets = await Promise.all(walletBoxes.map((box, i) => openRecordSecret(group, wallets[i] as Scalar, box)))
  desk = await generateSigner()
})

const storage = { sector: 'health', version: 1, index: new Uint8Array(32).fill(1), seal: new Uint8Array(32) }
const subjectOf = (point: Point): string => pseudonymIndex(point, storage)
const subject = (person: Point): string => subjectOf(oracle(world, person, 'health'))

beforeEach(async () => {
  const people = await health.makeWorld()
  const key = { kid: keyId(desk.publicJwk), jwk: desk.publicJwk, notBefore: NOW - DAY, notAfter: NOW + DAY }
  const source = {
    id: 'transport',
    name: { en: 'Transport department', zh: '交通运输部门' },
    kind: 'source' as const,
    classes: ['travel' as const],
    regions: ['CN'],
    maxLifeSeconds: 30 * DAY,
    keys: [key],
  }
  register = { ...people.register, sources: [...people.register.sources, source] }
  const deskOf = (sourceId: string) => ({ sourceId, signer: people.signers[sourceId] as Signer })
  authority = makeHealthAuthority({
    store: memoryHealthStore(),
    ruleSet: teachingEdition(NOW),
    register,
    intake: deskOf('intake'),
    importer: deskOf('lab'),
    appeals: deskOf('appeals'),
    profiles: [],
    certificateKeys: { dcc: [], healthCards: [] },
    isNamed: async () => false,
    clock: () => NOW,
    random: world.random,
  })
  for (const person of anchors) await authority.declareHealth(subject(person), { symptoms: false })
})

const fromAbroad = {
  at: NOW - DAY,
  region: health.REGION,
  precision: { seconds: 0 },
  class: 'travel',
  data: { from: 'abroad' },
}

/** Transport has its people converted to health, each with a finding. */
async function told(findings: readonly JsonObject[], fields: string[] = ['travel']) {
  const jws = await world.grant('transport', 'health', { fields })
  const points = findings.map((_, i) => oracle(world, anchors[i] as Point, 'transport'))
  const payloads = findings.map((finding) => utf8(JSON.stringify(finding)))
  const batch = await world.request('transport', 'health', points, { grant: jws, payloads, fields })
  const { deliveries } = await convertBatch(group, batch, world.gateway())
  const grant = await openGrant(jws, world.directory.authorities)
  return evidenceOfSector(
    group,
    { grant, deliveries },
    {
      sector: 'health',
      secretKey: receiverOf(world, 'health'),
      subjectOf,
      sourceId: 'transport',
      signer: desk,
      lifeSeconds: 20 * DAY,
      clock: () => world.now,
      random: world.random,
    },
  )
}
const colour = async (person: Point) => (await authority.query(subject(person))).status.colour
const codeOf = (action: Promise<unknown>) =>
  action.then(
    () => 'accepted',
    (error: unknown) => (error as CtidError).code,
  )

test('a journey that transport knows of moves the status of that person, who reads that it was told', async () => {
  expect(await colour(anchors[0])).toBe('green')
  for (const text of await told([fromAbroad])) await authority.submitEvidence(text)
  expect(await colour(anchors[0])).toBe('red')
  expect(await colour(anchors[1])).toBe('green')
  const epoch = Math.floor(NOW / world.directory.epochSeconds)
  const range = { fromEpoch: epoch, toEpoch: epoch }
  const record = await readOwnRecord(secrets[0] as Uint8Array, world.log, range)
  expect(record.at(-1)).toMatchObject({ from: 'transport', to: 'health', fields: ['travel'] })
})

test('without a conversion transport can name nobody in health, and nobody believes its own key', async () => {
  const own = pseudonymIndex(oracle(world, anchors[0], 'transport'), { ...storage, sector: 'transport' })
  const claims = { ...fromAbroad, subject: own, issuedAt: NOW, expiresAt: NOW + DAY } as EvidenceClaims
  const sign = (signer: Signer) =>
    signEvidence(claims, signer, { sourceId: 'transport', random: world.random })
  const signer = world.signers.get('transport') as Signer
  expect(await codeOf(authority.submitEvidence(await sign(signer)))).toBe('ERR_HEALTH_SOURCE')
  // Even with the desk's key: a pseudonym of transport is nobody's in health.
  await authority.submitEvidence(await sign(desk))
  for (const person of anchors) expect(await colour(person)).toBe('green')
})

test('what the grant does not name, or what is no finding, is refused as a whole', async () => {
  expect(await codeOf(told([fromAbroad], ['trip']))).toBe('ERR_PSEUDONYM_GRANT_SCOPE')
  expect(await codeOf(told([fromAbroad, { ...fromAbroad, name: 'Zhang' }]))).toBe('ERR_PSEUDONYM_ROWS')
  expect(await codeOf(told([{ ...fromAbroad, data: 1 }]))).toBe('ERR_PSEUDONYM_ROWS')
  // A finding outside the source's classes is signed, and refused by the authority.
  const [text] = await told([{ ...fromAbroad, class: 'case', data: { state: 'confirmed' } }], ['case'])
  expect(await codeOf(authority.submitEvidence(text as string))).toBe('ERR_HEALTH_SOURCE')
})
