// The town's doors for everybody's wallets: OpenID4VCI for copies of residents' files, OpenID4VP for three questions.
import express, { type Request, type Response, type Router } from 'express'
import { type Clock, CtidError, isCtidError, type JsonObject, type RandomBytes } from '#ctid/base'
import { CTID_FILE, ORGANISATION_FILE } from '#ctid/credential'
import type { Deployment } from '#ctid/deployment'
import { offerShelf, openidIssuerRouter, openidVerifierRouter, readJson, safeHeaders } from '#ctid/http'
import {
  configurationOf,
  createIssuerSessions,
  createOffer,
  createSessions,
  DEFAULT_ISSUER_POLICY,
  type IssuerDeps,
  offerLink,
  offerReference,
  type VerifierDeps,
  type VerifierSession,
} from '#ctid/openid'
import { createStatusChecker } from '#ctid/status'
import { chainResolver, checkChain, DOCUMENT_SIGNING } from '../../src/trust/node.ts'
import type { EnrolledPerson, Issuing } from './issuing.ts'
import { residents } from './town.ts'

export type OpenProtocolsOptions = {
  readonly deployment: Deployment
  readonly issuing: Issuing
  /** Address of the town, without a slash at the end. */
  readonly baseUrl: string
  readonly clock: Clock
  readonly random: RandomBytes
}

const PATH = '/open'
const PROFILES = { 'ctid-file': CTID_FILE, 'organisation-file': ORGANISATION_FILE } as const
type Offered = keyof typeof PROFILES

/** Issuer under `/open`, verifier under `/openid4vp`, and `POST /open/offers` for the page. */
export async function openProtocols(options: OpenProtocolsOptions): Promise<Router> {
  const router = express.Router()
  router.use([PATH, '/openid4vp', '/.well-known'], safeHeaders)
  const issuer = issuerOf(options, await subjectsOf(options.deployment))
  const offers = offerShelf(issuer)
  router.post(`${PATH}/offers`, (request: Request, response: Response) => {
    const { credential, tx_code: withTxCode } = readJson(request)
    if (!isOffered(credential)) throw new CtidError('ERR_OPENID_CONFIGURATION')
    const { offer, txCode } = createOffer(issuer, {
      subject: credential,
      configurationIds: [credential],
      withTxCode: withTxCode === true,
    })
    response.status(201).json({
      credential_offer: offerLink(offer),
      credential_offer_uri: offerReference(offers.put(offer)),
      ...(txCode === undefined ? {} : { tx_code: txCode }),
    })
  })
  router.use(openidIssuerRouter(issuer, { developmentLogin: async () => [], offers }))
  router.use(openidVerifierRouter(verifierOf(options), { presets: QUESTIONS }))
  return router
}

function isOffered(value: unknown): value is Offered {
  return typeof value === 'string' && Object.hasOwn(PROFILES, value)
}

// One resident and one company stand for all: whose file a real issuer hands out is what its login is for.
async function subjectsOf(deployment: Deployment): Promise<Readonly<Record<Offered, EnrolledPerson>>> {
  const everybody = residents()
  const enrolled = async (isCompany: boolean): Promise<EnrolledPerson> => {
    const record = everybody.find(({ documentType }) => (documentType === 'uscc') === isCompany)
    if (!record) throw new Error('nobody lives in the town')
    const { entry } = await deployment.enrol(record)
    const { expiresAt } = entry
    return { entry: entry.id, record, ...(expiresAt === undefined ? {} : { expiresAt }) }
  }
  return { 'ctid-file': await enrolled(false), 'organisation-file': await enrolled(true) }
}

function issuerOf(
  { deployment, issuing, baseUrl, clock, random }: OpenProtocolsOptions,
  subjects: Readonly<Record<Offered, EnrolledPerson>>,
): IssuerDeps {
  const { pki } = deployment.keyring
  return {
    clock,
    random,
    baseUrl: `${baseUrl}${PATH}`,
    name: { en: 'CTID town', zh: 'CTID 小镇' },
    configurations: Object.entries(PROFILES).map(([id, profile]) => configurationOf(profile, id)),
    policy: DEFAULT_ISSUER_POLICY,
    sessions: createIssuerSessions(clock),
    resolveAttester: chainResolver({ anchors: () => [pki.anchorPem] }),
    async issue({ subject, holderKeys }) {
      if (!isOffered(subject)) return { state: 'denied' }
      try {
        const copies = await issuing.copies(subjects[subject], holderKeys)
        return { state: 'issued', credentials: copies.flatMap(({ credential }) => credential ?? []) }
      } catch (error) {
        // Frozen, revoked, expired: the wallet is told that it gets nothing, and not why.
        if (isCtidError(error) && error.code.startsWith('ERR_ISSUER_')) return { state: 'denied' }
        throw error
      }
    },
  }
}

const ask = (vct: string, claims: readonly JsonObject[]) => ({
  query: { credentials: [{ id: 'file', format: 'dc+sd-jwt', meta: { vct_values: [vct] }, claims }] },
})
const QUESTIONS = {
  age: ask(CTID_FILE.vct, [{ path: ['age_equal_or_over', '18'], values: [true] }]),
  name: ask(CTID_FILE.vct, [{ path: ['name'] }, { path: ['birthdate'] }]),
  organisation: ask(ORGANISATION_FILE.vct, [{ path: ['legal_name'] }]),
}

function verifierOf({ deployment, baseUrl, clock, random }: OpenProtocolsOptions): VerifierDeps {
  const { pki } = deployment.keyring
  const anchors = [pki.anchorPem]
  const key = pki.parties.verifier
  // The lists are published next door; a verifier elsewhere would fetch them from their address.
  const fetchToken = async (uri: string) => {
    const list = await deployment.statusPublisher.token(Number(uri.slice(uri.lastIndexOf('/') + 1)))
    if (!list) throw new CtidError('ERR_STATUS_UNAVAILABLE')
    return list.token
  }
  return {
    clock,
    random,
    baseUrl,
    key,
    certificate: checkChain(key.x5c, { anchors, now: clock() }),
    credentialPolicy: {
      resolveIssuer: chainResolver({ anchors: () => anchors, acceptedUsages: [DOCUMENT_SIGNING] }),
      checkStatus: createStatusChecker({ fetchToken, clock }).check,
    },
    sessions: createSessions<VerifierSession>({ clock }),
  }
}
