// The issuer: copies and paper forms for enrolled persons, status lists, and the signed trust list that names it.
import express, { type Router } from 'express'
import { type Clock, CtidError, DAY, framed, type RandomBytes } from '#ctid/base'
import {
  asProvenKey,
  CTID_FILE,
  type CtidFileSubject,
  ctidFileClaims,
  type IssuerKey,
  ORGANISATION_FILE,
  organisationClaims,
  type ProvenKey,
} from '#ctid/credential'
import { generateSigner, type Signer, sha256 } from '#ctid/crypto'
import type { LegalRecord } from '#ctid/identity'
import {
  type CopyRequest,
  createStatusPublisher,
  type IssuerDeps,
  issueCopies,
  issuerMigrations,
  setCopyState,
  storeLedger,
} from '#ctid/issuer'
import { makeAttestation, parseAttestation } from '#ctid/qr'
import type { Entry, State } from '#ctid/registry'
import { STATUS_LIST_MEDIA_TYPE } from '#ctid/status'
import { migrate, type Store } from '#ctid/store'
import { signTrustList, type TrustList } from '#ctid/trust'
import type { IssuedCopy } from '#ctid/wallet'

/** Entries per status list: small enough for a demo on a laptop, large enough to hide in. */
const LIST_SIZE = 131_072

export type IssuingDeps = {
  readonly store: Store
  readonly key: Required<IssuerKey>
  readonly linkKey: Uint8Array
  readonly publisher: Signer
  readonly baseUrl: string
  readonly clock: Clock
  readonly random: RandomBytes
}

/** An enrolled person as the issuer is told of it: a name of the entry that no rotation changes, not the token. */
export type Enrolled = {
  readonly entry: Uint8Array
  readonly record: LegalRecord
  readonly expiresAt?: number
}

export type Issuing = {
  copies(person: Enrolled, keys: readonly ProvenKey[]): Promise<readonly IssuedCopy[]>
  /** The attestation of a paper form: no holder key, low assurance. */
  paper(person: Enrolled): Promise<Uint8Array>
  /** Brings the status of all copies into line with the registry. */
  follow(entry: Uint8Array, state: State): Promise<void>
  /** What every verifier fetches. */
  readonly router: Router
}

export async function openIssuing(deps: IssuingDeps): Promise<Issuing> {
  const { store, key, baseUrl, clock, random } = deps
  await migrate(store, [issuerMigrations])
  const ledger = storeLedger(store, { random, listSize: LIST_SIZE })
  const statusListBase = `${baseUrl}/status/`
  const issuer: IssuerDeps = {
    key,
    issuerId: `${baseUrl}/issuer`,
    statusListBase,
    ledger,
    linkKey: deps.linkKey,
    clock,
    random,
  }
  const publisher = createStatusPublisher({
    ledger,
    key,
    statusListBase,
    clock,
    listSize: LIST_SIZE,
    ttlSeconds: 60,
  })
  const referenceOf = (entry: Uint8Array) => sha256(framed('CTID demo issuer reference v1', entry))
  const requestFor = ({ entry, record, expiresAt }: Enrolled): CopyRequest => ({
    token: referenceOf(entry),
    ...subjectOf(record, clock()),
    ...(expiresAt === undefined ? {} : { documentExpiresAt: expiresAt }),
  })

  const router = express.Router()
  router.get('/lists', async (_request, response) => {
    const newest = await ledger.newestList()
    response.json({
      publisher: deps.publisher.publicJwk,
      trust: '/trust-list',
      status: Array.from({ length: newest + 1 }, (_, list) => ({
        uri: `${statusListBase}${list}`,
        path: `/status/${list}`,
      })),
    })
  })
  router.get('/trust-list', async (_request, response) => {
    response
      .type('application/trustlist+jwt')
      .send(await signTrustList(trustList(deps, statusListBase), deps.publisher))
  })
  router.get('/status/:list', async (request, response) => {
    const published = await publisher.token(Number(request.params['list']))
    if (!published) throw new CtidError('ERR_HTTP_NOT_FOUND')
    response.type(STATUS_LIST_MEDIA_TYPE).send(published.token)
  })

  return {
    copies: async (person, keys) => {
      const issued = await issueCopies(requestFor(person), keys, issuer)
      return issued.map(({ attestation, credential }) => ({ attestation, credential }))
    },
    paper: async (person) => {
      // A copy for a key that is dropped at once gives the form its place in the status list and its validity.
      const { publicJwk } = await generateSigner()
      const [copy] = await issueCopies(requestFor(person), [asProvenKey(publicJwk)], issuer)
      if (!copy) throw new CtidError('ERR_ISSUER_BATCH')
      const { kind, issuedAt, expiresAt } = parseAttestation(copy.attestation)
      return makeAttestation(
        { handle: random(16), kind, issuedAt, expiresAt, status: copy.status, assurance: 'low' },
        key.signer,
      )
    },
    follow: async (entry, state) => {
      await setCopyState(referenceOf(entry), copyStateOf(state), issuer)
      publisher.changed()
    },
    router,
  }
}

function copyStateOf(state: Entry['state']): 'valid' | 'suspended' | 'revoked' {
  if (state === 'frozen') return 'suspended'
  return state === 'active' || state === 'expired' ? 'valid' : 'revoked'
}

function subjectOf(
  record: LegalRecord,
  now: number,
): Pick<CopyRequest, 'profile' | 'subject' | 'attestation'> {
  if (record.documentType === 'uscc') {
    return {
      profile: ORGANISATION_FILE,
      subject: organisationClaims(ORGANISATION_FILE, {
        document_type: 'uscc',
        issuing_state: record.issuingState,
        legal_name: record.name,
        unified_social_credit_code: record.documentNumber,
      }),
      attestation: { kind: 'organisation', assurance: 'substantial' },
    }
  }
  const { documentType, issuingState, name, birthDate, sex, validUntil } = record
  if (birthDate === undefined) throw new CtidError('ERR_IDENTITY_RECORD', { detail: 'birthDate' })
  const subject: CtidFileSubject = {
    documentType,
    issuingState,
    name,
    birthDate,
    ...(sex === undefined ? {} : { sex: sex === 'M' ? 1 : sex === 'F' ? 2 : 9 }),
    ...(validUntil === undefined ? {} : { documentExpiry: validUntil }),
  }
  return {
    profile: CTID_FILE,
    subject: ctidFileClaims(subject, { now }),
    attestation: { kind: 'person', assurance: 'substantial' },
  }
}

function trustList({ key, baseUrl, clock }: IssuingDeps, statusListBase: string): TrustList {
  const now = clock()
  const today = now - (now % DAY)
  return {
    version: Math.floor(now / DAY),
    issuedAt: now,
    expiresAt: now + 30 * DAY,
    issuers: [
      {
        id: `${baseUrl}/issuer`,
        name: { en: 'Demo issuer', zh: '演示签发机构' },
        region: 'CN',
        purposes: ['identity', 'organisation'],
        statusListBase,
        keys: [
          {
            kid: key.kid,
            jwk: key.signer.publicJwk,
            x5c: key.x5c,
            notBefore: today - 30 * DAY,
            notAfter: today + 335 * DAY,
          },
        ],
      },
    ],
    recognition: [],
  }
}
