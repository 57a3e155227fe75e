// Hostile wallets at the issuer: one fault a row. Each is refused with the protocol's word; none makes the issuer stumble.
import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CtidError, type JsonObject, systemClock, toBase64url, utf8 } from '#ctid/base'
import { generateSigner, sha256 } from '#ctid/crypto'
import { createLoginOffer, createOffer } from '#ctid/openid'
import { signJws } from '#ctid/trust'
import { craft, dpop, nested, post, postTwice, read, refused } from './hostile.ts'
import { type System, startSystem } from './system.ts'
import type { KeyPair } from './third-party.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:pre-authorized_code'
let system: System
let other: System
let key: KeyPair
let holder: KeyPair
let url: (path: string) => string

const keyPair = async (): Promise<KeyPair> => {
  const { publicJwk, privateJwk } = await generateSigner()
  return { publicJwk, privateJwk }
}

beforeAll(async () => {
  system = await startSystem()
  other = await startSystem()
  key = await keyPair()
  holder = await keyPair()
  url = (path) => `${system.issuer.baseUrl}/${path}`
})
afterAll(async () => {
  expect(system.internal).toEqual([])
  await Promise.all([system.close(), other.close()])
})

const code = (withTxCode = false) => {
  const { offer, txCode } = createOffer(system.issuer, {
    subject: 'person-1',
    configurationIds: ['ctid-file'],
    withTxCode,
  })
  return { code: offer.preAuthorized?.code ?? '', txCode }
}
const tokenForm = (more: Record<string, string> = {}) =>
  new URLSearchParams({ grant_type: GRANT, 'pre-authorized_code': code().code, ...more })
const askToken = (form: URLSearchParams, proof: string | undefined = dpop(key, url('token'))) =>
  post(url('token'), form, proof === undefined ? {} : { dpop: proof })

async function accessToken(): Promise<string> {
  const { status, body } = await askToken(tokenForm())
  expect(status).toBe(200)
  return String(body['access_token'])
}
async function nonce(): Promise<string> {
  return String((await post(url('nonce'), undefined)).body['c_nonce'])
}

type Change = { header?: Record<string, unknown>; payload?: Record<string, unknown> }
const proofOf = (c_nonce: string, change: Change = {}, by: KeyPair = holder) =>
  craft(
    { alg: 'ES256', typ: 'openid4vci-proof+jwt', jwk: by.publicJwk, ...change.header },
    { aud: system.issuer.baseUrl, iat: systemClock(), nonce: c_nonce, ...change.payload },
    by,
  )
async function askCredential(body: unknown, token?: string, path = 'credential') {
  const bearer = token ?? (await accessToken())
  const proof = dpop(key, url(path), { accessToken: bearer })
  return post(url(path), body as object, { authorization: `DPoP ${bearer}`, dpop: proof })
}
const order = (proofs: unknown) => ({ credential_configuration_id: 'ctid-file', proofs })

