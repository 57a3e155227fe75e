// The health authority of the demo: pseudonyms of its own sector, signed evidence, derived status, copies of it, appeals.
import { randomUUID } from 'node:crypto'
import express, { type Router } from 'express'
import { CtidError, DAY, framed, type Json, toBase64url } from '#ctid/base'
import { checkKeyProof } from '#ctid/credential'
import { jwkThumbprint, type P256PublicJwk, type Point, sha256 } from '#ctid/crypto'
import type { Deployment } from '#ctid/deployment'
import {
  type EvidenceClaims,
  HEALTH_STATUS,
  MANUAL_LIFE_SECONDS,
  makeHealthAuthority,
  type PublishedDemands,
  signEvidence,
  signManualEntry,
  teachingEdition,
} from '#ctid/health'
import { healthRouter, readJson } from '#ctid/http'
import { issueCopies } from '#ctid/issuer'
import { migrate, type Row } from '#ctid/store'
import { sectorPoint, sectorToken } from '#ctid/token'
import { healthMigrations, sqlHealthStore } from '../../src/health/node.ts'
import { openHealthKeys } from './health-keys.ts'
import { requestChecker } from './signed-request.ts'

const REGION = '330000'
const DEMANDS: PublishedDemands = {
  region: REGION,
  profiles: [{ id: 'gate', name: { en: 'Entrance', zh: '出入口' }, needs: 'status', passes: ['green'] }],
}
/** What each source can send from the desk. */
const FINDINGS: Readonly<Record<string, readonly Pick<EvidenceClaims, 'class' | 'data'>[]>> = {
  lab: [
    { class: 'test', data: { kind: 'naat', result: 'negative' } },
    { class: 'test', data: { kind: 'naat', result: 'positive' } },
  ],
  clinic: [
    { class: 'case', data: { state: 'confirmed' } },
    { class: 'case', data: { state: 'discharged' } },
    { class: 'symptom', data: { state: 'excluded' } },
  ],
  tracing: [
    { class: 'contact', data: { kind: 'close' } },
    { class: 'contact', data: { kind: 'companion' } },
    { class: 'stay', data: { risk: 'high', area: '330106' } },
  ],
  border: [{ class: 'travel', data: { from: 'abroad' } }],
}
const MANUAL = ['discharge-on-paper', 'negative-test-on-paper', 'contact-notice-by-telephone'] as const
const EVIDENCE_LIFE = 30 * DAY

export type Health = {
  readonly enrol: (anchor: Point, key: P256PublicJwk) => Promise<void>
  /** The seven interfaces, for citizens and for everybody. */
  readonly router: Router
  /** The desk: sources, officers, appeals, audit. */
  readonly console: Router
  readonly stop: () => void
}

