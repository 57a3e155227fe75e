// The HAIP switch: what it demands of issuer and verifier, and that its report says what is missing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#ctid/base'
import { generateSigner } from '#ctid/crypto'
import {
  createLoginOffer,
  createSessions,
  haipIssuerReport,
  haipVerifierReport,
  offerLink,
  type ReceiveOptions,
  receiveCredentials,
  startRequest,
  type VerifierDeps,
  type VerifierSession,
} from '#ctid/openid'
import { signJws } from '#ctid/trust'
import { random, type System, startSystem, VCT } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ policy: { dpopNonce: true, requireClientAttestation: true } })
})
afterAll(() => system.close())

const unmet = (checks: readonly { readonly requirement: string; readonly met: boolean }[]) =>
  checks.filter(({ met }) => !met).map(({ requirement }) => requirement)

async function receive(clientAttestation?: ReceiveOptions['clientAttestation']) {
  return receiveCredentials(offerLink(createLoginOffer(system.issuer, ['ctid-file'])), {
    fetch,
    clock: systemClock,
    random,
    dpopKey: await generateSigner(),
    createKey: generateSigner,
    clientId: 'wallet-1',
    ...(clientAttestation === undefined ? {} : { clientAttestation }),
    authorize: async (url) => {
      const page = await (await fetch(url)).text()
      const transaction = /name="transaction" value="([^"]+)"/.exec(page)?.[1] ?? ''
      const body = new URLSearchParams({ transaction, subject: 'person-1', decision: 'approve' })
      const init = { method: 'POST', redirect: 'manual', body } as const
      return (await fetch(`${system.issuer.baseUrl}/authorize`, init)).headers.get('location') ?? ''
    },
  })
}

describe('an issuer under HAIP', () => {
  it('issues to an attested wallet by code, with nonces in every DPoP proof, and to no other', async () => {
    const key = await generateSigner()
    const { signer, x5c } = system.wallets.parties.issuer
    const now = systemClock()
    const jwt = await signJws(
      {
        iss: 'https://maker.example',
        sub: 'wallet-1',
        iat: now,
        exp: now + 600,
        cnf: { jwk: key.publicJwk },
      },
      signer,
      { typ: 'oauth-client-attestation+jwt', header: { x5c } },
    )
    expect((await receive({ jwt, key })).credentials).toHaveLength(1)
    await expect(receive()).rejects.toThrow(/invalid_client/)
  })

  it('reports what it lacks: here only TLS, and with a lax policy what the policy lets pass', () => {
    const { x5c } = system.pki.parties.issuer
    expect(unmet(haipIssuerReport(system.issuer, x5c))).toEqual(['addresses use TLS'])
    const lax = {
      ...system.issuer,
      policy: { ...system.issuer.policy, requireDpop: false, requireClientAttestation: false },
    }
    expect(unmet(haipIssuerReport(lax, []))).toHaveLength(4)
  })
})

describe('a verifier under HAIP', () => {
  const query = { credentials: [{ id: 'a', format: 'dc+sd-jwt', meta: { vct_values: [VCT] } }] }
  const strict = (): VerifierDeps => ({
    ...system.verifier,
    profile: 'haip',
    sessions: createSessions<VerifierSession>({ clock: systemClock }),
  })

  it.each([
    ['in the clear', { responseMode: 'direct_post' }],
    ['by DNS name', { clientIdPrefix: 'x509_san_dns' }],
    ['unsigned', { clientIdPrefix: 'redirect_uri' }],
  ] as const)('does not ask %s', async (_name, options) => {
    await expect(startRequest(strict(), { query, ...options })).rejects.toThrow(/HAIP/)
  })

  it('reports what a request lacks', async () => {
    const deps = strict()
    const { id } = await startRequest(deps, { query, completionUri: 'own' })
    const { request } = deps.sessions.get(id) as VerifierSession
    const { x5c } = deps.key
    const baseUrl = 'https://verifier.example'
    expect(unmet(haipVerifierReport(request, { baseUrl, x5c, isSameDevice: true }))).toEqual([])
    expect(unmet(haipVerifierReport(request, { baseUrl, x5c, isSameDevice: false }))).toHaveLength(1)
  })
})