describe('token endpoint', () => {
  const without = (name: string) => () => {
    const form = tokenForm()
    form.delete(name)
    return form
  }
  it.each<[string, () => URLSearchParams, string]>([
    ['no grant type', without('grant_type'), 'invalid_request'],
    ['another grant type', () => tokenForm({ grant_type: 'password' }), 'unsupported_grant_type'],
    ['refresh', () => tokenForm({ grant_type: 'refresh_token' }), 'unsupported_grant_type'],
    ['__proto__ as grant type', () => tokenForm({ grant_type: '__proto__' }), 'unsupported_grant_type'],
    ['no code', without('pre-authorized_code'), 'invalid_request'],
    ['an unknown code', () => tokenForm({ 'pre-authorized_code': 'x' }), 'invalid_grant'],
    ['a huge code', () => tokenForm({ 'pre-authorized_code': 'x'.repeat(50_000) }), 'invalid_grant'],
    ['__proto__ as code', () => tokenForm({ 'pre-authorized_code': '__proto__' }), 'invalid_grant'],
    ['a transaction code that was not asked for', () => tokenForm({ tx_code: '123456' }), 'invalid_request'],
    [
      'no transaction code where one is asked for',
      () => tokenForm({ 'pre-authorized_code': code(true).code }),
      'invalid_request',
    ],
    [
      'a wrong transaction code',
      () => tokenForm({ 'pre-authorized_code': code(true).code, tx_code: 'abc' }),
      'invalid_grant',
    ],
    [
      'authorization details that are no JSON',
      () => tokenForm({ authorization_details: '{' }),
      'invalid_authorization_details',
    ],
    [
      'authorization details of another type',
      () => tokenForm({ authorization_details: '[{"type":"payment"}]' }),
      'invalid_authorization_details',
    ],
    [
      'authorization details beyond the offer',
      () =>
        tokenForm({
          authorization_details: '[{"type":"openid_credential","credential_configuration_id":"x"}]',
        }),
      'invalid_authorization_details',
    ],
  ])('%s', async (_name, form, error) => {
    refused(await askToken(form()), error)
  })

  it.each<[string, Record<string, string>]>([
    ['a client secret', { client_secret: 'x' }],
    ['a client assertion', { client_assertion: 'x', client_assertion_type: 'y' }],
  ])('authentication by %s', async (_name, more) => {
    refused(await askToken(tokenForm(more)), 'invalid_client', 401)
  })

  it('authentication by password', async () => {
    const answer = await post(url('token'), tokenForm(), {
      authorization: 'Basic eDp5',
      dpop: dpop(key, url('token')),
    })
    refused(answer, 'invalid_client', 401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
  })

  it('a code used twice, at once or one after the other', async () => {
    const form = tokenForm()
    const answers = await Promise.all([askToken(form), askToken(form), askToken(form)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
    refused(await askToken(form), 'invalid_grant')
  })

  it('guessing a transaction code: five wrong ones kill the code', async () => {
    const { code: guarded, txCode } = code(true)
    const form = (tx: string) => tokenForm({ 'pre-authorized_code': guarded, tx_code: tx })
    for (let i = 0; i < 5; i++) refused(await askToken(form('000000x')), 'invalid_grant')
    refused(await askToken(form(txCode ?? '')), 'invalid_grant')
  })

  it('parameters without a value are as good as left out', async () => {
    expect((await askToken(tokenForm({ tx_code: '', client_id: '' }))).status).toBe(200)
  })

  it.each<[string, string | Uint8Array, string, number]>([
    ['a parameter twice', 'grant_type=a&grant_type=b', 'application/x-www-form-urlencoded', 400],
    ['JSON instead of a form', '{"grant_type":"x"}', 'application/json', 415],
    ['bytes that are no UTF-8', new Uint8Array([0xff, 0xfe, 0x3d]), 'application/x-www-form-urlencoded', 400],
    ['a body of half a megabyte', `a=${'x'.repeat(500_000)}`, 'application/x-www-form-urlencoded', 413],
    ['an empty body', '', 'application/x-www-form-urlencoded', 400],
    ['broken percent signs', 'grant_type=%zz%', 'application/x-www-form-urlencoded', 400],
  ])('%s', async (_name, body, type, status) => {
    const answer = await post(url('token'), body, { 'content-type': type, dpop: dpop(key, url('token')) })
    expect(answer.status).toBe(status)
    expect(answer.body['error']).toMatch(/^(invalid_request|unsupported_grant_type)$/)
  })

  it('a compressed body', async () => {
    const answer = await post(url('token'), new Uint8Array(gzipSync(tokenForm().toString())), {
      'content-type': 'application/x-www-form-urlencoded',
      'content-encoding': 'gzip',
    })
    refused(answer, 'invalid_request', 415)
  })
})

describe('DPoP at the token endpoint', () => {
  const now = systemClock
  it.each<[string, () => Change]>([
    ['another method', () => ({ payload: { htm: 'GET' } })],
    ['no method', () => ({ payload: { htm: undefined } })],
    ['method in lower case', () => ({ payload: { htm: 'post' } })],
    ['another address', () => ({ payload: { htu: url('credential') } })],
    ['another host', () => ({ payload: { htu: 'https://evil.example/token' } })],
    ['an address that is none', () => ({ payload: { htu: 'token' } })],
    ['an address that is a number', () => ({ payload: { htu: 7 } })],
    ['no address', () => ({ payload: { htu: undefined } })],
    ['an old time', () => ({ payload: { iat: now() - 3600 } })],
    ['a time to come', () => ({ payload: { iat: now() + 3600 } })],
    ['no time', () => ({ payload: { iat: undefined } })],
    ['time as text', () => ({ payload: { iat: String(now()) } })],
    ['an end that has come', () => ({ payload: { exp: now() - 1 } })],
    ['an end that is text', () => ({ payload: { exp: 'never' } })],
    ['a beginning to come', () => ({ payload: { nbf: now() + 3600 } })],
    ['no id', () => ({ payload: { jti: undefined } })],
    ['an empty id', () => ({ payload: { jti: '' } })],
    ['a huge id', () => ({ payload: { jti: 'x'.repeat(1000) } })],
    ['another type', () => ({ header: { typ: 'jwt' } })],
    ['no type', () => ({ header: { typ: undefined } })],
    ['no signature', () => ({ header: { alg: 'none' } })],
    ['a shared secret', () => ({ header: { alg: 'HS256' } })],
    ['another curve', () => ({ header: { alg: 'ES384' } })],
    ['no key', () => ({ header: { jwk: undefined } })],
    ['a private key', () => ({ header: { jwk: key.privateJwk } })],
    ['a key that is text', () => ({ header: { jwk: 'key' } })],
    ['a key off the curve', () => ({ header: { jwk: { ...key.publicJwk, y: key.publicJwk.x } } })],
    ['a symmetric key', () => ({ header: { jwk: { kty: 'oct', k: 'AAAA' } } })],
    ['the key of somebody else', () => ({ header: { jwk: holder.publicJwk } })],
    ['an unknown critical extension', () => ({ header: { crit: ['x'], x: 1 } })],
    ['b64', () => ({ header: { b64: false } })],
  ])('%s', async (_name, change) => {
    refused(await askToken(tokenForm(), dpop(key, url('token'), change())), 'invalid_dpop_proof')
  })

  it.each<[string, string]>([
    ['no JWT at all', 'abc'],
    ['two parts', 'a.b'],
    ['five parts', 'a.b.c.d.e'],
    ['a huge one', 'a'.repeat(10_000)],
  ])('%s', async (_name, proof) => {
    refused(await askToken(tokenForm(), proof), 'invalid_dpop_proof')
  })

  it('none', async () => {
    refused(await post(url('token'), tokenForm()), 'invalid_dpop_proof')
  })

  it('the same proof again', async () => {
    const proof = dpop(key, url('token'))
    expect((await askToken(tokenForm(), proof)).status).toBe(200)
    refused(await askToken(tokenForm(), proof), 'invalid_dpop_proof')
  })

  it('two proofs in one request', async () => {
    const proofs = [dpop(key, url('token')), dpop(key, url('token'))]
    expect(await postTwice(url('token'), 'dpop', proofs, tokenForm().toString())).toBe(400)
  })
})

describe('authorization by code', () => {
  const verifier = 'v'.repeat(43)
  const challenge = toBase64url(sha256(utf8(verifier)))
  const pushed = (more: Record<string, string | undefined> = {}) => {
    const form = {
      response_type: 'code',
      client_id: 'wallet',
      redirect_uri: 'https://wallet.example/cb',
      scope: 'ctid_file',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 's',
      ...more,
    }
    return new URLSearchParams(
      Object.entries(form).filter(([, value]) => value !== undefined) as [string, string][],
    )
  }

  it.each<[string, Record<string, string | undefined>, string]>([
    ['no client', { client_id: undefined }, 'invalid_request'],
    ['an empty client', { client_id: '' }, 'invalid_request'],
    ['a huge client', { client_id: 'x'.repeat(5000) }, 'invalid_request'],
    ['no response type', { response_type: undefined }, 'invalid_request'],
    ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['no challenge', { code_challenge: undefined }, 'invalid_request'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no challenge method, which means plain', { code_challenge_method: undefined }, 'invalid_request'],
    ['a short challenge', { code_challenge: 'abc' }, 'invalid_request'],
    ['no redirect', { redirect_uri: undefined }, 'invalid_request'],
    ['a script as redirect', { redirect_uri: 'javascript:alert(1)' }, 'invalid_request'],
    ['a fragment in the redirect', { redirect_uri: 'https://wallet.example/#x' }, 'invalid_request'],
    ['a redirect over plain HTTP', { redirect_uri: 'http://wallet.example/cb' }, 'invalid_request'],
    ['no scope', { scope: undefined }, 'invalid_scope'],
    ['an unknown scope', { scope: 'everything' }, 'invalid_scope'],
    ['an unknown response mode', { response_mode: 'fragment' }, 'invalid_request'],
    ['a pushed request inside a pushed request', { request_uri: 'urn:x' }, 'invalid_request'],
    ['a request object', { request: 'x' }, 'invalid_request'],
    ['the state of no offer', { issuer_state: 'x' }, 'invalid_request'],
    ['details of an unknown type', { authorization_details: '[{}]' }, 'invalid_authorization_details'],
    ['details nested too deep', { authorization_details: nested(100) }, 'invalid_authorization_details'],
  ])('pushed with %s', async (_name, more, error) => {
    refused(await post(url('par'), pushed(more)), error)
  })

  it('pushed with scopes of others beside ours, which are ignored', async () => {
    const back = await authorize({ scope: 'openid ctid_file' })
    const { body } = await exchange(back.searchParams.get('code') ?? '')
    expect(body).toMatchObject({ scope: 'ctid_file' })
  })

  it('pushed with scope and details: both count', async () => {
    const details = JSON.stringify([{ type: 'openid_credential', credential_configuration_id: 'other-file' }])
    const back = await authorize({ authorization_details: details })
    const { text } = await exchange(back.searchParams.get('code') ?? '')
    expect(text).toContain('ctid-file')
    expect(text).toContain('other-file')
  })

  it('pushed for more than the offer', async () => {
    const offer = createLoginOffer(system.issuer, ['ctid-file'])
    const state = offer.authorizationCode?.issuerState ?? ''
    expect((await post(url('par'), pushed({ issuer_state: state }))).status).toBe(201)
    refused(await post(url('par'), pushed({ issuer_state: state, scope: 'other_file' })), 'invalid_request')
  })

  async function authorize(more: Record<string, string | undefined> = {}): Promise<URL> {
    const { body } = await post(url('par'), pushed(more))
    const page = await fetch(
      `${url('authorize')}?${new URLSearchParams({ client_id: 'wallet', request_uri: String(body['request_uri']) })}`,
    )
    const transaction = /name="transaction" value="([^"]+)"/.exec(await page.text())?.[1] ?? ''
    const form = new URLSearchParams({ transaction, subject: 'person-1', decision: 'approve' })
    return new URL((await post(url('authorize'), form)).headers.get('location') ?? '')
  }
  const exchange = (codeText: string, more: Record<string, string> = {}, by = key) =>
    askToken(
      new URLSearchParams({
        grant_type: 'authorization_code',
        code: codeText,
        client_id: 'wallet',
        redirect_uri: 'https://wallet.example/cb',
        code_verifier: verifier,
        ...more,
      }),
      dpop(by, url('token')),
    )

  it('names the issuer and gives the state back', async () => {
    const back = await authorize()
    expect(back.searchParams.get('iss')).toBe(system.issuer.baseUrl)
    expect(back.searchParams.get('state')).toBe('s')
  })

  it.each<[string, Record<string, string>]>([
    ['no verifier', { code_verifier: '' }],
    ['another verifier', { code_verifier: 'w'.repeat(43) }],
    ['the challenge as verifier', { code_verifier: challenge }],
    ['another redirect', { redirect_uri: 'https://wallet.example/other' }],
    ['another client', { client_id: 'somebody' }],
    ['an unknown code', { code: 'x' }],
  ])('exchanged with %s', async (_name, more) => {
    const back = await authorize()
    refused(await exchange(back.searchParams.get('code') ?? '', more), 'invalid_grant')
  })

  it('exchanged with another DPoP key than announced', async () => {
    const { body } = await post(url('par'), pushed(), { dpop: dpop(key, url('par')) })
    const query = new URLSearchParams({ client_id: 'wallet', request_uri: String(body['request_uri']) })
    const page = await (await fetch(`${url('authorize')}?${query}`)).text()
    const transaction = /name="transaction" value="([^"]+)"/.exec(page)?.[1] ?? ''
    const form = new URLSearchParams({ transaction, subject: 'person-1', decision: 'approve' })
    const back = new URL((await post(url('authorize'), form)).headers.get('location') ?? '')
    refused(await exchange(back.searchParams.get('code') ?? '', {}, await keyPair()), 'invalid_grant')
  })

  it('a code used again takes back the token that was made from it', async () => {
    const back = await authorize()
    const codeText = back.searchParams.get('code') ?? ''
    const token = String((await exchange(codeText)).body['access_token'])
    refused(await exchange(codeText), 'invalid_grant')
    const answer = await askCredential(order({ jwt: [proofOf(await nonce())] }), token)
    refused(answer, 'invalid_token', 401)
  })

  it('by details: the wallet is told identifiers and must use them', async () => {
    const details = JSON.stringify([{ type: 'openid_credential', credential_configuration_id: 'ctid-file' }])
    const back = await authorize({ scope: undefined, authorization_details: details })
    const { body } = await exchange(back.searchParams.get('code') ?? '')
    const [detail] = body['authorization_details'] as { credential_identifiers: string[] }[]
    const [identifier] = detail?.credential_identifiers ?? []
    const token = String(body['access_token'])
    const proofs = async () => ({ jwt: [proofOf(await nonce())] })
    refused(await askCredential(order(await proofs()), token), 'invalid_credential_request')
    const unknown = { credential_identifier: 'x', proofs: await proofs() }
    refused(await askCredential(unknown, token), 'unknown_credential_identifier')
    const right = { credential_identifier: identifier, proofs: await proofs() }
    expect((await askCredential(right, token)).status).toBe(200)
  })

  it.each<[string, string]>([
    ['without a pushed request', 'client_id=wallet&response_type=code&redirect_uri=https://wallet.example'],
    ['with an unknown pushed request', 'client_id=wallet&request_uri=urn:ietf:params:oauth:request_uri:x'],
    ['with a list', 'client_id=wallet&request_uri=a&request_uri=b'],
    ['with a script', 'client_id=%3Cscript%3E&request_uri=%3Cscript%3E'],
  ])('the page %s', async (_name, query) => {
    refused(await read(await fetch(`${url('authorize')}?${query}`)), 'invalid_request')
  })

  it('the pushed request of another client, and one that was decided', async () => {
    const { body } = await post(url('par'), pushed())
    const query = (client: string) =>
      new URLSearchParams({ client_id: client, request_uri: String(body['request_uri']) })
    refused(await read(await fetch(`${url('authorize')}?${query('other')}`)), 'invalid_request')
    const page = await (await fetch(`${url('authorize')}?${query('wallet')}`)).text()
    const transaction = /name="transaction" value="([^"]+)"/.exec(page)?.[1] ?? ''
    const deny = new URLSearchParams({ transaction, decision: 'deny' })
    const back = new URL((await post(url('authorize'), deny)).headers.get('location') ?? '')
    expect(back.searchParams.get('error')).toBe('access_denied')
    refused(await post(url('authorize'), deny), 'invalid_request')
    const nobody = new URLSearchParams({ transaction: 'x', subject: 'nobody', decision: 'approve' })
    refused(await post(url('authorize'), nobody), 'invalid_request')
  })
})

