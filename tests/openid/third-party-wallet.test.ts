// An unmodified third-party wallet library: fetches credentials from our issuer and presents them to our verifier.

import { createHash, randomBytes } from 'node:crypto'
import {
  clientAuthenticationClientAttestationJwt,
  clientAuthenticationNone,
  type JwtSigner,
  type RequestDpopOptions,
} from '@openid4vc/oauth2'
import { Openid4vciClient, Openid4vciWalletProvider } from '@openid4vc/openid4vci'
import { Openid4vpClient } from '@openid4vc/openid4vp'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { DcqlQuery } from 'dcql'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#ctid/base'
import { generateSigner } from '#ctid/crypto'
import { createLoginOffer, createOffer, offerLink } from '#ctid/openid'
import { signJws } from '#ctid/trust'
import { type System, startSystem, VCT } from './system.ts'
import { callbacks, jwkSigner, type KeyPair } from './third-party.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(async () => {
  expect(system.internal).toEqual([])
  await system.close()
})

const keyPair = async (): Promise<KeyPair & Awaited<ReturnType<typeof generateSigner>>> => {
  const signer = await generateSigner()
  return { ...signer, privateJwk: signer.privateJwk }
}

type ReceiveOptions = {
  readonly link?: string
  readonly txCode?: string
  readonly count?: number
  readonly proof?: 'jwt' | 'jwt+attestation' | 'attestation'
  readonly withWalletAttestation?: boolean
}

// One run of the library's own issuance functions, in the order its documentation gives.
async function receive(options: ReceiveOptions = {}) {
  const { count = 1, proof = 'jwt' } = options
  const [dpopKey, clientKey] = [await keyPair(), await keyPair()]
  const holders = await Promise.all(Array.from({ length: count }, keyPair))
  const base = callbacks([dpopKey, clientKey, ...holders])
  const maker = system.wallets.parties.issuer
  const makerSigner: JwtSigner = { method: 'x5c', alg: 'ES256', x5c: [...maker.x5c] }
  const provider = new Openid4vciWalletProvider({
    callbacks: {
      ...base,
      signJwt: async (_signer, { header, payload }) => {
        const { typ = '', alg: _alg, ...rest } = header
        const jwt = await signJws(payload as never, maker.signer, { typ, header: rest as never })
        return { jwt, signerJwk: maker.signer.publicJwk }
      },
    },
  })
  const attestationJwt = await provider.createWalletAttestationJwt({
    clientId: 'third-party-wallet',
    issuer: 'https://wallet.example',
    expiresAt: new Date(Date.now() + 600_000),
    confirmation: { jwk: { ...clientKey.publicJwk } },
    signer: makerSigner,
  })
  const client = new Openid4vciClient({
    callbacks: options.withWalletAttestation
      ? {
          ...base,
          clientAuthentication: clientAuthenticationClientAttestationJwt({
            clientAttestationJwt: attestationJwt,
            callbacks: base,
          }),
        }
      : base,
  })
  const link = options.link ?? offerLink(offer().offer)
  const credentialOffer = await client.resolveCredentialOffer(link)
  const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
  const token = await client.retrievePreAuthorizedCodeAccessTokenFromOffer({
    credentialOffer,
    issuerMetadata,
    dpop: { signer: jwkSigner(dpopKey) },
    ...(options.txCode === undefined ? {} : { txCode: options.txCode }),
  })
  const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata })
  const keyAttestation = await provider.createKeyAttestationJwt({
    attestedKeys: holders.map(({ publicJwk }) => ({ ...publicJwk })),
    signer: makerSigner,
    expiresAt: new Date(Date.now() + 600_000),
    nonce,
    use: proof === 'attestation' ? 'proof_type.attestation' : 'proof_type.jwt',
  })
  const credentialConfigurationId = 'ctid-file'
  const jwtProof = async (holder: KeyPair, keyAttestationJwt?: string) =>
    (
      await client.createCredentialRequestJwtProof({
        issuerMetadata,
        credentialConfigurationId,
        nonce,
        signer: jwkSigner(holder),
        ...(keyAttestationJwt === undefined ? {} : { keyAttestationJwt }),
      })
    ).jwt
  const proofs =
    proof === 'attestation'
      ? { attestation: [keyAttestation] as [string] }
      : proof === 'jwt+attestation'
        ? { jwt: [await jwtProof(holders[0] as KeyPair, keyAttestation)] as [string] }
        : { jwt: (await Promise.all(holders.map((holder) => jwtProof(holder)))) as [string, ...string[]] }
  const dpop: RequestDpopOptions = token.dpop ?? { signer: jwkSigner(dpopKey) }
  const accessToken = token.accessTokenResponse.access_token
  const answer = await client.retrieveCredentials({
    issuerMetadata,
    accessToken,
    credentialConfigurationId,
    proofs,
    dpop,
  })
  return {
    client,
    issuerMetadata,
    answer,
    holders,
    accessToken,
    dpop: (answer.dpop ?? dpop) as RequestDpopOptions,
  }
}

