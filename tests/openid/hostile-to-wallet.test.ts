// Hostile issuers and verifiers at our wallet: one fault a row, put into the answers of honest ones. Nothing is kept, nothing
// is shown, nothing waits for ever; and what only looks odd is taken.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JsonObject, systemClock } from '#ctid/base'
import { issueCredential } from '#ctid/credential'
import { generateSigner } from '#ctid/crypto'
import {
  createOffer,
  type Fetch,
  type Holding,
  offerLink,
  presentTo,
  type ReceiveOptions,
  receiveCredentials,
} from '#ctid/openid'
import { signJws } from '#ctid/trust'
import type { CertifiedKey } from '../../src/trust/node.ts'
import { random, type System, startSystem, VCT } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

type Body = Record<string, unknown>
/** The network, with one answer changed. */
const changed =
  (path: string, change: (body: Body) => unknown): Fetch =>
  async (url, init) => {
    const response = await fetch(url, init)
    if (!url.includes(path)) return response
    const body = change((await response.json()) as Body)
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status: response.status })
  }

const ISSUER = 'openid-credential-issuer'
const SERVER = 'oauth-authorization-server'
const offer = () =>
  createOffer(system.issuer, { subject: 'person-1', configurationIds: ['ctid-file'], withTxCode: false })
    .offer
const receive = async (network: Fetch, more: Partial<ReceiveOptions> = {}, link = offerLink(offer())) =>
  receiveCredentials(link, {
    fetch: network,
    clock: systemClock,
    random,
    dpopKey: await generateSigner(),
    createKey: generateSigner,
    count: 3,
    ...more,
  })
const list = (body: Body) => body['credentials'] as { credential: string }[]
const foreign = async (vct = VCT) => {
  const { publicJwk } = await generateSigner()
  return issueCredential({ vct }, system.pki.parties.issuer, {
    disclosable: [],
    holderKey: publicJwk,
    random,
  })
}

describe('an issuer', () => {
  it.each<[string, string, (body: Body) => unknown]>([
    [
      'that has the metadata of another',
      ISSUER,
      (body) => ({ ...body, credential_issuer: 'https://a.example' }),
    ],
    ['without a credential endpoint', ISSUER, (body) => ({ ...body, credential_endpoint: undefined })],
    [
      'whose endpoint is a script',
      ISSUER,
      (body) => ({ ...body, credential_endpoint: 'javascript:alert(1)' }),
    ],
    ['whose metadata are a list', ISSUER, () => []],
    ['whose metadata are no JSON', ISSUER, () => '<html>'],
    ['whose metadata have a member twice', ISSUER, () => '{"a":1,"a":2}'],
    ['whose metadata are deep', ISSUER, () => '['.repeat(100_000)],
    ['whose servers are none', ISSUER, (body) => ({ ...body, authorization_servers: [] })],
    ['whose server is a number', ISSUER, (body) => ({ ...body, authorization_servers: [7] })],
    ['whose server is another one', SERVER, (body) => ({ ...body, issuer: 'https://a.example' })],
    ['whose server has no token endpoint', SERVER, (body) => ({ ...body, token_endpoint: 7 })],
    ['that gives no token', '/token', () => ({})],
    ['that gives an odd nonce', '/nonce', () => ({ c_nonce: 7 })],
    ['that gives nothing', '/credential', () => ({ credentials: [] })],
    ['that gives no list', '/credential', () => ({ credentials: 'x' })],
    [
      'that gives one credential twice',
      '/credential',
      (body) => ({ credentials: [list(body)[0], list(body)[0]] }),
    ],
    ['that gives too many', '/credential', (body) => ({ credentials: [...list(body), ...list(body)] })],
    ['that gives noise', '/credential', () => ({ credentials: [{ credential: 'a~b~c' }] })],
    ['that gives a number', '/credential', () => ({ credentials: [{ credential: 7 }] })],
    ['that never decides', '/credential', () => ({ error: 'credential_request_denied' })],
  ])('%s', async (_name, path, change) => {
    await expect(receive(changed(path, change))).rejects.toThrow(/issuer|offer/i)
  })

  it('that gives the credential of somebody else, or one of another kind', async () => {
    const credential = await foreign()
    await expect(receive(changed('/credential', () => ({ credentials: [{ credential }] })))).rejects.toThrow(
      /not bound/,
    )
    const other = changed(ISSUER, (body) => {
      const all = body['credential_configurations_supported'] as Record<string, Body>
      return {
        ...body,
        credential_configurations_supported: { 'ctid-file': { ...all['ctid-file'], vct: 'a:b' } },
      }
    })
    await expect(receive(other)).rejects.toThrow(/another kind/)
  })

  it('whose answer never ends', async () => {
    const endless: Fetch = async (url, init) =>
      url.includes(ISSUER)
        ? new Response(
            new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)) }),
          )
        : fetch(url, init)
    await expect(receive(endless)).rejects.toThrow(/too large/)
  })

  it('whose offer names a server that the issuer does not', async () => {
    const link = offerLink(offer()).replace(
      'pre-authorized_code%22%3A%7B',
      'pre-authorized_code%22%3A%7B%22authorization_server%22%3A%22https%3A%2F%2Fa.example%22%2C',
    )
    expect(link).toContain('authorization_server')
    await expect(receive(fetch, {}, link)).rejects.toThrow(/authorization server/)
  })

  it('that gives fewer, in another order, or does not hear our thanks', async () => {
    const reversed = changed('/credential', (body) => ({
      ...body,
      credentials: list(body).slice(1).reverse(),
    }))
    const deaf: Fetch = async (url, init) => {
      if (url.includes('/notification')) throw new TypeError('cut')
      return reversed(url, init)
    }
    const { credentials, keys } = await receive(deaf)
    expect(credentials).toHaveLength(2)
    expect(keys).toHaveLength(2)
  })

  const login = (change: (back: URLSearchParams) => void): Partial<ReceiveOptions> => ({
    authorize: async (url) => {
      const page = await (await fetch(url)).text()
      const transaction = /name="transaction" value="([^"]+)"/.exec(page)?.[1] ?? ''
      const body = new URLSearchParams({ transaction, subject: 'person-1', decision: 'approve' })
      const decided = await fetch(url.split('?')[0] ?? '', { method: 'POST', redirect: 'manual', body })
      const back = new URL(decided.headers.get('location') ?? '')
      change(back.searchParams)
      return back.href
    },
  })
  const byLogin = () =>
    offerLink({ issuer: system.issuer.baseUrl, configurationIds: ['ctid-file'], authorizationCode: {} })
  it.each<[string, (back: URLSearchParams) => void]>([
    ['of another session', (back) => back.set('state', 'x')],
    ['of another issuer', (back) => back.set('iss', 'https://a.example')],
    ['of an issuer without a name that promised one', (back) => back.delete('iss')],
    ['without a code', (back) => back.delete('code')],
  ])('or a login %s', async (_name, change) => {
    await expect(receive(fetch, login(change), byLogin())).rejects.toThrow(/login/)
  })

  it('whose login promises no name', async () => {
    const plain = changed(SERVER, (body) => ({
      ...body,
      authorization_response_iss_parameter_supported: false,
    }))
    const { credentials } = await receive(
      plain,
      login((back) => back.delete('iss')),
      byLogin(),
    )
    expect(credentials).toHaveLength(3)
  })
})