describe('an access token', () => {
  it.each<[string, (token: string) => Record<string, string>]>([
    ['is missing', () => ({})],
    ['is unknown', () => ({ authorization: 'DPoP xyz', dpop: dpop(key, url('credential')) })],
    ['comes as bearer token', (token) => ({ authorization: `Bearer ${token}` })],
    [
      'comes as bearer token with a proof',
      (token) => ({
        authorization: `Bearer ${token}`,
        dpop: dpop(key, url('credential'), { accessToken: token }),
      }),
    ],
    ['comes without a proof', (token) => ({ authorization: `DPoP ${token}` })],
    [
      'comes with the proof of another key',
      (token) => ({
        authorization: `DPoP ${token}`,
        dpop: dpop(holder, url('credential'), { accessToken: token }),
      }),
    ],
    [
      'comes with a proof for no token',
      (token) => ({ authorization: `DPoP ${token}`, dpop: dpop(key, url('credential')) }),
    ],
    [
      'comes with a proof for another token',
      (token) => ({
        authorization: `DPoP ${token}`,
        dpop: dpop(key, url('credential'), { accessToken: 'other' }),
      }),
    ],
    [
      'comes with a proof for another address',
      (token) => ({
        authorization: `DPoP ${token}`,
        dpop: dpop(key, url('token'), { accessToken: token }),
      }),
    ],
    ['comes as password', () => ({ authorization: 'Basic eDp5' })],
    ['has odd characters', () => ({ authorization: 'DPoP a,b;c' })],
  ])('that %s', async (_name, headers) => {
    const token = await accessToken()
    const answer = await post(url('credential'), order({ jwt: ['x'] }), headers(token))
    expect(answer.status).toBe(401)
    expect(answer.body['error']).toMatch(/^invalid_(token|dpop_proof)$/)
    expect(answer.headers.get('www-authenticate')).toMatch(/^DPoP /)
  })

  it('is asked for before the body is looked at', async () => {
    refused(await post(url('credential'), '{', { 'content-type': 'application/json' }), 'invalid_token', 401)
  })
})

