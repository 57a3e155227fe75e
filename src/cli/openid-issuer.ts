// An OpenID4VCI issuer over a deployment with synthetic subjects: what `ctid issuer` serves.
import { Router } from 'express'
import { type Clock, CtidError, DAY, type JsonObject, type RandomBytes } from '../base/index.ts'
import {
  BUSINESS_LICENCE,
  type CredentialProfile,
  CTID_FILE,
  ORGANISATION_FILE,
} from '../credential/index.ts'
import type { Deployment } from '../deployment/index.ts'
import {
  derive,
  HEALTH_STATUS,
  recordDerivation,
  statusClaims,
  statusCodeClaim,
  statusValidity,
  teachingEdition,
} from '../health/index.ts'
import { issuerStatusRouter, readJson } from '../http/index.ts'
import { type OfferShelf, offerShelf, openidIssuerRouter } from '../http/openid-issuer.ts'
import { type LegalRecord, syntheticCompanies, syntheticPeople } from '../identity/index.ts'
import {
  type IssuerDeps as CopyDeps,
  type CopyRequest,
  createStatusPublisher,
  issueCopies,
  setCopyState,
} from '../issuer/index.ts'
import {
  configurationOf,
  createIssuerSessions,
  createLoginOffer,
  createOffer,
  DEFAULT_ISSUER_POLICY,
  type IssuerDeps,
  type IssuerPolicy,
  offerDocument,
  offerLink,
  offerReference,
} from '../openid/index.ts'
import { credentialSubject } from '../registrar/index.ts'
import type { Entry } from '../registry/index.ts'
import { signTrustList } from '../trust/index.ts'
import { type CertifiedKey, chainResolver, checkChain } from '../trust/node.ts'
import { type Anchors, anchorsRouter } from './anchors.ts'

export type OpenidIssuerSetting = {
  readonly baseUrl: string
  readonly clock: Clock
  readonly random: RandomBytes
  /** Signs credentials and status lists. */
  readonly key: CertifiedKey
  readonly anchorPem: string | undefined
  /** Makers of wallets whose attestations count. */
  readonly walletAnchors: Anchors
  readonly policy: Partial<IssuerPolicy>
  /** Configurations whose credentials a registrar looks at for some seconds first. */
  readonly deferred: readonly string[]
  /** Whether anybody may make offers, change states and add anchors: for development. */
  readonly isDevelopment: boolean
  /** How long verifiers may keep a status list. */
  readonly statusTtlSeconds: number
}

export type OpenidIssuer = {
  readonly deps: IssuerDeps
  readonly routers: readonly Router[]
  makeOffer(options?: OfferOptions): Offer
}

export type OfferOptions = {
  readonly subject?: string | undefined
  readonly configurationIds?: readonly string[] | undefined
  readonly withTxCode?: boolean
  /** By login instead of a pre-authorised code. */
  readonly byLogin?: boolean
}

/** An offer in all its forms: the link with everything in it, the short link, and the document itself. */
export type Offer = {
  readonly credential_offer: string
  readonly credential_offer_uri: string
  readonly credential_offer_object: JsonObject
  readonly tx_code?: string
}

type Subject = {
  readonly id: string
  readonly label: string
  readonly record: LegalRecord
  readonly entry: Entry
}

const REGISTRAR_SECONDS = 3
const PROFILES: Readonly<Record<string, CredentialProfile>> = {
  'ctid-file': CTID_FILE,
  'organisation-file': ORGANISATION_FILE,
  'business-licence': BUSINESS_LICENCE,
  'health-status': HEALTH_STATUS,
}
const FOR_ORGANISATIONS = ['organisation-file', 'business-licence']