const offer = (withTxCode = false) =>
  createOffer(system.issuer, { subject: 'person-1', configurationIds: ['ctid-file'], withTxCode })

const credentialsOf = (answer: Awaited<ReturnType<typeof receive>>['answer']): string[] =>
  (answer.credentialResponse.credentials ?? []).map((one) => (one as { credential: string }).credential)

describe('a third-party wallet receives', () => {
  it('by pre-authorised code with DPoP, and tells us that it kept the credential', async () => {
    const { client, issuerMetadata, answer, accessToken, dpop } = await receive()
    expect(credentialsOf(answer)).toHaveLength(1)
    const notificationId = answer.credentialResponse.notification_id
    const before = system.notifications.length
    await client.sendNotification({
      issuerMetadata,
      accessToken,
      dpop,
      notification: { notificationId: notificationId as string, event: 'credential_accepted' },
    })
    expect(system.notifications.length).toBe(before + 1)
  })

  it('with a transaction code', async () => {
    const { offer: withCode, txCode } = offer(true)
    const { answer } = await receive({ link: offerLink(withCode), txCode: txCode ?? '' })
    expect(credentialsOf(answer)).toHaveLength(1)
  })

  it('a batch of five, each bound to its own key', async () => {
    const { answer } = await receive({ count: 5 })
    expect(new Set(credentialsOf(answer)).size).toBe(5)
  })

  it('with wallet attestation', async () => {
    const { answer } = await receive({ withWalletAttestation: true })
    expect(credentialsOf(answer)).toHaveLength(1)
  })

  it('with a key attestation inside the proof, for all keys that it attests', async () => {
    const { answer } = await receive({ count: 3, proof: 'jwt+attestation' })
    expect(credentialsOf(answer)).toHaveLength(3)
  })

  it('with proof type attestation', async () => {
    const { answer } = await receive({ count: 2, proof: 'attestation' })
    expect(credentialsOf(answer)).toHaveLength(2)
  })

  it('later, after a registrar has looked', async () => {
    system.answers.push({ state: 'pending', retrySeconds: 1 })
    const { client, issuerMetadata, answer, accessToken, dpop } = await receive()
    const { transaction_id: transactionId } = answer.credentialResponse
    const later = await client.retrieveDeferredCredentials({
      issuerMetadata,
      accessToken,
      dpop,
      transactionId: transactionId as string,
    })
    expect(later.deferredCredentialResponse.credentials).toHaveLength(1)
  })

  it('by authorization code, with a pushed request, PKCE, DPoP and a look at who answered', async () => {
    const [dpopKey, holder] = [await keyPair(), await keyPair()]
    const client = new Openid4vciClient({
      callbacks: callbacks([dpopKey, holder], {
        clientAuthentication: clientAuthenticationNone({ clientId: 'third-party-wallet' }),
      }),
    })
    const link = offerLink(createLoginOffer(system.issuer, ['ctid-file']))
    const credentialOffer = await client.resolveCredentialOffer(link)
    const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
    const redirectUri = 'https://wallet.example/callback'
    const started = await client.initiateAuthorization({
      credentialOffer,
      issuerMetadata,
      clientId: 'third-party-wallet',
      redirectUri,
      scope: 'ctid_file',
      state: 'state-1',
      dpop: { signer: jwkSigner(dpopKey) },
    })
    if (started.authorizationFlow !== 'Oauth2Redirect') throw new Error('flow')
    const page = await (await fetch(started.authorizationRequestUrl)).text()
    const transaction = /name="transaction" value="([^"]+)"/.exec(page)?.[1] ?? ''
    const decided = await fetch(`${system.url}/issuer/authorize`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ transaction, subject: 'person-1', decision: 'approve' }),
    })
    const authorizationServerMetadata = issuerMetadata.authorizationServers[0]
    if (!authorizationServerMetadata) throw new Error('no authorization server')
    const back = client.parseAndVerifyAuthorizationResponseRedirectUrl({
      url: decided.headers.get('location') ?? '',
      authorizationServerMetadata,
    })
    const token = await client.retrieveAuthorizationCodeAccessTokenFromOffer({
      issuerMetadata,
      credentialOffer,
      authorizationCode: back.code ?? '',
      pkceCodeVerifier: started.pkce?.codeVerifier ?? '',
      redirectUri,
      dpop: { signer: jwkSigner(dpopKey) },
    })
    const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata })
    const proof = await client.createCredentialRequestJwtProof({
      issuerMetadata,
      credentialConfigurationId: 'ctid-file',
      clientId: 'third-party-wallet',
      nonce,
      signer: jwkSigner(holder),
    })
    const answer = await client.retrieveCredentials({
      issuerMetadata,
      accessToken: token.accessTokenResponse.access_token,
      credentialConfigurationId: 'ctid-file',
      proofs: { jwt: [proof.jwt] },
      dpop: token.dpop ?? { signer: jwkSigner(dpopKey) },
    })
    expect(credentialsOf(answer)).toHaveLength(1)
  })
})

