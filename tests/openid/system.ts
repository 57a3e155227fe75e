// An issuer and a verifier over HTTP on this machine, with a development PKI, for the tests of this folder.
import { randomBytes } from 'node:crypto'
import { type Clock, HOUR, systemClock } from '#ctid/base'
import { issueCredential } from '#ctid/credential'
import { importVerifyKey } from '#ctid/crypto'
import { createApp, type Listening, listen } from '#ctid/http'
import {
  createIssuerSessions,
  createSessions,
  DEFAULT_ISSUER_POLICY,
  type IssueOutcome,
  type IssuerDeps,
  type IssuerPolicy,
  type VerifierDeps,
  type VerifierSession,
} from '#ctid/openid'
import { createStatusChecker } from '#ctid/status'
import { type LogRequirement, receiptCheck } from '#ctid/transparency'
import { oauthErrors } from '../../src/http/oauth.ts'
import { openidIssuerRouter } from '../../src/http/openid-issuer.ts'
import { openidVerifierRouter } from '../../src/http/openid-verifier.ts'
import type { CertifiedKey, DevelopmentPki } from '../../src/trust/node.ts'
import { chainResolver, checkChain, createDevelopmentPki, DOCUMENT_SIGNING } from '../../src/trust/node.ts'

export const VCT = 'https://ctid.example/credentials/ctid-file/1'
export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

export type System = {
  readonly pki: DevelopmentPki
  readonly issuer: IssuerDeps
  readonly verifier: VerifierDeps
  readonly url: string
  readonly notifications: string[]
  /** Unexpected errors: there must never be one. */
  readonly internal: unknown[]
  /** Makers of wallets, whose attestations the issuer believes. */
  readonly wallets: DevelopmentPki
  /** What the issuing function answers next instead of issuing. */
  readonly answers: IssueOutcome[]
  /** Status list tokens that can be fetched, by address. */
  readonly statusTokens: Map<string, string>
  resolveVerifier: Parameters<typeof import('#ctid/openid').presentTo>[1]['resolveVerifier']
  close(): Promise<void>
}

/** Starts issuer (under the path /issuer) and verifier on one port. */
export async function startSystem(
  options: {
    readonly policy?: Partial<IssuerPolicy>
    readonly clock?: Clock
    /** The log that the verifier requires. */
    readonly log?: LogRequirement
  } = {},
): Promise<System> {
  const clock = options.clock ?? systemClock
  const port = await freePort()
  const url = `http://localhost:${port}`
  const pki = await createDevelopmentPki({ now: clock(), random, baseUrl: url })
  const wallets = await createDevelopmentPki({ now: clock(), random, baseUrl: url })
  const anchors = () => [pki.anchorPem]
  const notifications: string[] = []
  const internal: unknown[] = []
  const answers: IssueOutcome[] = []
  const issuer: IssuerDeps = {
    clock,
    random,
    baseUrl: `${url}/issuer`,
    name: { en: 'Town registry', zh: '镇登记处' },
    configurations: [
      {
        id: 'ctid-file',
        vct: VCT,
        scope: 'ctid_file',
        name: { en: 'CTID file', zh: '网络可信身份凭证' },
        claims: [{ path: ['name'], name: { en: 'Name', zh: '姓名' } }],
      },
      { id: 'other-file', vct: `${VCT}0`, scope: 'other_file', name: { en: 'Other file' }, claims: [] },
    ],
    issue: async ({ holderKeys, subject }) =>
      answers.shift() ?? {
        state: 'issued',
        credentials: await Promise.all(
          holderKeys.map((holderKey) => issueTo(pki.parties.issuer, holderKey, subject, clock())),
        ),
      },
    policy: { ...DEFAULT_ISSUER_POLICY, ...options.policy },
    sessions: createIssuerSessions(clock),
    resolveAttester: chainResolver({ anchors: () => [wallets.anchorPem] }),
    onNotification: (event) => void notifications.push(event),
  }
  const statusTokens = new Map<string, string>()
  const status = createStatusChecker({
    clock,
    fetchToken: async (uri) => statusTokens.get(uri) ?? Promise.reject(new Error('unreachable')),
  })
  const certificate = checkChain(pki.parties.verifier.x5c, { anchors: anchors(), now: clock() })
  const verifier: VerifierDeps = {
    clock,
    random,
    baseUrl: url,
    key: pki.parties.verifier,
    certificate,
    credentialPolicy: {
      resolveIssuer: chainResolver({ anchors, acceptedUsages: [DOCUMENT_SIGNING] }),
      checkStatus: status.check,
      issuedAheadSeconds: 60,
      ...(options.log ? { checkReceipt: receiptCheck(options.log, clock) } : {}),
    },
    sessions: createSessions<VerifierSession>({ clock }),
  }
  const app = createApp({
    maxBodyBytes: 300_000,
    routers: [
      openidIssuerRouter(issuer, {
        developmentLogin: async () => [{ id: 'person-1', label: 'Person 1 <script>' }],
      }),
      openidVerifierRouter(verifier),
    ],
    errorForm: oauthErrors,
    onInternal: (error) => internal.push(error),
  })
  const listening: Listening = await listen(app, { port, host: 'localhost' })
  return {
    pki,
    issuer,
    verifier,
    url,
    notifications,
    internal,
    wallets,
    answers,
    statusTokens,
    resolveVerifier: async (header, now) => {
      const chain = checkChain(header['x5c'], { anchors: anchors(), now })
      return { ...chain, verifyKey: await importVerifyKey(chain.publicJwk), name: chain.subject }
    },
    close: () => listening.close(),
  }
}

async function issueTo(
  key: CertifiedKey,
  holderKey: Parameters<IssuerDeps['issue']>[0]['holderKeys'][number],
  subject: string,
  now: number,
): Promise<string> {
  const claims = {
    vct: VCT,
    iat: now - (now % HOUR),
    exp: now + 24 * HOUR,
    name: `Name of ${subject}`,
    birthdate: '1984-12-31',
    age_equal_or_over: { '18': true, '65': false },
  }
  return issueCredential(
    claims,
    { signer: key.signer, x5c: key.x5c },
    {
      holderKey,
      random,
      disclosable: [['name'], ['birthdate'], ['age_equal_or_over', '18'], ['age_equal_or_over', '65']],
    },
  )
}

async function freePort(): Promise<number> {
  const probe = await listen(createApp({ routers: [] }), { host: 'localhost' })
  await probe.close()
  return probe.port
}