/** Enrols the synthetic subjects and wires the issuer. */
export async function openOpenidIssuer(
  deployment: Deployment,
  setting: OpenidIssuerSetting,
): Promise<OpenidIssuer> {
  const { baseUrl, clock, random, key, anchorPem, walletAnchors, isDevelopment } = setting
  const subjects = await enrolSubjects(deployment)
  const copies: CopyDeps = { ...deployment.issuer, key, issuerId: issuerIdOf(setting) }
  const publisher = createStatusPublisher({
    ledger: copies.ledger,
    key,
    statusListBase: copies.statusListBase,
    clock,
    ttlSeconds: setting.statusTtlSeconds,
  })
  const requestedAt = new Map<string, number>()
  const deps: IssuerDeps = {
    clock,
    random,
    baseUrl,
    name: { en: 'CTID development issuer', zh: 'CTID 开发环境签发机构' },
    configurations: Object.entries(PROFILES).map(([id, profile]) => configurationOf(profile, id)),
    policy: { ...DEFAULT_ISSUER_POLICY, ...setting.policy },
    sessions: createIssuerSessions(clock),
    resolveAttester: chainResolver({ anchors: walletAnchors.list }),
    async issue({ subject, configuration, holderKeys, transaction }) {
      const found = subjects.find(({ id }) => id === subject)
      if (!found || isOrganisation(found) !== FOR_ORGANISATIONS.includes(configuration.id)) {
        return { state: 'denied' }
      }
      if (setting.deferred.includes(configuration.id)) {
        const since = requestedAt.get(transaction) ?? clock()
        requestedAt.set(transaction, since)
        if (clock() < since + REGISTRAR_SECONDS) return { state: 'pending', retrySeconds: REGISTRAR_SECONDS }
        requestedAt.delete(transaction)
      }
      const request = copyRequest(found, configuration.id, { now: clock(), random })
      try {
        const issued = await issueCopies(request, holderKeys, copies)
        return { state: 'issued', credentials: issued.map(({ credential }) => credential) }
      } catch (error) {
        // Frozen, revoked or with an expired document: the wallet is told that, and not more.
        if (error instanceof CtidError && error.code.startsWith('ERR_ISSUER_')) return { state: 'denied' }
        throw error
      }
    },
  }
  const shelf = offerShelf(deps)
  const makeOffer = (options: OfferOptions = {}) => offerOf(deps, shelf, subjects, options)
  return {
    deps,
    makeOffer,
    routers: [
      openidIssuerRouter(deps, { developmentLogin: async () => subjects, offers: shelf }),
      issuerStatusRouter({
        publisher,
        trustList: () => trustListOf(deployment, setting),
        ...(anchorPem === undefined ? {} : { anchorPem }),
      }),
      anchorsRouter(walletAnchors, { isOpen: isDevelopment }),
      ...(isDevelopment
        ? [developmentRouter({ makeOffer, subjects, copies, changed: publisher.changed })]
        : []),
    ],
  }
}

// `iss` must be an https address that the certificate names; without it the chain alone says who issued.
function issuerIdOf({ baseUrl, key, anchorPem, clock }: OpenidIssuerSetting): string {
  if (!baseUrl.startsWith('https://') || anchorPem === undefined) return 'urn:ctid:issuer'
  const { dnsNames, uris } = checkChain(key.x5c, { anchors: [anchorPem], now: clock() })
  const isNamed = uris.includes(baseUrl) || dnsNames.includes(new URL(baseUrl).hostname)
  return isNamed ? baseUrl : 'urn:ctid:issuer'
}

async function enrolSubjects(deployment: Deployment): Promise<readonly Subject[]> {
  const seed = 'openid'
  const people = syntheticPeople({ seed, count: 5 })
  const companies = syntheticCompanies({ seed, count: 3 })
  const subjects: Subject[] = []
  for (const [kind, records] of [
    ['person', people],
    ['organisation', companies],
  ] as const) {
    for (const [i, record] of records.entries()) {
      const { entry } = await deployment.enrol(record)
      subjects.push({ id: `${kind}-${i + 1}`, label: record.name, record, entry })
    }
  }
  return subjects
}

function isOrganisation({ record }: Subject): boolean {
  return record.documentType === 'uscc'
}

function copyRequest(
  { record, entry }: Subject,
  configuration: string,
  { now, random }: { readonly now: number; readonly random: RandomBytes },
): CopyRequest {
  const { profile, subject, kind } = credentialSubject(record, { now })
  const assurance = 'substantial'
  const shared = {
    subjectId: entry.id,
    ...(entry.expiresAt === undefined ? {} : { documentExpiresAt: entry.expiresAt }),
  }
  if (configuration === 'business-licence') {
    return {
      ...shared,
      profile: BUSINESS_LICENCE,
      subject: licenceOf(record),
      attestation: { kind, assurance },
    }
  }
  if (configuration === 'health-status') {
    // Nobody has sent evidence here, so what follows from the rules is "undetermined", and that is what is stated.
    const status = derive([], teachingEdition(now), now)
    return {
      subjectId: entry.id,
      profile: HEALTH_STATUS,
      subject: statusClaims(status, recordDerivation(status, random)),
      attestation: { kind: 'health', assurance, health: statusCodeClaim(status) },
      validity: statusValidity(status),
    }
  }
  return { ...shared, profile, subject, attestation: { kind, assurance } }
}