describe('credential request', () => {
  it.each<[string, (c_nonce: string) => unknown, string]>([
    ['nothing asked for', (n) => ({ proofs: { jwt: [proofOf(n)] } }), 'invalid_credential_request'],
    [
      'an unknown configuration',
      (n) => ({ credential_configuration_id: 'x', proofs: { jwt: [proofOf(n)] } }),
      'unknown_credential_configuration',
    ],
    [
      'a configuration that the token does not cover',
      (n) => ({ credential_configuration_id: 'other-file', proofs: { jwt: [proofOf(n)] } }),
      'unknown_credential_configuration',
    ],
    [
      '__proto__ as configuration',
      (n) => ({ credential_configuration_id: '__proto__', proofs: { jwt: [proofOf(n)] } }),
      'unknown_credential_configuration',
    ],
    [
      'a configuration that is a number',
      (n) => ({ credential_configuration_id: 5, proofs: { jwt: [proofOf(n)] } }),
      'invalid_credential_request',
    ],
    [
      'an identifier that was not given',
      (n) => ({ credential_identifier: 'x', proofs: { jwt: [proofOf(n)] } }),
      'unknown_credential_identifier',
    ],
    [
      'configuration and identifier',
      (n) => ({ ...order({ jwt: [proofOf(n)] }), credential_identifier: 'x' }),
      'invalid_credential_request',
    ],
    ['no proofs', () => order(undefined), 'invalid_proof'],
    ['proofs as a list', (n) => order([proofOf(n)]), 'invalid_proof'],
    ['empty proofs', () => order({}), 'invalid_proof'],
    ['no proof in the list', () => order({ jwt: [] }), 'invalid_proof'],
    ['a proof that is no list', (n) => order({ jwt: proofOf(n) }), 'invalid_proof'],
    ['a proof that is an object', () => order({ jwt: [{}] }), 'invalid_proof'],
    ['a proof of another type', (n) => order({ cwt: [proofOf(n)] }), 'invalid_proof'],
    ['two types of proof', (n) => order({ jwt: [proofOf(n)], attestation: ['x'] }), 'invalid_proof'],
    [
      'the proof of a draft',
      (n) => ({ ...order({ jwt: [proofOf(n)] }), proof: {} }),
      'invalid_credential_request',
    ],
    [
      'an encrypted answer',
      (n) => ({ ...order({ jwt: [proofOf(n)] }), credential_response_encryption: {} }),
      'invalid_encryption_parameters',
    ],
    ['one proof twice', (n) => order({ jwt: [proofOf(n), proofOf(n)] }), 'invalid_proof'],
    ['an attestation that is none', () => order({ attestation: ['x'] }), 'invalid_proof'],
    ['two attestations', () => order({ attestation: ['x', 'y'] }), 'invalid_proof'],
    ['too many proofs', (n) => order({ jwt: Array.from({ length: 21 }, () => proofOf(n)) }), 'invalid_proof'],
  ])('with %s', async (_name, body, error) => {
    refused(await askCredential(body(await nonce())), error)
  })

  it.each<[string, string, string]>([
    ['no JSON', '{', 'application/json'],
    ['a list', '[]', 'application/json'],
    ['a member twice', '{"proofs":1,"proofs":2}', 'application/json'],
    ['a form', 'a=b', 'application/x-www-form-urlencoded'],
    ['text', '{}', 'text/plain'],
    ['depth', `{"proofs":${nested(10_000)}}`, 'application/json'],
    ['depth within reach', `{"proofs":${nested(60)}}`, 'application/json'],
  ])('made of %s', async (_name, body, type) => {
    const token = await accessToken()
    const answer = await post(url('credential'), body, {
      'content-type': type,
      authorization: `DPoP ${token}`,
      dpop: dpop(key, url('credential'), { accessToken: token }),
    })
    refused(answer, 'invalid_credential_request', [400, 413, 415])
  })
})

