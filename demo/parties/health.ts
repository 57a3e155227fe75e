// The health authority of the demo: pseudonyms of its own sector, signed evidence, derived status, copies of it, appeals.
import { randomUUID } from 'node:crypto'
import express, { type Router } from 'express'
import { CtidError, DAY, framed, HOUR, type Json, toBase64url } from '#ctid/base'
import { asProvenKey, CTID_FILE, checkKeyProof, verifyCredential } from '#ctid/credential'
import { generateSigner, jwkThumbprint, type P256PublicJwk, type Point, sha256 } from '#ctid/crypto'
import type { Deployment } from '#ctid/deployment'
import {
  type EvidenceClaims,
  HEALTH_STATUS,
  isSamePerson,
  MANUAL_LIFE_SECONDS,
  makeHealthAuthority,
  type PublishedDemands,
  type RecognitionMatrix,
  signEvidence,
  signManualEntry,
  teachingEdition,
} from '#ctid/health'
import { type CodeIssue, healthRouter, readJson } from '#ctid/http'
import { type CopyRequest, issueCopies } from '#ctid/issuer'
import { makeAttestation, parseAttestation } from '#ctid/qr'
import { migrate, type Row } from '#ctid/store'
import { sectorPoint, sectorToken } from '#ctid/token'
import { checkTrustList, trustListResolver } from '#ctid/trust'
import { type VerifierPolicy, verdictToJson, verifyCode } from '#ctid/verifier'
import { healthMigrations, sqlHealthStore } from '../../src/health/node.ts'
import { CERTIFIED, openCertificateOffice } from './certificate-office.ts'
import { openHealthKeys } from './health-keys.ts'
import { requestChecker } from './signed-request.ts'

