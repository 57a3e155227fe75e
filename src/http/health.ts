// The health authority over HTTP: the seven interfaces of GB/T 38963, appeals, evidence from sources, and what is public.
import { type Request, Router } from 'express'
import { CtidError, fromBase64url, type Json, type JsonObject, toBase64url } from '../base/index.ts'
import {
  explain,
  type HealthAuthority,
  type PublishedDemands,
  type RecognitionMatrix,
  ruleSetHash,
  type Status,
  statusCodeClaim,
  statusValidity,
  type VerifierProfile,
} from '../health/index.ts'
import { readJson } from './server.ts'

/** What one code request leads to: issued copies as JSON. */
export type CodeIssue = {
  readonly subject: string
  readonly status: Status
  /** Claims of profile `HEALTH_STATUS`. */
  readonly claims: JsonObject
  readonly healthClaim: ReturnType<typeof statusCodeClaim>
  readonly validity: ReturnType<typeof statusValidity>
  /** The wallet's key proofs, as it sent them. */
  readonly proofs: readonly string[]
  /** The nonce that the proofs must name. */
  readonly nonce: string
}

export type HealthRouterDeps = {
  readonly authority: HealthAuthority
  /** Pseudonym (base64url, 32 bytes) of whoever asks; throws when nobody is signed in. No route takes one as input. */
  readonly authenticate: (request: Request) => string | Promise<string>
  /** Throws unless the caller is the appeals body, or the auditor. */
  readonly authorise: (request: Request, role: 'appeals' | 'auditor') => void | Promise<void>
  /** Starts and finishes the issue of copies; the issuer's room does the work. */
  readonly codes: {
    begin(subject: string): Promise<{ readonly nonce: string }>
    finish(issue: CodeIssue): Promise<readonly Json[]>
    /** The attestation of a printed form: no key, assurance low, the same claim. */
    paper(issue: Omit<CodeIssue, 'proofs' | 'nonce'>): Promise<Uint8Array>
  }
  /** Verifies a code's text and returns the report. */
  readonly verifyCode: (text: string, challenge: Uint8Array | undefined) => Promise<Json>
  readonly demands: PublishedDemands
  readonly recognition: RecognitionMatrix
}