const ageQuery = {
  credentials: [
    {
      id: 'age',
      format: 'dc+sd-jwt',
      meta: { vct_values: [VCT] },
      claims: [{ path: ['age_equal_or_over', '18'], values: [true] }],
    },
  ],
}

async function start(body: object) {
  const response = await fetch(`${system.url}/openid4vp/requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: ageQuery, ...body }),
  })
  expect(response.status).toBe(201)
  return (await response.json()) as Record<string, string>
}

async function resultOf(started: Record<string, string>): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${started['result_secret']}` }
  return (await (await fetch(started['result_uri'] ?? '', { headers })).json()) as Record<string, unknown>
}

// Presents with the third-party SD-JWT library, as a third-party wallet would.
async function presentation(credential: string, holder: KeyPair, aud: string, nonce: string) {
  const { sign } = await import('node:crypto')
  const key = (await import('node:crypto')).createPrivateKey({ key: { ...holder.privateJwk }, format: 'jwk' })
  const sdJwt = new SDJwtVcInstance({
    hasher: (data: string | ArrayBuffer) =>
      new Uint8Array(
        createHash('sha256')
          .update(typeof data === 'string' ? data : new Uint8Array(data))
          .digest(),
      ),
    hashAlg: 'sha-256',
    saltGenerator: (length) => randomBytes(length).toString('base64url'),
    kbSigner: (data: string) =>
      sign('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
    kbSignAlg: 'ES256',
  })
  return sdJwt.present(
    credential,
    { age_equal_or_over: { '18': true } },
    { kb: { payload: { iat: systemClock(), aud, nonce } } },
  )
}

describe('a third-party wallet presents', () => {
  let credential: string
  let holder: KeyPair
  beforeAll(async () => {
    const received = await receive()
    credential = credentialsOf(received.answer)[0] as string
    holder = received.holders[0] as KeyPair
  })

  it.each([
    ['direct_post.jwt', 'x509_hash'],
    ['direct_post.jwt', 'x509_san_dns'],
    ['direct_post.jwt', 'redirect_uri'],
    ['direct_post', 'x509_hash'],
    ['direct_post', 'x509_san_dns'],
    ['direct_post', 'redirect_uri'],
  ])('by %s to a client of prefix %s', async (mode, prefix) => {
    const started = await start({ response_mode: mode, client_id_prefix: prefix })
    const client = new Openid4vpClient({ callbacks: callbacks([holder]) })
    const parsed = client.parseOpenid4vpAuthorizationRequest({
      authorizationRequest: started['authorization_request'] ?? '',
    })
    const resolved = await client.resolveOpenId4vpAuthorizationRequest({
      authorizationRequestPayload: parsed.params as never,
    })
    expect(resolved.client.prefix).toBe(prefix)
    expect(resolved.version).toBe(100)
    // The third-party query library has to accept our query.
    DcqlQuery.validate(DcqlQuery.parse(resolved.dcql?.query as never))
    const request = resolved.authorizationRequestPayload
    const aud = resolved.client.effective
    const token = await presentation(credential, holder, aud, request.nonce)
    const encrypted = mode.endsWith('.jwt')
    const created = await client.createOpenid4vpAuthorizationResponse({
      authorizationRequestPayload: request,
      authorizationResponsePayload: { vp_token: { age: [token] } },
      ...(encrypted
        ? {
            jarm: {
              encryption: { nonce: randomBytes(16).toString('base64url') },
              serverMetadata: {
                authorization_signing_alg_values_supported: [],
                authorization_encryption_alg_values_supported: ['ECDH-ES'],
                authorization_encryption_enc_values_supported: ['A128GCM', 'A256GCM'],
              },
            },
          }
        : {}),
    })
    const { response } = await client.submitOpenid4vpAuthorizationResponse({
      authorizationRequestPayload: request as never,
      authorizationResponsePayload: created.authorizationResponsePayload,
      ...(created.jarm ? { jarm: { responseJwt: created.jarm.responseJwt } } : {}),
    })
    expect(response.status).toBe(200)
    const result = await resultOf(started)
    expect(result['state']).toBe('accepted')
  })

  it('over the Digital Credentials API: a signed request, an encrypted answer posted by the page', async () => {
    const origin = 'https://shop.example'
    const started = await start({ response_mode: 'dc_api.jwt', expected_origins: [origin] })
    const client = new Openid4vpClient({ callbacks: callbacks([holder]) })
    const parsed = client.parseOpenid4vpAuthorizationRequest({
      authorizationRequest: { request: started['request'] ?? '' },
    })
    const resolve = (from: string) =>
      client.resolveOpenId4vpAuthorizationRequest({
        authorizationRequestPayload: parsed.params as never,
        origin: from,
      })
    await expect(resolve('https://other.example')).rejects.toThrow()
    const { authorizationRequestPayload: request } = await resolve(origin)
    const token = await presentation(credential, holder, `origin:${origin}`, request.nonce)
    const created = await client.createOpenid4vpAuthorizationResponse({
      authorizationRequestPayload: request,
      origin,
      authorizationResponsePayload: { vp_token: { age: [token] } },
      jarm: {
        encryption: { nonce: randomBytes(16).toString('base64url') },
        serverMetadata: {
          authorization_signing_alg_values_supported: [],
          authorization_encryption_alg_values_supported: ['ECDH-ES'],
          authorization_encryption_enc_values_supported: ['A128GCM', 'A256GCM'],
        },
      },
    })
    const posted = await fetch(`${system.url}/openid4vp/responses/${started['id']}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify({ response: created.jarm?.responseJwt }),
    })
    expect(posted.status).toBe(200)
    expect((await resultOf(started))['state']).toBe('accepted')
  })

  it.each<[string, (request: { client_id: string }) => string]>([
    ['for the client identifier', ({ client_id }) => client_id],
    ['for another page', () => 'origin:https://other.example'],
    ['for the bare origin', () => 'https://shop.example'],
  ])('over the Digital Credentials API, not %s', async (_name, audience) => {
    const started = await start({ response_mode: 'dc_api', expected_origins: ['https://shop.example'] })
    const request = decodeJwt(started['request'] ?? '') as { client_id: string; nonce: string }
    const token = await presentation(credential, holder, audience(request), request.nonce)
    const posted = await fetch(`${system.url}/openid4vp/responses/${started['id']}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ vp_token: { age: [token] } }),
    })
    expect(posted.status).toBe(400)
    expect(await resultOf(started)).toMatchObject({
      state: 'refused',
      code: 'ERR_CREDENTIAL_BINDING_AUDIENCE',
    })
  })
})