const REGION = '330000'
const DEMANDS: PublishedDemands = {
  region: REGION,
  profiles: [{ id: 'gate', name: { en: 'Entrance', zh: '出入口' }, needs: 'status', passes: ['green'] }],
}
/** Neighbours by translation, the rest of the country by its own code; who is not listed is not recognised. */
const RECOGNITION: RecognitionMatrix = {
  version: 1,
  national: 'CN',
  entries: [
    { by: REGION, of: '310000', way: 'translation', table: { green: 'green', yellow: 'yellow', red: 'red' } },
    { by: REGION, of: '320000', way: 'own-rules' },
    { by: REGION, of: 'CN', way: 'national-code' },
  ],
}
const HEALTH_GATE: VerifierPolicy = {
  name: 'health-authority',
  useCase: 'health-gate',
  purpose: 'health',
  kinds: ['health'],
  healthOutcomes: ['pass', 'green'],
  accept: {
    dynamic: { minAssurance: 'substantial', required: ['status-list', 'status', 'health'] },
    paper: { minAssurance: 'low', required: ['status-list', 'status', 'health'] },
  },
  alternative: { en: 'Go to the staffed desk.', zh: '请到人工窗口。' },
}
/** To whom a holder presents the own credential beside a certificate. */
const AUDIENCE = 'ctid-demo-health'
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
  const office = await openCertificateOffice({ clock, random })
  const authority = makeHealthAuthority({
    store: healthStore,
    ruleSet: teachingEdition(clock(), REGION),
    register,
    intake: desk('intake'),
    importer: desk('certificates'),
    appeals: desk('appeals'),
    profiles: DEMANDS.profiles,
    certificateKeys: { dcc: [office.signer], healthCards: [] },
    isNamed: async (_subject, holder, { presentation, nonce }) => {
      const expectedSigners = [deployment.keyring.pki.parties.rules.signer.publicJwk]
      const list = await checkTrustList(await deployment.trustList(), { expectedSigners, now: clock() })
      const report = await verifyCredential(presentation, {
        now: clock(),
        resolveIssuer: trustListResolver(list, { purpose: 'identity' }),
        expectedTypes: [CTID_FILE.vct],
        keyBinding: { expectedAudience: AUDIENCE, expectedNonce: nonce },
      })
      if (!report.ok) throw report.error
      const { name, birthdate } = report.credential.claims
      return isSamePerson(holder, { name: String(name), birthDate: String(birthdate) })
    },
    ...(deployment.log ? { log: deployment.log.health } : {}),
    clock,
    random,
  })

  await authority.announce()
  await authority.forget()

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
  const requestFor = ({
    subject,
    claims,
    healthClaim,
    validity,
  }: Omit<CodeIssue, 'proofs' | 'nonce'>): CopyRequest => ({
    subjectId: sha256(framed('CTID demo health reference v1', subject)),
    profile: HEALTH_STATUS,
    subject: claims,
    attestation: { kind: 'health', assurance: 'substantial', health: healthClaim },
    validity,
  })
  const gate = deployment.verifier(HEALTH_GATE)
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
      finish: async ({ proofs, nonce, ...issue }) => {
        if (nonces.get(nonce) !== issue.subject) throw new CtidError('ERR_ISSUER_PROOF_NONCE')
        const expected = { expectedIssuer: issuer.issuerId, expectedNonce: nonce, now: clock() }
        const keys = await Promise.all(proofs.map((proof) => checkKeyProof(proof, expected)))
        nonces.delete(nonce)
        const copies = await issueCopies(requestFor(issue), keys, issuer)
        return copies.map(({ attestation, credential }) => ({
          attestation: toBase64url(attestation),
          credential,
        }))
      },
      // A copy for a key that is dropped at once gives the form its place in the status list and its validity.
      paper: async (issue) => {
        const { publicJwk } = await generateSigner()
        const [copy] = await issueCopies(requestFor(issue), [asProvenKey(publicJwk)], issuer)
        if (!copy) throw new CtidError('ERR_ISSUER_BATCH')
        const { kind, issuedAt, expiresAt } = parseAttestation(copy.attestation)
        return makeAttestation(
          {
            ...{ handle: random(16), kind, issuedAt, expiresAt, status: copy.status },
            assurance: 'low',
            health: issue.healthClaim,
          },
          issuer.key.signer,
        )
      },
    },
    // For those who cannot verify themselves; a verifier with its own lists asks nobody.
    verifyCode: async (text, challenge) =>
      verdictToJson(
        await verifyCode(text, {
          ...(await gate),
          ...(challenge === undefined ? {} : { expectedChallenge: challenge }),
        }),
      ),
    demands: DEMANDS,
    recognition: RECOGNITION,
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
  // Another country's office, which knows people by their documents: what it prints is brought by whom it names.
  console_.post('/certificates', async (request, response) => {
    const { person, what } = readJson(request)
    const kind = CERTIFIED.find((one) => one === what)
    if (!kind) throw new CtidError('ERR_HEALTH_CERTIFICATE')
    response.status(201).json({ code: await office.issue(Number(person), kind) })
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
    await authority.publishCounts()
    response.json({ bundle: await authority.auditBundle(), register } as unknown as Json & object)
  })

  // A store or a log that is busy now is asked again later.
  const timer = setInterval(() => void authority.relieveDue().catch(() => {}), 60_000)
  const counter = setInterval(() => void authority.publishCounts().catch(() => {}), HOUR * 1000)
  const broom = setInterval(() => void authority.forget().catch(() => {}), HOUR * 1000)
  for (const each of [timer, counter, broom]) each.unref()
  return {
    enrol: async (anchor, key) => {
      // P = x·N, and what is kept is HMAC(k, P): the sector's own number, unrelated to the registry's token.
      const point = sectorPoint(group, sector.x, anchor)
      const subject = toBase64url(sectorToken(sector.tokenKey, point, { keyVersion: sector.version }))
      await store.insert('demo_health_key', ['key', 'subject'], [[jwkThumbprint(key), subject]])
    },
    router,
    console: console_,
    stop: () => {
      clearInterval(timer)
      clearInterval(counter)
      clearInterval(broom)
    },
  }
}