function licenceOf({ name, documentNumber }: LegalRecord): JsonObject {
  return {
    unified_social_credit_code: documentNumber,
    legal_name: name,
    organisation_type: '有限责任公司',
    established: '2020-01-02',
    region: documentNumber.slice(2, 8),
    registration_authority: '市场监督管理局（开发环境）',
  }
}

function offerOf(
  deps: IssuerDeps,
  shelf: OfferShelf,
  subjects: readonly Subject[],
  options: OfferOptions,
): Offer {
  const { configurationIds = ['ctid-file'], withTxCode = false, byLogin = false } = options
  const wanted = FOR_ORGANISATIONS.includes(configurationIds[0] ?? '')
  const subject = options.subject ?? subjects.find((one) => isOrganisation(one) === wanted)?.id ?? ''
  if (!subjects.some(({ id }) => id === subject))
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'subject' })
  const { offer, txCode } = byLogin
    ? { offer: createLoginOffer(deps, configurationIds), txCode: undefined }
    : createOffer(deps, { subject, configurationIds, withTxCode })
  return {
    credential_offer: offerLink(offer),
    credential_offer_uri: offerReference(shelf.put(offer)),
    credential_offer_object: offerDocument(offer),
    ...(txCode === undefined ? {} : { tx_code: txCode }),
  }
}

type Development = {
  readonly makeOffer: (options: OfferOptions) => Offer
  readonly subjects: readonly Subject[]
  readonly copies: CopyDeps
  readonly changed: () => void
}

// What a desk would do, without a desk: make offers, freeze and revoke.
function developmentRouter({ makeOffer, subjects, copies, changed }: Development): Router {
  const router = Router()
  router.post('/offers', (request, response) => {
    const body = request.get('content-type') === undefined ? {} : readJson(request)
    const { subject, credential_configuration_ids: ids, tx_code: withTxCode, grant } = body
    const isList = ids === undefined || (Array.isArray(ids) && ids.every((id) => typeof id === 'string'))
    const isText = subject === undefined || typeof subject === 'string'
    if (!isList || !isText) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'offer' })
    const offer = makeOffer({
      subject,
      configurationIds: ids as readonly string[] | undefined,
      withTxCode: withTxCode === true,
      byLogin: grant === 'authorization_code',
    })
    response.status(201).json(offer)
  })
  router.get('/subjects', (_request, response) => {
    response.json({
      subjects: subjects.map(({ id, record }) => ({ id, document_type: record.documentType })),
    })
  })
  router.post('/subjects/:id/state', async (request, response) => {
    const subject = subjects.find(({ id }) => id === request.params.id)
    const { state } = readJson(request)
    if (!subject) throw new CtidError('ERR_HTTP_NOT_FOUND')
    if (state !== 'valid' && state !== 'suspended' && state !== 'revoked') {
      throw new CtidError('ERR_OPENID_REQUEST', { detail: 'state: valid, suspended or revoked' })
    }
    const count = await setCopyState(subject.entry.id, state, copies)
    changed()
    response.json({ subject: subject.id, state, copies: count })
  })
  return router
}

function trustListOf({ keyring }: Deployment, { baseUrl, key, clock }: OpenidIssuerSetting): Promise<string> {
  const now = clock()
  const { signer, kid, x5c } = key
  const list = {
    version: now,
    issuedAt: now,
    expiresAt: now + 7 * DAY,
    issuers: [
      {
        id: baseUrl,
        name: { en: 'CTID development issuer', zh: 'CTID 开发环境签发机构' },
        region: 'CN',
        purposes: ['identity', 'organisation', 'health'] as const,
        keys: [{ kid, jwk: signer.publicJwk, x5c, notBefore: 0, notAfter: now + 365 * DAY }],
        statusListBase: `${baseUrl}/status/`,
      },
    ],
    recognition: [],
  }
  return signTrustList(list, keyring.pki.parties.rules.signer)
}