export async function openHealth(deployment: Deployment, keyFile: string): Promise<Health> {
  const { store, group, issuer } = deployment
  const { clock, random } = issuer
  await migrate(store, [healthMigrations])
  await store.run(
    'create table if not exists demo_health_key (key text not null primary key, subject text not null)',
  )
  const { sector, signers, register } = await openHealthKeys(keyFile, { group, random, now: clock() })
  const signerOf = (id: string) => {
    const signer = signers.get(id)
    if (!signer) throw new CtidError('ERR_HEALTH_SOURCE')
    return signer
  }
  const desk = (sourceId: string) => ({ sourceId, signer: signerOf(sourceId) })
  const healthStore = sqlHealthStore(store)
  const authority = makeHealthAuthority({
    store: healthStore,
    ruleSet: teachingEdition(clock(), REGION),
    register,
    intake: desk('intake'),
    importer: desk('certificates'),
    appeals: desk('appeals'),
    profiles: DEMANDS.profiles,
    certificateKeys: { dcc: [], healthCards: [] },
    isNamed: async () => false,
    ...(deployment.log ? { log: deployment.log.health } : {}),
    clock,
    random,
  })

  await authority.announce()

  // ---- the citizen's side
  const checkRequest = requestChecker(clock)
  async function subjectOf(thumbprint: string): Promise<string> {
    const [row] = await store.rows<Row & { subject: string }>(
      'select subject from demo_health_key where key = $1',
      [thumbprint],
    )
    if (!row) throw new CtidError('ERR_HTTP_NOT_FOUND')
    return row.subject
  }
  const nonces = new Map<string, string>()
  const router = healthRouter({
    authority,
    authenticate: async (request) => {
      const signed = await checkRequest(
        request.headers['x-ctid-request'],
        `${request.method} ${request.path}`,
      )
      return subjectOf(signed.thumbprint)
    },
    // Appeals and audit are on the console of this demo; over this router nobody has a role.
    authorise: () => {
      throw new CtidError('ERR_HTTP_NOT_FOUND')
    },
    codes: {
      begin: async (subject) => {
        const nonce = randomUUID()
        nonces.set(nonce, subject)
        return { nonce }
      },
      finish: async ({ subject, claims, healthClaim, validity, proofs, nonce }) => {
        if (nonces.get(nonce) !== subject) throw new CtidError('ERR_ISSUER_PROOF_NONCE')
        const expected = { expectedIssuer: issuer.issuerId, expectedNonce: nonce, now: clock() }
        const keys = await Promise.all(proofs.map((proof) => checkKeyProof(proof, expected)))
        nonces.delete(nonce)
        const copies = await issueCopies(
          {
            subjectId: sha256(framed('CTID demo health reference v1', subject)),
            profile: HEALTH_STATUS,
            subject: claims,
            attestation: { kind: 'health', assurance: 'substantial', health: healthClaim },
            validity,
          },
          keys,
          issuer,
        )
        return copies.map(({ attestation, credential }) => ({
          attestation: toBase64url(attestation),
          credential,
        }))
      },
    },
    verifyCode: async () => {
      // Codes are verified where they are scanned; nobody sends them to the authority.
      throw new CtidError('ERR_HTTP_NOT_FOUND')
    },
    demands: DEMANDS,
    recognition: { version: 1, national: 'CN', entries: [] },
  })

  // ---- the desk
  const sign = (subject: string, source: string, finding: Pick<EvidenceClaims, 'class' | 'data'>) => {
    const now = clock()
    const claims = {
      subject,
      at: now,
      issuedAt: now,
      expiresAt: now + EVIDENCE_LIFE,
      region: REGION,
      precision: { seconds: 0 },
      ...finding,
    } as EvidenceClaims
    return signEvidence(claims, signerOf(source), { sourceId: source, random })
  }
  const console_ = express.Router()
  console_.get('/desk', async (_request, response) => {
    const people = await store.rows<Row & { subject: string }>(
      'select subject from demo_health_key group by subject order by max(rowid) desc limit 200',
    )
    const appeals = await healthStore.appealsDue(clock() + 365 * DAY)
    response.json({
      people: people.map(({ subject }) => subject),
      sources: Object.entries(FINDINGS).map(([id, findings]) => ({
        id,
        name: register.sources.find((source) => source.id === id)?.name,
        findings,
      })),
      manual: MANUAL,
      appeals: appeals.map(({ id, kind, contested, statement, filedAt, decideBy, state }) => ({
        ...{ id, kind, contested, statement, filedAt, decideBy, state },
      })),
    } as Json & object)
  })
  console_.post('/evidence', async (request, response) => {
    const { subject, source, finding } = readJson(request)
    const chosen = FINDINGS[String(source)]?.[Number(finding)]
    if (!chosen) throw new CtidError('ERR_HEALTH_EVIDENCE')
    const { commitment } = await authority.submitEvidence(await sign(String(subject), String(source), chosen))
    response.status(201).json({ commitment })
  })
  console_.post('/manual', async (request, response) => {
    const { subject, reason } = readJson(request)
    const known = MANUAL.find((one) => one === reason)
    if (!known) throw new CtidError('ERR_HEALTH_EVIDENCE')
    const now = clock()
    const claims: EvidenceClaims & { class: 'manual' } = {
      subject: String(subject),
      at: now,
      issuedAt: now,
      expiresAt: now + MANUAL_LIFE_SECONDS,
      region: REGION,
      precision: { seconds: 0 },
      class: 'manual',
      data: { reason: known },
    }
    const officers = [signerOf('officer-north'), signerOf('officer-south')] as const
    const { commitment } = await authority.submitEvidence(await signManualEntry(claims, officers, { random }))
    response.status(201).json({ commitment })
  })
  console_.post('/decision', async (request, response) => {
    const { id, outcome } = readJson(request)
    if (outcome !== 'upheld' && outcome !== 'dismissed') throw new CtidError('ERR_HEALTH_APPEAL')
    const { state } = await authority.decide(String(id), outcome)
    response.json({ state })
  })
  // Henan 2022, as a scenario: one source, ordered to, names forty people who share no other fact.
  console_.post('/scenario', async (_request, response) => {
    for (let i = 0; i < 40; i++) {
      const subject = toBase64url(random(32))
      await authority.submitEvidence(
        await sign(subject, 'tracing', { class: 'contact', data: { kind: 'close' } }),
      )
      await authority.query(subject)
    }
    response.json({ people: 40 })
  })
  console_.get('/audit', async (_request, response) => {
    response.json({ bundle: await authority.auditBundle(), register } as unknown as Json & object)
  })

  const timer = setInterval(() => void authority.relieveDue(), 60_000)
  timer.unref()
  return {
    enrol: async (anchor, key) => {
      // P = x·N, and what is kept is HMAC(k, P): the sector's own number, unrelated to the registry's token.
      const point = sectorPoint(group, sector.x, anchor)
      const subject = toBase64url(sectorToken(sector.tokenKey, point, { keyVersion: sector.version }))
      await store.insert('demo_health_key', ['key', 'subject'], [[jwkThumbprint(key), subject]])
    },
    router,
    console: console_,
    stop: () => clearInterval(timer),
  }
}