describe('proof of possession', () => {
  const now = systemClock
  it.each<[string, () => Change, string?]>([
    ['another type', () => ({ header: { typ: 'jwt' } })],
    ['no type', () => ({ header: { typ: undefined } })],
    ['no signature', () => ({ header: { alg: 'none' } })],
    ['a shared secret', () => ({ header: { alg: 'HS256' } })],
    ['another curve', () => ({ header: { alg: 'ES384' } })],
    ['no key', () => ({ header: { jwk: undefined } })],
    ['a private key', () => ({ header: { jwk: holder.privateJwk } })],
    ['a key off the curve', () => ({ header: { jwk: { ...holder.publicJwk, y: holder.publicJwk.x } } })],
    ['the key of somebody else', () => ({ header: { jwk: key.publicJwk } })],
    ['a key id instead of a key', () => ({ header: { jwk: undefined, kid: 'did:key:z' } })],
    ['a key id beside the key', () => ({ header: { kid: 'x' } })],
    ['certificates', () => ({ header: { x5c: ['x'] } })],
    ['an unknown critical extension', () => ({ header: { crit: ['x'], x: 1 } })],
    ['a key attestation that is none', () => ({ header: { key_attestation: 'x' } })],
    ['a key attestation that is a number', () => ({ header: { key_attestation: 1 } })],
    ['another audience', () => ({ payload: { aud: other.issuer.baseUrl } })],
    ['two audiences', () => ({ payload: { aud: [system.issuer.baseUrl, 'https://evil.example'] } })],
    ['no audience', () => ({ payload: { aud: undefined } })],
    ['the name of a client, where none was named', () => ({ payload: { iss: 'somebody' } })],
    ['an old time', () => ({ payload: { iat: now() - 3600 } })],
    ['a time to come', () => ({ payload: { iat: now() + 3600 } })],
    ['no time', () => ({ payload: { iat: undefined } })],
    ['no nonce', () => ({ payload: { nonce: undefined } })],
    ['an empty nonce', () => ({ payload: { nonce: '' } })],
    ['an end that has come', () => ({ payload: { exp: now() - 1 } })],
    ['an end that is text', () => ({ payload: { exp: 'never' } })],
    ['a beginning to come', () => ({ payload: { nbf: now() + 3600 } })],
    ['a nonce that is a number', () => ({ payload: { nonce: 7 } }), 'invalid_nonce'],
    ['an unknown nonce', () => ({ payload: { nonce: 'x' } }), 'invalid_nonce'],
    ['__proto__ as nonce', () => ({ payload: { nonce: '__proto__' } }), 'invalid_nonce'],
  ])('with %s', async (_name, change, error = 'invalid_proof') => {
    refused(await askCredential(order({ jwt: [proofOf(await nonce(), change())] })), error)
  })

  it('with the nonce of another issuer', async () => {
    const foreign = String((await post(`${other.issuer.baseUrl}/nonce`, undefined)).body['c_nonce'])
    refused(await askCredential(order({ jwt: [proofOf(foreign)] })), 'invalid_nonce')
  })

  it('used twice, and at once', async () => {
    const body = order({ jwt: [proofOf(await nonce())] })
    const token = await accessToken()
    const answers = await Promise.all([askCredential(body, token), askCredential(body, token)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
    refused(await askCredential(body, token), 'invalid_nonce')
  })

  it('with two nonces in one request', async () => {
    const jwt = [proofOf(await nonce()), proofOf(await nonce(), {}, await keyPair())]
    refused(await askCredential(order({ jwt })), 'invalid_nonce')
  })

  it('does not spend the nonce when it fails', async () => {
    const c_nonce = await nonce()
    refused(
      await askCredential(order({ jwt: [proofOf(c_nonce, { header: { typ: 'x' } })] })),
      'invalid_proof',
    )
    expect((await askCredential(order({ jwt: [proofOf(c_nonce)] }))).status).toBe(200)
  })
})

describe('attestation', () => {
  function signed(typ: string, payload: object, header: object = {}, by = system.wallets): Promise<string> {
    const { signer, x5c } = by.parties.issuer
    return signJws(payload as JsonObject, signer, { typ, header: { x5c, ...header } })
  }
  const keyAttestation = (payload: Record<string, unknown>, header?: Record<string, unknown>) =>
    signed(
      'key-attestation+jwt',
      { iat: systemClock(), exp: systemClock() + 600, attested_keys: [holder.publicJwk], ...payload },
      header,
    )

  it.each<[string, Record<string, unknown>, Record<string, unknown>?]>([
    ['expired', { exp: 1 }],
    ['from the future', { iat: systemClock() + 9999 }],
    ['without keys', { attested_keys: [] }],
    ['with a private key', { attested_keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'x' }] }],
    ['for keys that are text', { attested_keys: 'all' }],
    [
      'for another key',
      { attested_keys: [{ kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }] },
    ],
    ['without an end', { exp: undefined }],
    ['without certificates', {}, { x5c: undefined }],
  ])('of keys, %s', async (_name, payload, header) => {
    const attestation = await keyAttestation(payload, header)
    const proof = proofOf(await nonce(), { header: { key_attestation: attestation } })
    refused(await askCredential(order({ jwt: [proof] })), 'invalid_proof')
  })

  it('of keys, by somebody who is no maker of wallets', async () => {
    const payload = { iat: systemClock(), exp: systemClock() + 600, attested_keys: [holder.publicJwk] }
    const attestation = await signed('key-attestation+jwt', payload, {}, system.pki)
    const proof = proofOf(await nonce(), { header: { key_attestation: attestation } })
    refused(await askCredential(order({ jwt: [proof] })), 'invalid_proof')
  })

  it('of keys, as a proof without a nonce or with a used one', async () => {
    refused(await askCredential(order({ attestation: [await keyAttestation({})] })), 'invalid_proof')
    const attestation = await keyAttestation({ nonce: await nonce() })
    expect((await askCredential(order({ attestation: [attestation] }))).status).toBe(200)
    refused(await askCredential(order({ attestation: [attestation] })), 'invalid_nonce')
  })

  const client = (payload: Record<string, unknown> = {}) =>
    signed('oauth-client-attestation+jwt', {
      iss: 'https://maker.example',
      sub: 'wallet',
      iat: systemClock(),
      exp: systemClock() + 600,
      cnf: { jwk: holder.publicJwk },
      ...payload,
    })
  const pop = (payload: Record<string, unknown> = {}, by = holder) =>
    craft(
      { alg: 'ES256', typ: 'oauth-client-attestation-pop+jwt' },
      {
        iss: 'wallet',
        aud: system.issuer.baseUrl,
        jti: randomBytes(12).toString('base64url'),
        iat: systemClock(),
        ...payload,
      },
      by,
    )
  it.each<[string, () => Promise<Record<string, string>>]>([
    ['without its proof', async () => ({ 'oauth-client-attestation': await client() })],
    ['that is missing beside a proof', async () => ({ 'oauth-client-attestation-pop': pop() })],
    [
      'that expired',
      async () => ({
        'oauth-client-attestation': await client({ exp: 1 }),
        'oauth-client-attestation-pop': pop(),
      }),
    ],
    [
      'with the proof of another key',
      async () => ({
        'oauth-client-attestation': await client(),
        'oauth-client-attestation-pop': pop({}, key),
      }),
    ],
    [
      'with a proof for another server',
      async () => ({
        'oauth-client-attestation': await client(),
        'oauth-client-attestation-pop': pop({ aud: 'https://other.example' }),
      }),
    ],
    [
      'with an old proof',
      async () => ({
        'oauth-client-attestation': await client(),
        'oauth-client-attestation-pop': pop({ iat: systemClock() - 9999 }),
      }),
    ],
    [
      'with a proof that ended',
      async () => ({
        'oauth-client-attestation': await client(),
        'oauth-client-attestation-pop': pop({ exp: systemClock() - 1 }),
      }),
    ],
    [
      'of another client than stated',
      async () => ({
        'oauth-client-attestation': await client({ sub: 'other' }),
        'oauth-client-attestation-pop': pop(),
      }),
    ],
    ['that is noise', async () => ({ 'oauth-client-attestation': 'x', 'oauth-client-attestation-pop': 'y' })],
  ])('of a client, %s', async (_name, headers) => {
    const form = tokenForm({ client_id: 'wallet' })
    const answer = await post(url('token'), form, { ...(await headers()), dpop: dpop(key, url('token')) })
    refused(answer, 'invalid_client', 401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^OAuth-Client-Attestation /)
  })

  it('of a client, with the same proof again', async () => {
    const headers = { 'oauth-client-attestation': await client(), 'oauth-client-attestation-pop': pop() }
    const ask = () =>
      post(url('token'), tokenForm({ client_id: 'wallet' }), { ...headers, dpop: dpop(key, url('token')) })
    expect((await ask()).status).toBe(200)
    refused(await ask(), 'invalid_client', 401)
  })
})

