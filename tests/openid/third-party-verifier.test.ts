// Our wallet at an unmodified third-party verifier: its library makes the request, opens the answer and checks the credential.
import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Openid4vpVerifier } from '@openid4vc/openid4vp'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { DcqlPresentationResult, DcqlQuery } from 'dcql'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JsonObject, systemClock } from '#ctid/base'
import { generateSigner } from '#ctid/crypto'
import { createOffer, type Holding, offerLink, presentTo, receiveCredentials } from '#ctid/openid'
import { signJws } from '#ctid/trust'
import { x509Hash } from '../../src/trust/node.ts'
import { random, type System, startSystem, VCT } from './system.ts'
import { callbacks, type KeyPair } from './third-party.ts'

let system: System
let holdings: Holding[]
let server: Server
let address: string
const requests = new Map<string, string>()
let received: Record<string, unknown> | undefined

beforeAll(async () => {
  system = await startSystem()
  const { offer } = createOffer(system.issuer, {
    subject: 'person-1',
    configurationIds: ['ctid-file'],
    withTxCode: false,
  })
  const got = await receiveCredentials(offerLink(offer), {
    fetch,
    clock: systemClock,
    random,
    dpopKey: await generateSigner(),
    createKey: generateSigner,
    count: 8,
  })
  holdings = got.credentials.map((credential, i) => ({ credential, key: got.keys[i] as Holding['key'] }))
  const app = express()
  app.get('/request/:id', (request, response) => {
    response.setHeader('content-type', 'application/oauth-authz-req+jwt').end(requests.get(request.params.id))
  })
  app.post('/response', express.urlencoded({ limit: '1mb' }), (request, response) => {
    received = request.body
    response.json({})
  })
  server = app.listen(0, 'localhost')
  await new Promise((resolve) => server.once('listening', resolve))
  address = `http://localhost:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.close()
  await system.close()
})

const query = {
  credentials: [
    {
      id: 'age',
      format: 'dc+sd-jwt' as const,
      meta: { vct_values: [VCT] as [string] },
      claims: [{ path: ['age_equal_or_over', '18'] as [string, string], values: [true] as [boolean] }],
    },
  ],
}

// The credential is checked by a third-party library as well, with keys that it gets from Node alone.
function independentCheck(presentation: string, nonce: string, aud: string) {
  const [header = '', payload = ''] = presentation.split('.')
  const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const issuerKey = new X509Certificate(Buffer.from(decode(header).x5c[0], 'base64')).publicKey
  const holderKey = createPublicKey({ key: decode(payload).cnf.jwk, format: 'jwk' })
  const by = (key: typeof issuerKey) => (data: string, signature: string) =>
    verify(
      'sha256',
      Buffer.from(data),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
  const instance = new SDJwtVcInstance({
    hasher: (data: string | ArrayBuffer) =>
      new Uint8Array(
        createHash('sha256')
          .update(typeof data === 'string' ? data : new Uint8Array(data))
          .digest(),
      ),
    hashAlg: 'sha-256',
    verifier: by(issuerKey),
    kbVerifier: by(holderKey),
  })
  return instance
    .verify(presentation, { keyBindingNonce: nonce, requiredClaimKeys: ['vct'] })
    .then((result) => {
      expect((result.kb?.payload as { aud?: string } | undefined)?.aud).toBe(aud)
      return result.payload as Record<string, unknown>
    })
}

describe('our wallet presents to a third-party verifier', () => {
  it.each([
    ['direct_post.jwt', 'x509_hash'],
    ['direct_post.jwt', 'x509_san_dns'],
    ['direct_post.jwt', 'redirect_uri'],
    ['direct_post', 'x509_hash'],
    ['direct_post', 'x509_san_dns'],
    ['direct_post', 'redirect_uri'],
  ])('by %s to a client of prefix %s', async (mode, prefix) => {
    const { signer, x5c } = system.pki.parties.verifier
    const encryption = await generateSigner()
    const encryptionKey: KeyPair = { publicJwk: encryption.publicJwk, privateJwk: encryption.privateJwk }
    const verifier = new Openid4vpVerifier({
      callbacks: callbacks([encryptionKey], {
        signJwt: async (_signer, { header, payload }) => {
          const { typ = '', alg: _alg, ...rest } = header
          const jwt = await signJws(payload as JsonObject, signer, { typ, header: rest as JsonObject })
          return { jwt, signerJwk: signer.publicJwk }
        },
      }),
    })
    const responseUri = `${address}/response`
    const clientId = {
      x509_hash: `x509_hash:${x509Hash(Buffer.from(x5c[0] ?? '', 'base64'))}`,
      x509_san_dns: 'x509_san_dns:localhost',
      redirect_uri: `redirect_uri:${responseUri}`,
    }[prefix] as string
    const id = `${mode}-${prefix}`
    const isSigned = prefix !== 'redirect_uri'
    const created = await verifier.createOpenId4vpAuthorizationRequest({
      authorizationRequestPayload: {
        response_type: 'vp_token',
        client_id: clientId,
        response_mode: mode as 'direct_post',
        response_uri: responseUri,
        nonce: 'nonce-of-at-least-16-characters',
        state: 'state-1',
        dcql_query: query,
        client_metadata: {
          vp_formats_supported: {
            'dc+sd-jwt': { 'sd-jwt_alg_values': ['ES256'], 'kb-jwt_alg_values': ['ES256'] },
          },
          ...(mode.endsWith('.jwt')
            ? {
                jwks: { keys: [{ ...encryption.publicJwk, kid: 'e-1', use: 'enc', alg: 'ECDH-ES' }] },
                encrypted_response_enc_values_supported: ['A128GCM'],
              }
            : {}),
        },
      },
      ...(isSigned
        ? {
            jar: {
              requestUri: `${address}/request/${id}`,
              expiresInSeconds: 300,
              jwtSigner: { method: 'x5c', alg: 'ES256', x5c: [...x5c] },
              additionalJwtPayload: { aud: 'https://self-issued.me/v2' },
            },
          }
        : {}),
    })
    if (created.jar) requests.set(id, created.jar.authorizationRequestJwt)
    const presented = await presentTo(created.authorizationRequest, {
      fetch,
      clock: systemClock,
      random,
      holdings: [holdings.pop() as Holding],
      resolveVerifier: system.resolveVerifier,
      allowUnsigned: !isSigned,
    })
    expect(presented.state).toBe('sent')

    const parsed = await verifier.parseOpenid4vpAuthorizationResponse({
      callbacks: callbacks([encryptionKey]),
      authorizationRequestPayload: created.authorizationRequestPayload as never,
      authorizationResponse: received as Record<string, unknown>,
    })
    expect(parsed.expectedNonce).toBe('nonce-of-at-least-16-characters')
    if (parsed.type !== 'dcql') throw new Error('not an answer to a query')
    const [presentation] = parsed.dcql.presentations['age'] as [string]
    const claims = await independentCheck(presentation, parsed.expectedNonce, clientId)
    expect(claims).toMatchObject({ vct: VCT, age_equal_or_over: { '18': true } })
    expect(claims).not.toHaveProperty('name')
    const judged = DcqlPresentationResult.fromDcqlPresentation(
      {
        age: [
          {
            credential_format: 'dc+sd-jwt',
            vct: VCT,
            claims: claims as never,
            cryptographic_holder_binding: true,
          },
        ],
      },
      { dcqlQuery: DcqlQuery.parse(query) },
    )
    expect(judged.can_be_satisfied).toBe(true)
  })
})