/** Routes of the health authority. Bodies are JSON; errors are problem documents. */
export function healthRouter(deps: HealthRouterDeps): Router {
  const { authority } = deps
  const router = Router()

  // 1 Health information declaration
  router.post('/health/declarations', async (request, response) => {
    const subject = await deps.authenticate(request)
    const { symptoms } = readJson(request)
    if (typeof symptoms !== 'boolean') throw new CtidError('ERR_HEALTH_EVIDENCE', { detail: 'symptoms' })
    const { commitment } = await authority.declareHealth(subject, { symptoms })
    response.status(201).json({ commitment })
  })

  // 2 Trip declaration
  router.post('/health/trips', async (request, response) => {
    const subject = await deps.authenticate(request)
    const { commitment } = await authority.declareTrip(subject, text(readJson(request), 'area', 6))
    response.status(201).json({ commitment })
  })

  // 3 Query, of one's own status only
  router.get('/health/status', async (request, response) => {
    const subject = await deps.authenticate(request)
    const { status, record, claims, evidence } = await authority.query(subject)
    const explanation = { en: explain(status, 'en'), zh: explain(status, 'zh') }
    response.json({
      status,
      explanation,
      record,
      claims,
      evidence,
      appeals: await authority.appealsOf(subject),
    })
  })

  // 4 Code call application: a nonce for the wallet's key proofs
  router.post('/health/code-requests', async (request, response) => {
    const subject = await deps.authenticate(request)
    response.status(201).json(await deps.codes.begin(subject))
  })

  // 5 Code making: one copy per proven key
  router.post('/health/codes', async (request, response) => {
    const subject = await deps.authenticate(request)
    const body = readJson(request, { maxLength: 262_144 })
    const { proofs } = body
    if (!isTexts(proofs)) throw new CtidError('ERR_HEALTH_EVIDENCE', { detail: 'proofs' })
    const profile =
      body['profile'] === undefined ? undefined : findProfile(deps.demands, text(body, 'profile', 60))
    const { status, record, claims } = await authority.query(subject)
    const copies = await deps.codes.finish({
      subject,
      status,
      claims,
      healthClaim: statusCodeClaim(status, profile),
      validity: statusValidity(status),
      proofs,
      nonce: text(body, 'nonce', 200),
    })
    response.status(201).json({ copies, record })
  })

  // 5 on paper: the same status by the same derivation, for whoever has no wallet at hand
  router.post('/health/paper', async (request, response) => {
    const subject = await deps.authenticate(request)
    const body = readJson(request)
    const profile =
      body['profile'] === undefined ? undefined : findProfile(deps.demands, text(body, 'profile', 60))
    const { status, record, claims } = await authority.query(subject)
    const attestation = await deps.codes.paper({
      subject,
      status,
      claims,
      healthClaim: statusCodeClaim(status, profile),
      validity: statusValidity(status),
    })
    response.status(201).json({ attestation: toBase64url(attestation), record })
  })

  // 6 Code verifying
  router.post('/health/code-verifications', async (request, response) => {
    const body = readJson(request)
    const challenge = body['challenge'] === undefined ? undefined : bytes(text(body, 'challenge', 200))
    response.json(await deps.verifyCode(text(body, 'code', 4296), challenge))
  })

  // 7 Health information error correction; and appeal, which has the longer deadline and the same effect
  for (const kind of ['correction', 'appeal'] as const)
    router.post(`/health/${kind}s`, async (request, response) => {
      const subject = await deps.authenticate(request)
      const body = readJson(request)
      const { contested } = body
      if (!isTexts(contested)) throw new CtidError('ERR_HEALTH_APPEAL', { detail: 'contested' })
      response
        .status(201)
        .json(await authority.contest(subject, { kind, contested, statement: text(body, 'statement', 2000) }))
    })
  router.get('/health/appeals', async (request, response) => {
    response.json(await authority.appealsOf(await deps.authenticate(request)))
  })
  router.post('/health/appeals/:id/decision', async (request, response) => {
    await deps.authorise(request, 'appeals')
    const { outcome } = readJson(request)
    if (outcome !== 'upheld' && outcome !== 'dismissed')
      throw new CtidError('ERR_HEALTH_APPEAL', { detail: 'outcome' })
    response.json(await authority.decide(request.params.id, outcome))
  })

  // A certificate of one's own, as scanned, with one's own credential beside it that says the same name
  router.post('/health/certificates', async (request, response) => {
    const subject = await deps.authenticate(request)
    const body = readJson(request, { maxLength: 262_144 })
    const { codes } = body
    if (!isTexts(codes)) throw new CtidError('ERR_HEALTH_CERTIFICATE')
    const presentation = body['presentation'] === undefined ? '' : text(body, 'presentation', 65_536)
    const evidence = await authority.importCertificate(subject, codes, presentation)
    response.status(201).json({
      evidence: evidence.map(({ commitment, class: name, at }) => ({ commitment, class: name, at })),
    })
  })

  // Sources push evidence; the signature is the authorisation
  router.post('/health/evidence', async (request, response) => {
    const { commitment } = await authority.submitEvidence(text(readJson(request), 'evidence', 8192))
    response.status(201).json({ commitment })
  })

  // Public: rules, sources, demands, recognition
  const { ruleSet } = authority
  const hash = ruleSetHash(ruleSet)
  router.get(
    '/health/rules',
    (_request, response) =>
      void response.set('Cache-Control', 'public, max-age=3600').json({ hash, ruleSet }),
  )
  router.get(
    '/health/sources',
    (_request, response) =>
      void response.set('Cache-Control', 'public, max-age=3600').json(authority.register),
  )
  router.get('/health/demands', (_request, response) => void response.json(deps.demands))
  router.get('/health/recognition', (_request, response) => void response.json(deps.recognition))

  // The auditor
  router.get('/health/audit', async (request, response) => {
    await deps.authorise(request, 'auditor')
    response.json(await authority.auditBundle())
  })
  return router
}

function findProfile(demands: PublishedDemands, id: string): VerifierProfile {
  const profile = demands.profiles.find((one) => one.id === id)
  if (!profile) throw new CtidError('ERR_HEALTH_DEMAND')
  return profile
}

function text(body: JsonObject, name: string, maxLength: number): string {
  const value = body[name]
  if (typeof value !== 'string' || value === '' || value.length > maxLength)
    throw new CtidError('ERR_HEALTH_EVIDENCE', { detail: name })
  return value
}

function bytes(value: string): Uint8Array {
  try {
    return fromBase64url(value)
  } catch {
    throw new CtidError('ERR_HTTP_BAD_REQUEST', { detail: 'challenge' })
  }
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= 64 &&
    value.every((one) => typeof one === 'string')
  )
}