describe('deferred issuance and notification', () => {
  async function deferred() {
    system.answers.push({ state: 'pending', retrySeconds: 5 })
    const token = await accessToken()
    const { status, body } = await askCredential(order({ jwt: [proofOf(await nonce())] }), token)
    expect(status).toBe(202)
    return { token, transaction: String(body['transaction_id']) }
  }

  it('is for the token it was promised to', async () => {
    const { transaction } = await deferred()
    const answer = await askCredential({ transaction_id: transaction }, undefined, 'deferred-credential')
    refused(answer, 'invalid_transaction_id')
  })

  it('is handed out once, and never at once', async () => {
    const { token, transaction } = await deferred()
    const ask = () => askCredential({ transaction_id: transaction }, token, 'deferred-credential')
    const statuses = (await Promise.all([ask(), ask()])).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 400])
    refused(await ask(), 'invalid_transaction_id')
  })

  it('outlives an answer that the issuing function could not give', async () => {
    const { token, transaction } = await deferred()
    const ask = () => askCredential({ transaction_id: transaction }, token, 'deferred-credential')
    const failing = vi.spyOn(system.issuer, 'issue').mockRejectedValueOnce(new CtidError('ERR_LOG_WITNESSES'))
    expect((await ask()).body['code']).toBe('ERR_LOG_WITNESSES')
    failing.mockRestore()
    expect((await ask()).status).toBe(200)
  })

  it('can end with a refusal', async () => {
    const { token, transaction } = await deferred()
    system.answers.push({ state: 'denied' })
    const answer = await askCredential({ transaction_id: transaction }, token, 'deferred-credential')
    refused(answer, 'credential_request_denied')
  })

  it.each<[string, unknown]>([
    ['unknown', { transaction_id: 'x' }],
    ['missing', {}],
    ['a number', { transaction_id: 7 }],
    ['__proto__', { transaction_id: '__proto__' }],
  ])('a transaction that is %s', async (_name, body) => {
    refused(await askCredential(body, undefined, 'deferred-credential'), 'invalid_transaction_id')
  })

  it.each<[string, (id: string) => unknown, string]>([
    ['no event', (id) => ({ notification_id: id }), 'invalid_notification_request'],
    ['an unknown event', (id) => ({ notification_id: id, event: 'stolen' }), 'invalid_notification_request'],
    [
      'a description that is none',
      (id) => ({ notification_id: id, event: 'credential_failure', event_description: 5 }),
      'invalid_notification_request',
    ],
    [
      'a description beyond ASCII',
      (id) => ({ notification_id: id, event: 'credential_failure', event_description: 'zu groß' }),
      'invalid_notification_request',
    ],
    ['no id', () => ({ event: 'credential_accepted' }), 'invalid_notification_request'],
    [
      'an unknown id',
      () => ({ notification_id: 'x', event: 'credential_accepted' }),
      'invalid_notification_id',
    ],
  ])('a notification with %s', async (_name, body, error) => {
    const token = await accessToken()
    const issued = await askCredential(order({ jwt: [proofOf(await nonce())] }), token)
    const answer = await askCredential(body(String(issued.body['notification_id'])), token, 'notification')
    refused(answer, error)
  })

  it('a notification by another token', async () => {
    const issued = await askCredential(order({ jwt: [proofOf(await nonce())] }))
    const body = { notification_id: issued.body['notification_id'], event: 'credential_accepted' }
    refused(await askCredential(body, undefined, 'notification'), 'invalid_notification_id')
  })
})

describe('wrong methods', () => {
  it.each(['par', 'token', 'nonce', 'credential', 'deferred-credential', 'notification'])(
    'GET, PUT and DELETE at %s',
    async (path) => {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await read(await fetch(url(path), { method }))
        expect(answer.status).toBe(405)
        expect(answer.headers.get('allow')).toBe('POST')
        expect(answer.body['error']).toMatch(/^invalid_/)
      }
    },
  )

  it('POST at the metadata, and an address that is none', async () => {
    expect((await post(`${system.url}/.well-known/openid-credential-issuer/issuer`, {})).status).toBe(405)
    expect((await fetch(url('credential-offers/%ff'))).status).toBe(400)
    expect((await fetch(url('credential-offers/x'))).status).toBe(404)
  })
})