describe('a verifier', () => {
  const query = {
    credentials: [
      { id: 'a', format: 'dc+sd-jwt', meta: { vct_values: [VCT] }, claims: [{ path: ['name'] }] },
    ],
  }
  const request = () => ({
    response_type: 'vp_token',
    client_id: `x509_hash:${system.verifier.certificate.leafHash}`,
    response_mode: 'direct_post',
    response_uri: `${system.url}/answer`,
    nonce: 'n',
    state: 's',
    aud: 'https://self-issued.me/v2',
    iat: systemClock(),
    exp: systemClock() + 60,
    dcql_query: query,
  })
  type Forged = {
    payload?: Body
    header?: Body
    by?: CertifiedKey
    link?: Record<string, string>
    answer?: unknown
  }

  /** Lets the wallet answer a request of our making; returns what was posted, if anything. */
  async function ask({ payload, header, by, link = {}, answer = {} }: Forged, claims: Body = {}) {
    const key = by ?? system.verifier.key
    const body = JSON.parse(JSON.stringify({ ...request(), ...payload })) as JsonObject
    const jwt = await signJws(body, key.signer as CertifiedKey['signer'], {
      typ: 'oauth-authz-req+jwt',
      header: { x5c: key.x5c, ...header } as JsonObject,
    })
    const holder = await generateSigner()
    const held = { vct: VCT, name: 'Li', ...claims } as JsonObject & { vct: string }
    const disclosable = Object.keys(held)
      .filter((name) => name !== 'vct')
      .map((name) => [name])
    const options = { disclosable, holderKey: holder.publicJwk, random }
    const credential = await issueCredential(held, system.pki.parties.issuer, options)
    const posted: URLSearchParams[] = []
    const network: Fetch = async (url, init) => {
      if (url === 'https://v.example/request') return new Response(jwt)
      posted.push(new URLSearchParams(String(init?.body)))
      return Response.json(answer)
    }
    const parameters = { client_id: request().client_id, request_uri: 'https://v.example/request', ...link }
    const presented = await presentTo(`openid4vp://?${new URLSearchParams(parameters)}`, {
      fetch: network,
      clock: systemClock,
      random,
      holdings: [{ credential, key: holder } satisfies Holding],
      resolveVerifier: system.resolveVerifier,
    })
    return { presented, posted }
  }

  it('that is honest is answered', async () => {
    const { posted } = await ask({})
    expect(posted[0]?.get('state')).toBe('s')
  })

  it.each<[string, Forged]>([
    ['without a name', { link: { client_id: '' } }],
    ['under another name', { link: { client_id: 'x509_hash:abc' } }],
    ['under a name of another kind', { link: { client_id: 'did:example:1' } }],
    ['that names another client inside', { payload: { client_id: 'x509_hash:abc' } }],
    ['of another host than its certificate', { link: { client_id: 'x509_san_dns:a.example' } }],
    ['whose request is for another wallet', { payload: { aud: 'https://a.example' } }],
    ['whose request is for nobody', { payload: { aud: undefined } }],
    ['whose request has expired', { payload: { exp: systemClock() - 1 } }],
    ['whose request is of tomorrow', { payload: { iat: systemClock() + 86_400 } }],
    ['whose request is unsigned', { header: { alg: 'none' } }],
    ['whose request is of another type', { header: { typ: 'JWT' } }],
    ['whose request has an unknown critical extension', { header: { crit: ['x'], x: 1 } }],
    ['without certificates', { header: { x5c: undefined } }],
    ['that does not give our nonce back', { link: { request_uri_method: 'post' } }],
    ['with an unknown way to ask', { link: { request_uri_method: 'put' } }],
    ['whose request lies in a file', { link: { request_uri: 'file:///etc/hostname' } }],
    ['without a nonce', { payload: { nonce: undefined } }],
    ['without an address', { payload: { response_uri: undefined } }],
    [
      'that wants the answer in the clear over a network',
      { payload: { response_uri: 'http://verifier.example/answer' } },
    ],
    ['with two addresses', { payload: { redirect_uri: 'https://a.example' } }],
    ['with another response type', { payload: { response_type: 'code' } }],
    ['with another response mode', { payload: { response_mode: 'fragment' } }],
    ['with transaction data', { payload: { transaction_data: ['x'] } }],
    ['without a question', { payload: { dcql_query: undefined } }],
    ['with a broken question', { payload: { dcql_query: { credentials: [] } } }],
    ['that wants encryption without a key', { payload: { response_mode: 'direct_post.jwt' } }],
  ])('%s gets nothing', async (_name, forged) => {
    await expect(ask(forged)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(OPENID|TRUST)_/) })
  })

  it('whose key is for signing gets nothing', async () => {
    const { publicJwk } = await generateSigner()
    const keys = [{ ...publicJwk, alg: 'ECDH-ES', use: 'sig' }]
    const payload = { response_mode: 'direct_post.jwt', client_metadata: { jwks: { keys } } }
    await expect(ask({ payload })).rejects.toThrow(/encryption key/)
  })

  it.each<[string, object]>([
    ['off the curve', { x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['too short', { x: 'AAAA' }],
    ['of objects', { x: { toString: 1 }, y: null }],
  ])('whose key is %s gets nothing', async (_name, change) => {
    const { publicJwk } = await generateSigner()
    const keys = [{ ...publicJwk, alg: 'ECDH-ES', use: 'enc', ...change }]
    const payload = { response_mode: 'direct_post.jwt', client_metadata: { jwks: { keys } } }
    await expect(ask({ payload })).rejects.toMatchObject({ code: 'ERR_OPENID_REQUEST' })
  })

  it('that nobody vouches for gets nothing', async () => {
    await expect(ask({ by: system.wallets.parties.verifier })).rejects.toMatchObject({
      code: 'ERR_TRUST_ANCHOR',
    })
  })

  it('that asks for more than there is hears that, and no more', async () => {
    const payload = {
      dcql_query: { credentials: [{ ...query.credentials[0], claims: [{ path: ['secret'] }] }] },
    }
    await expect(ask({ payload })).rejects.toThrow(/no credential/)
  })

  it('that sends the browser to a script sends it nowhere', async () => {
    const { presented } = await ask({ answer: { redirect_uri: 'javascript:alert(1)' } })
    expect(presented).toMatchObject({ state: 'sent', redirectUri: undefined })
  })

  it('that asks for a member of every element is answered, though some elements lack it', async () => {
    const claims = [{ path: ['degrees', null, 'type'] }]
    const payload = { dcql_query: { credentials: [{ ...query.credentials[0], claims }] } }
    const { posted } = await ask({ payload }, { degrees: [{ type: 'BSc' }, { year: 2 }] })
    expect(posted[0]?.get('vp_token')).toContain('~')
  })
})
