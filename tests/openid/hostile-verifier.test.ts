// Hostile holders at the verifier: one fault a row. Each is refused with 400 and the check that failed, by its code.
import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { CompactEncrypt, importJWK, type JWK } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DAY, fromHex, type JsonObject, systemClock, toBase64url, utf8 } from '#ctid/base'
import { bindPresentation, issueCredential, presentCredential } from '#ctid/credential'
import { generateSigner, type Signer } from '#ctid/crypto'
import { createStatusList, encodeStatusList, setStatus } from '#ctid/status'
import { keyId, signJws } from '#ctid/trust'
import { type CertifiedKey, checkChain, createDevelopmentPki } from '../../src/trust/node.ts'
import { craft, nested, post, read, refused } from './hostile.ts'
import { random, type System, startSystem, VCT } from './system.ts'

let system: System
let holder: Awaited<ReturnType<typeof generateSigner>>
beforeAll(async () => {
  system = await startSystem()
  holder = await generateSigner()
})
afterAll(async () => {
  expect(system.internal).toEqual([])
  await system.close()
})

const claims = (more: Record<string, unknown> = {}) =>
  ({
    vct: VCT,
    iat: systemClock() - 60,
    exp: systemClock() + DAY,
    name: 'Li',
    age_equal_or_over: { '18': true },
    ...more,
  }) as unknown as JsonObject & { vct: string }
const disclosable = [['name'], ['age_equal_or_over', '18']]
const issue = (more: Record<string, unknown> = {}, by: CertifiedKey = system.pki.parties.issuer) =>
  issueCredential(claims(more), by, { disclosable, holderKey: holder.publicJwk, random })

// A credential with any header and payload, signed by the issuer all the same.
async function forge(header: object, payload: object, disclosures: readonly string[] = []): Promise<string> {
  const { signer, x5c } = system.pki.parties.issuer
  const body = { ...claims(), cnf: { jwk: holder.publicJwk }, name: undefined, ...payload }
  const jwt = await signJws(body as unknown as JsonObject, signer, {
    typ: 'dc+sd-jwt',
    header: { x5c, ...header } as JsonObject,
  })
  return `${[jwt, ...disclosures].join('~')}~`
}
const disclosure = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
const digest = (text: string) => createHash('sha256').update(text).digest('base64url')

type Started = Record<string, string>
type Sent = { readonly aud: string; readonly nonce: string; readonly state: string }

const defaultQuery = {
  credentials: [
    {
      id: 'age',
      format: 'dc+sd-jwt',
      meta: { vct_values: [VCT] },
      claims: [{ path: ['age_equal_or_over', '18'], values: [true] }],
    },
  ],
}

async function start(body: object = {}): Promise<Started> {
  const answer = await post(`${system.url}/openid4vp/requests`, {
    query: defaultQuery,
    response_mode: 'direct_post',
    ...body,
  })
  expect(answer.status, answer.text).toBe(201)
  return answer.body as Started
}
async function requestOf(started: Started): Promise<JsonObject & Sent> {
  const jwt = await (await fetch(started['request_uri'] ?? '')).text()
  const request = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
  return { ...request, aud: request.client_id }
}
const responseUri = (started: Started) => `${system.url}/openid4vp/responses/${started['id']}`
const result = async (started: Started) =>
  (
    await read(
      await fetch(started['result_uri'] ?? '', {
        headers: { authorization: `Bearer ${started['result_secret']}` },
      }),
    )
  ).body

const present = (credential: string, { aud, nonce }: Sent, by: Signer = holder, now = systemClock()) =>
  presentCredential(credential, {
    disclose: [['age_equal_or_over', '18']],
    binding: { holder: by, audience: aud, nonce, now },
  })
const form = (sent: Sent, vpToken: unknown, more: Record<string, string> = {}) =>
  new URLSearchParams({ vp_token: JSON.stringify(vpToken), state: sent.state, ...more })

/** Asks, lets `make` build the presentation, and answers with it. */
async function answerWith(make: (sent: Sent) => Promise<string> | string, body: object = {}) {
  const started = await start(body)
  const sent = await requestOf(started)
  const answer = await post(responseUri(started), form(sent, { age: [await make(sent)] }))
  return { answer, started }
}

async function expectRefusal(
  make: (sent: Sent) => Promise<string> | string,
  code: string,
  body?: object,
): Promise<void> {
  const { answer, started } = await answerWith(make, body)
  refused(answer, 'invalid_request')
  expect(answer.body['code']).toBe(code)
  expect(await result(started)).toMatchObject({ state: 'refused', code })
}

describe('the honest answer', () => {
  it('is accepted', async () => {
    const { answer, started } = await answerWith(async (sent) => present(await issue(), sent))
    expect(answer.status, answer.text).toBe(200)
    expect(await result(started)).toMatchObject({ state: 'accepted' })
  })

  it('is accepted when the clock of the issuer runs a little ahead', async () => {
    const { answer } = await answerWith(async (sent) =>
      present(await issue({ iat: systemClock() + 20 }), sent),
    )
    expect(answer.status, answer.text).toBe(200)
  })
})

describe('the query by authority', () => {
  it('is answered by a credential whose certificates name that authority', async () => {
    const { x5c } = system.pki.parties.issuer
    const { authorityKeyIds } = checkChain(x5c, { anchors: [system.pki.anchorPem], now: systemClock() })
    const values = authorityKeyIds.map((id) => toBase64url(fromHex(id)))
    const query = {
      credentials: [{ ...defaultQuery.credentials[0], trusted_authorities: [{ type: 'aki', values }] }],
    }
    const { answer } = await answerWith(async (sent) => present(await issue(), sent), { query })
    expect(answer.status, answer.text).toBe(200)
  })
})

describe('key binding', () => {
  const bound =
    (change: (sent: Sent, presentation: string) => Promise<string> | string) => async (sent: Sent) => {
      const open = await presentCredential(await issue(), { disclose: [['age_equal_or_over', '18']] })
      return change(sent, open)
    }
  const kb =
    (header: Record<string, unknown>, payload: (sent: Sent) => Record<string, unknown> = () => ({})) =>
    (sent: Sent, open: string) =>
      open +
      craft(
        { alg: 'ES256', typ: 'kb+jwt', ...header },
        { iat: systemClock(), aud: sent.aud, nonce: sent.nonce, sd_hash: digest(open), ...payload(sent) },
        holder,
      )
  it.each<[string, (sent: Sent, open: string) => Promise<string> | string, string]>([
    ['is missing', (_sent, open) => open, 'ERR_CREDENTIAL_BINDING_MISSING'],
    ['has another nonce', kb({}, () => ({ nonce: 'x' })), 'ERR_CREDENTIAL_BINDING_NONCE'],
    ['has no nonce', kb({}, () => ({ nonce: undefined })), 'ERR_CREDENTIAL_BINDING_NONCE'],
    ['is for another verifier', kb({}, () => ({ aud: 'x509_hash:x' })), 'ERR_CREDENTIAL_BINDING_AUDIENCE'],
    [
      'is for the client identifier without its prefix',
      kb({}, ({ aud }) => ({ aud: aud.replace('x509_hash:', '') })),
      'ERR_CREDENTIAL_BINDING_AUDIENCE',
    ],
    [
      'is for a list of verifiers',
      kb({}, ({ aud }) => ({ aud: [aud, 'x'] })),
      'ERR_CREDENTIAL_BINDING_AUDIENCE',
    ],
    ['is old', kb({}, () => ({ iat: systemClock() - 3600 })), 'ERR_CREDENTIAL_BINDING_TIME'],
    ['is from the future', kb({}, () => ({ iat: systemClock() + 3600 })), 'ERR_CREDENTIAL_BINDING_TIME'],
    ['has no time', kb({}, () => ({ iat: undefined })), 'ERR_CREDENTIAL_BINDING_TIME'],
    ['has a time that is text', kb({}, () => ({ iat: 'now' })), 'ERR_CREDENTIAL_BINDING_TIME'],
    ['has expired', kb({}, () => ({ exp: 1 })), 'ERR_CREDENTIAL_BINDING_TIME'],
    ['covers another selection', kb({}, () => ({ sd_hash: digest('x') })), 'ERR_CREDENTIAL_BINDING_HASH'],
    ['covers nothing', kb({}, () => ({ sd_hash: undefined })), 'ERR_CREDENTIAL_BINDING_HASH'],
    ['has another type', kb({ typ: 'jwt' }), 'ERR_TRUST_TYPE'],
    ['has no type', kb({ typ: undefined }), 'ERR_TRUST_TYPE'],
    ['has no signature', kb({ alg: 'none' }), 'ERR_TRUST_ALGORITHM'],
    ['is signed with a shared secret', kb({ alg: 'HS256' }), 'ERR_TRUST_ALGORITHM'],
    ['is signed on another curve', kb({ alg: 'ES384' }), 'ERR_TRUST_ALGORITHM'],
    ['has an unknown critical extension', kb({ crit: ['x'], x: 1 }), 'ERR_TRUST_CRITICAL'],
    ['is noise', (_sent, open) => `${open}abc`, 'ERR_TRUST_JWS'],
  ])('that %s', async (_name, change, code) => {
    await expectRefusal(bound(change), code)
  })

  it('by the key of somebody else', async () => {
    const thief = await generateSigner()
    await expectRefusal(
      async (sent) => present(await issue(), sent, thief),
      'ERR_CREDENTIAL_BINDING_SIGNATURE',
    )
  })

  it('for a part of what is shown: a disclosure added afterwards', async () => {
    await expectRefusal(async (sent) => {
      const credential = await issue()
      const whole = await presentCredential(credential, { disclose: disclosable })
      const part = await presentCredential(credential, { disclose: [['age_equal_or_over', '18']] })
      const binding = (
        await bindPresentation(part, holder, { audience: sent.aud, nonce: sent.nonce, now: systemClock() })
      ).split('~')
      return whole + binding.at(-1)
    }, 'ERR_CREDENTIAL_BINDING_HASH')
  })

  it('may be left out where it is not asked for, but must be right where it comes', async () => {
    const query = {
      credentials: [{ ...defaultQuery.credentials[0], require_cryptographic_holder_binding: false }],
    }
    const plain = async () => presentCredential(await issue(), { disclose: [['age_equal_or_over', '18']] })
    expect((await answerWith(plain, { query })).answer.status).toBe(200)
    expect((await answerWith(async (sent) => present(await issue(), sent), { query })).answer.status).toBe(
      200,
    )
    await expectRefusal(
      async (sent) => present(await issue(), { ...sent, nonce: 'x' }),
      'ERR_CREDENTIAL_BINDING_NONCE',
      { query },
    )
    // What is bound to a key of another kind can be shown as well as what is bound to none.
    const unbound = (cnf: unknown) => forge({}, { age_equal_or_over: { '18': true }, cnf })
    expect((await answerWith(() => unbound({ kid: 'did:example:1' }), { query })).answer.status).toBe(200)
    expect((await answerWith(() => unbound(undefined), { query })).answer.status).toBe(200)
  })
})

describe('the credential', () => {
  const age = disclosure('salt', '18', true)
  const aged = { age_equal_or_over: { _sd: [digest(age)] }, _sd_alg: 'sha-256' }
  const secret = disclosure('salt', 'iss', 'https://evil.example')
  const late = disclosure('salt', 'exp', 9_999_999_999)
  const twice = disclosure('salt', 'age_equal_or_over', { '18': true })
  it.each<[string, () => Promise<string>, string]>([
    ['of another type of token', () => forge({ typ: 'jwt' }, aged, [age]), 'ERR_TRUST_TYPE'],
    ['of the older type', () => forge({ typ: 'vc+sd-jwt' }, aged, [age]), 'ERR_TRUST_TYPE'],
    ['without a type', () => forge({ typ: undefined }, aged, [age]), 'ERR_TRUST_TYPE'],
    ['without a signature', () => forge({ alg: 'none' }, aged, [age]), 'ERR_TRUST_ALGORITHM'],
    ['with a shared secret', () => forge({ alg: 'HS256' }, aged, [age]), 'ERR_TRUST_ALGORITHM'],
    ['of another curve', () => forge({ alg: 'ES384' }, aged, [age]), 'ERR_TRUST_ALGORITHM'],
    ['with an unknown critical extension', () => forge({ crit: ['x'] }, aged, [age]), 'ERR_TRUST_CRITICAL'],
    ['without certificates', () => forge({ x5c: undefined }, aged, [age]), 'ERR_TRUST_CHAIN'],
    ['with certificates that are none', () => forge({ x5c: ['AAAA'] }, aged, [age]), 'ERR_TRUST_CHAIN'],
    [
      'with too many certificates',
      () => forge({ x5c: Array(50).fill('AAAA') }, aged, [age]),
      'ERR_TRUST_CHAIN',
    ],
    [
      'with the anchor in its chain',
      () => {
        const anchor = system.pki.anchorPem.replace(/-----[^-]+-----|\s/g, '')
        return forge({ x5c: [...system.pki.parties.issuer.x5c, anchor] }, aged, [age])
      },
      'ERR_TRUST_CHAIN',
    ],
    [
      'signed by another party of the same authority',
      () => forge({ x5c: system.pki.parties.rules.x5c }, aged, [age]),
      'ERR_TRUST_SIGNATURE',
    ],
    [
      'with the certificate of a verifier',
      () => forge({ x5c: system.pki.parties.verifier.x5c }, aged, [age]),
      'ERR_TRUST_CERTIFICATE_USE',
    ],
    ['that expired', () => forge({}, { ...aged, exp: systemClock() - 1 }, [age]), 'ERR_CREDENTIAL_EXPIRED'],
    [
      'that is not valid yet',
      () => forge({}, { ...aged, nbf: systemClock() + 999 }, [age]),
      'ERR_CREDENTIAL_NOT_YET_VALID',
    ],
    ['whose end is text', () => forge({}, { ...aged, exp: 'never' }, [age]), 'ERR_CREDENTIAL_CLAIM'],
    [
      'of another kind',
      () => forge({}, { ...aged, vct: 'https://x.example/1' }, [age]),
      'ERR_CREDENTIAL_TYPE',
    ],
    ['of no kind', () => forge({}, { ...aged, vct: undefined }, [age]), 'ERR_CREDENTIAL_CLAIM'],
    [
      'by a false name',
      () => forge({}, { ...aged, iss: 'https://other.example' }, [age]),
      'ERR_CREDENTIAL_ISSUER',
    ],
    ['bound to no key', () => forge({}, { ...aged, cnf: undefined }, [age]), 'ERR_CREDENTIAL_HOLDER_KEY'],
    [
      'bound to a key id',
      () => forge({}, { ...aged, cnf: { kid: 'x' } }, [age]),
      'ERR_CREDENTIAL_HOLDER_KEY',
    ],
    [
      'with another hash',
      () => forge({}, { ...aged, _sd_alg: 'sha-512' }, [age]),
      'ERR_CREDENTIAL_HASH_ALGORITHM',
    ],
    [
      'with an unknown hash',
      () => forge({}, { ...aged, _sd_alg: 'md5' }, [age]),
      'ERR_CREDENTIAL_HASH_ALGORITHM',
    ],
    [
      'with a disclosure that nothing refers to',
      () => forge({}, aged, [age, disclosure('salt', 'name', 'x')]),
      'ERR_CREDENTIAL_DISCLOSURE_UNREFERENCED',
    ],
    ['with a disclosure twice', () => forge({}, aged, [age, age]), 'ERR_CREDENTIAL_DISCLOSURE_UNREFERENCED'],
    [
      'with a digest twice',
      () => forge({}, { ...aged, _sd: [digest(age)] }, [age]),
      'ERR_CREDENTIAL_DIGEST_REPEATED',
    ],
    [
      'that hides its issuer',
      () => forge({}, { ...aged, _sd: [digest(secret)] }, [age, secret]),
      'ERR_CREDENTIAL_CLAIM_PROTECTED',
    ],
    [
      'that hides its end',
      () => forge({}, { ...aged, exp: undefined, _sd: [digest(late)] }, [age, late]),
      'ERR_CREDENTIAL_CLAIM_PROTECTED',
    ],
    [
      'with a claim twice',
      () => forge({}, { ...aged, _sd: [digest(twice)] }, [age, twice]),
      'ERR_CREDENTIAL_CLAIM_COLLISION',
    ],
    ['with a disclosure that is noise', () => forge({}, aged, [age, '!!!']), 'ERR_CREDENTIAL_DISCLOSURE'],
    [
      'with a disclosure of two parts among members',
      () => {
        const two = disclosure('salt', 'x')
        return forge({}, { ...aged, _sd: [digest(two)] }, [age, two])
      },
      'ERR_CREDENTIAL_DISCLOSURE',
    ],
  ])('%s', async (_name, make, code) => {
    await expectRefusal(async ({ aud, nonce }) => {
      const open = await make()
      return bindPresentation(open, holder, { audience: aud, nonce, now: systemClock() })
    }, code)
  })

  it('of an issuer nobody knows', async () => {
    const stranger = await createDevelopmentPki({ now: systemClock(), random, baseUrl: system.url })
    await expectRefusal(
      async (sent) => present(await issue({}, stranger.parties.issuer), sent),
      'ERR_TRUST_ANCHOR',
    )
  })

  it('under a certificate that expired', async () => {
    const old = await createDevelopmentPki({ now: systemClock() - 900 * DAY, random, baseUrl: system.url })
    await expectRefusal(
      async (sent) => present(await issue({}, old.parties.issuer), sent),
      'ERR_TRUST_ANCHOR',
    )
  })

  it('changed after it was signed', async () => {
    await expectRefusal(async (sent) => {
      const [jwt = '', ...rest] = (await issue()).split('~')
      const [head, body = '', signature] = jwt.split('.')
      const payload = JSON.parse(Buffer.from(body, 'base64url').toString())
      const forged = Buffer.from(JSON.stringify({ ...payload, role: 'admin' })).toString('base64url')
      return present([`${head}.${forged}.${signature}`, ...rest].join('~'), sent)
    }, 'ERR_TRUST_SIGNATURE')
  })

  it.each<[string, string]>([
    ['empty', ''],
    ['a tilde', '~'],
    ['tildes', '~~~~'],
    ['a JWT without a tilde', 'a.b.c'],
    ['noise', 'x~y~z'],
    ['long', 'a'.repeat(100_000)],
    ['JSON', '{"payload":"x"}'],
  ])('that is %s', async (_name, text) => {
    const { answer } = await answerWith(() => text)
    refused(answer, 'invalid_request', [400, 413])
  })
})

describe('the status', () => {
  let uri: string
  let lists = 0
  beforeEach(() => {
    uri = `${system.url}/status/${++lists}`
  })
  const credential = () => issue({ status: { status_list: { idx: 5, uri } } })
  async function publish(
    change: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
    value = 0,
    by: CertifiedKey = system.pki.parties.issuer,
  ): Promise<void> {
    const list = createStatusList(64, 2)
    setStatus(list, 5, value)
    const payload = {
      sub: uri,
      iat: systemClock(),
      exp: systemClock() + 600,
      ttl: 60,
      status_list: await encodeStatusList(list),
      ...change,
    }
    const token = await signJws(payload as unknown as JsonObject, by.signer, {
      typ: 'statuslist+jwt',
      header: { kid: keyId(by.signer.publicJwk), ...header } as JsonObject,
    })
    system.statusTokens.set(uri, token)
  }
  const bomb = () => ({ bits: 2, lst: deflateSync(Buffer.alloc(64 * 1024 * 1024)).toString('base64url') })

  it('valid is accepted', async () => {
    await publish()
    const { answer } = await answerWith(async (sent) => present(await credential(), sent))
    expect(answer.status, answer.text).toBe(200)
  })

  it.each<[string, () => Promise<void>, string]>([
    ['revoked', () => publish({}, {}, 1), 'ERR_STATUS_REVOKED'],
    ['suspended', () => publish({}, {}, 2), 'ERR_STATUS_SUSPENDED'],
    ['of no known meaning', () => publish({}, {}, 3), 'ERR_STATUS_UNKNOWN'],
    ['of a list that cannot be fetched', async () => {}, 'ERR_STATUS_UNAVAILABLE'],
    ['of a list for another address', () => publish({ sub: 'https://x.example' }), 'ERR_STATUS_LIST_SUBJECT'],
    ['of a list without an address', () => publish({ sub: undefined }), 'ERR_STATUS_LIST_SUBJECT'],
    ['of a list of another type', () => publish({}, { typ: 'jwt' }), 'ERR_TRUST_TYPE'],
    ['of a list that expired', () => publish({ exp: systemClock() - 1 }), 'ERR_STATUS_LIST_EXPIRED'],
    ['of a list from the future', () => publish({ iat: systemClock() + 9999 }), 'ERR_STATUS_LIST_EXPIRED'],
    ['of a list without a time', () => publish({ iat: undefined }), 'ERR_STATUS_LIST'],
    ['of a list with a negative ttl', () => publish({ ttl: -1 }), 'ERR_STATUS_LIST'],
    ['of an unsigned list', () => publish({}, { alg: 'none' }), 'ERR_TRUST_ALGORITHM'],
    [
      'of a list by somebody else',
      () => publish({}, {}, 0, system.wallets.parties.issuer),
      'ERR_STATUS_LIST_SIGNER',
    ],
    [
      'of a list that is too short',
      () => publish({ status_list: listOf(Buffer.alloc(1)) }),
      'ERR_STATUS_INDEX',
    ],
    [
      'of a list that inflates without end',
      () => publish({ status_list: bomb() }),
      'ERR_STATUS_LIST_TOO_LARGE',
    ],
    [
      'of a list that is not compressed',
      () => publish({ status_list: { bits: 2, lst: 'AAAA' } }),
      'ERR_STATUS_LIST',
    ],
    ['of a list of three bits', () => publish({ status_list: { bits: 3, lst: 'AAAA' } }), 'ERR_STATUS_LIST'],
    ['of a list that is no list', () => publish({ status_list: 'x' }), 'ERR_STATUS_LIST'],
  ])('%s', async (_name, prepare, code) => {
    await prepare()
    await expectRefusal(async (sent) => present(await credential(), sent), code)
  })
  const listOf = (bytes: Buffer) => ({ bits: 2, lst: deflateSync(bytes).toString('base64url') })

  it.each<[string, unknown]>([
    ['of a kind that is not known', { other: {} }],
    ['with a negative index', { status_list: { idx: -1, uri: 'https://x.example' } }],
    ['with an index that is text', { status_list: { idx: '5', uri: 'https://x.example' } }],
    ['without an address', { status_list: { idx: 5 } }],
  ])('%s', async (_name, status) => {
    const { signer, x5c } = system.pki.parties.issuer
    const body = { ...claims({ status }), cnf: { jwk: holder.publicJwk } } as unknown as JsonObject
    const jwt = await signJws(body, signer, { typ: 'dc+sd-jwt', header: { x5c } })
    await expectRefusal(async ({ aud, nonce }) => {
      return bindPresentation(`${jwt}~`, holder, { audience: aud, nonce, now: systemClock() })
    }, 'ERR_CREDENTIAL_CLAIM')
  })
})

describe('the query', () => {
  const [base] = defaultQuery.credentials
  const asking = (change: object) => ({ query: { credentials: [{ ...base, ...change }] } })
  it.each<[string, object]>([
    ['a claim that was not disclosed', { claims: [{ path: ['name'] }] }],
    ['another value', { claims: [{ path: ['age_equal_or_over', '18'], values: [false] }] }],
    ['a value of another type', { claims: [{ path: ['age_equal_or_over', '18'], values: ['true'] }] }],
    ['a claim that there is not', { claims: [{ path: ['age_equal_or_over', '99'] }] }],
    [
      'another authority',
      { trusted_authorities: [{ type: 'aki', values: ['AAAAAAAAAAAAAAAAAAAAAAAAAAA'] }] },
    ],
    [
      'an authority of another kind',
      { trusted_authorities: [{ type: 'etsi_tl', values: ['https://x.example'] }] },
    ],
    [
      'one of two sets, none complete',
      {
        claims: [
          { id: 'a', path: ['name'] },
          { id: 'b', path: ['birthdate'] },
        ],
        claim_sets: [['a'], ['b']],
      },
    ],
  ])('asks for %s', async (_name, change) => {
    await expectRefusal(
      async (sent) => present(await issue(), sent),
      'ERR_OPENID_DCQL_ANSWER',
      asking(change),
    )
  })

  const answered: [string, (presentation: string, other: string) => unknown][] = [
    ['an unknown id', (p) => ({ age: [p], other: [p] })],
    ['only an unknown id', (p) => ({ other: [p] })],
    ['__proto__ as id', (p) => JSON.parse(`{"__proto__":["${p}"]}`)],
    ['two presentations', (p, q) => ({ age: [p, q] })],
    ['one presentation twice', (p) => ({ age: [p, p] })],
  ]
  it.each(answered)('is answered with %s', async (_name, vpToken) => {
    const started = await start()
    const sent = await requestOf(started)
    const [first, second] = [await present(await issue(), sent), await present(await issue(), sent)]
    refused(await post(responseUri(started), form(sent, vpToken(first, second))), 'invalid_request')
    expect(await result(started)).toMatchObject({ state: 'refused', code: 'ERR_OPENID_DCQL_ANSWER' })
  })

  it.each<[string, unknown]>([
    ['a list', ['x']],
    ['text', 'x'],
    ['null', null],
    ['nothing', {}],
    ['an empty list of presentations', { age: [] }],
    ['a presentation without a list', { age: 'x' }],
    ['an object as presentation', { age: [{}] }],
    ['too many', { age: Array(100).fill('x') }],
  ])('is answered with %s, which is no answer and spends nothing', async (_name, vpToken) => {
    const started = await start()
    const sent = await requestOf(started)
    refused(await post(responseUri(started), form(sent, vpToken)), 'invalid_request')
    const right = await present(await issue(), sent)
    expect((await post(responseUri(started), form(sent, { age: [right] }))).status).toBe(200)
  })

  it.each<[string, unknown]>([
    ['nothing', {}],
    ['no credentials', { credentials: [] }],
    ['an id twice', { credentials: [base, base] }],
    ['an odd id', { credentials: [{ ...base, id: 'a b' }] }],
    ['no type', { credentials: [{ ...base, meta: {} }] }],
    [
      'a format we cannot check',
      { credentials: [{ id: 'm', format: 'mso_mdoc', meta: { doctype_value: 'x' } }] },
    ],
    ['an empty path', { credentials: [{ ...base, claims: [{ path: [] }] }] }],
    ['a negative step', { credentials: [{ ...base, claims: [{ path: [-1] }] }] }],
    ['sets without claims', { credentials: [{ ...base, claims: undefined, claim_sets: [['a']] }] }],
    ['a set of unknown ids', { credentials: [base], credential_sets: [{ options: [['x']] }] }],
    ['depth', { credentials: JSON.parse(nested(25)) }],
  ])('is made of %s', async (_name, query) => {
    refused(await post(`${system.url}/openid4vp/requests`, { query }), 'invalid_request')
  })

  it.each<[string, object]>([
    ['an unknown response mode', { response_mode: 'fragment' }],
    ['an unknown prefix', { client_id_prefix: 'did' }],
    ['a page of somebody else to end at', { completion_uri: 'https://evil.example/collect' }],
    ['a script to end at', { completion_uri: 'javascript:alert(1)' }],
    ['no origins for the Digital Credentials API', { response_mode: 'dc_api.jwt' }],
    ['an origin with a path', { response_mode: 'dc_api.jwt', expected_origins: ['https://a.example/x'] }],
    ['an unknown preset', { preset: '__proto__' }],
  ])('starts with %s', async (_name, body) => {
    const answer = await post(`${system.url}/openid4vp/requests`, { query: defaultQuery, ...body })
    refused(answer, 'invalid_request')
  })
})

describe('the encrypted answer', () => {
  type Jwe = {
    readonly alg?: string
    readonly enc?: string
    readonly header?: Record<string, unknown>
    readonly jwk?: JWK
  }
  async function encrypted(sent: JsonObject & Sent, payload: unknown, change: Jwe = {}): Promise<string> {
    const metadata = sent['client_metadata'] as unknown as { jwks: { keys: JWK[] } }
    const jwk = change.jwk ?? (metadata.jwks.keys[0] as JWK)
    const { alg = 'ECDH-ES', enc = 'A128GCM' } = change
    return new CompactEncrypt(utf8(typeof payload === 'string' ? payload : JSON.stringify(payload)))
      .setProtectedHeader({ alg, enc, ...(jwk.kid ? { kid: jwk.kid } : {}), ...change.header })
      .encrypt(await importJWK(jwk, alg))
  }
  async function opened() {
    const started = await start({ response_mode: 'direct_post.jwt' })
    const sent = await requestOf(started)
    const vpToken = { age: [await present(await issue(), sent)] }
    return { started, sent, payload: { vp_token: vpToken, state: sent.state } }
  }
  const send = (started: Started, response: string, more: Record<string, string> = {}) =>
    post(responseUri(started), new URLSearchParams({ response, ...more }))

  it.each<[string, Jwe]>([
    ['A128GCM', {}],
    ['A256GCM', { enc: 'A256GCM' }],
    ['no key id', { header: { kid: undefined } }],
  ])('with %s is accepted', async (_name, change) => {
    const { started, sent, payload } = await opened()
    expect((await send(started, await encrypted(sent, payload, change))).status).toBe(200)
  })

  it.each<[string, Jwe]>([
    ['key wrapping', { alg: 'ECDH-ES+A128KW' }],
    ['another content encryption', { enc: 'A128CBC-HS256' }],
    ['another key id', { header: { kid: 'x' } }],
  ])('with %s', async (_name, change) => {
    const { started, sent, payload } = await opened()
    refused(await send(started, await encrypted(sent, payload, change)), 'invalid_request')
  })

  it('to another key', async () => {
    const { started, sent, payload } = await opened()
    const { publicJwk } = await generateSigner()
    refused(await send(started, await encrypted(sent, payload, { jwk: { ...publicJwk } })), 'invalid_request')
  })

  const retouch = (jwe: string, change: (header: Record<string, unknown>) => object): string => {
    const [head = '', ...rest] = jwe.split('.')
    const header = JSON.parse(Buffer.from(head, 'base64url').toString())
    return [toBase64url(utf8(JSON.stringify(change(header)))), ...rest].join('.')
  }
  it.each<[string, (jwe: string) => string]>([
    ['compressed', (jwe) => retouch(jwe, (header) => ({ ...header, zip: 'DEF' }))],
    ['with alg dir', (jwe) => retouch(jwe, (header) => ({ ...header, alg: 'dir' }))],
    ['with alg none', (jwe) => retouch(jwe, (header) => ({ ...header, alg: 'none' }))],
    ['with RSA1_5', (jwe) => retouch(jwe, (header) => ({ ...header, alg: 'RSA1_5' }))],
    [
      'with a password',
      (jwe) => retouch(jwe, (h) => ({ ...h, alg: 'PBES2-HS256+A128KW', p2s: 'AA', p2c: 1e9 })),
    ],
    ['without an ephemeral key', (jwe) => retouch(jwe, (header) => ({ ...header, epk: undefined }))],
    ['with an ephemeral key that is text', (jwe) => retouch(jwe, (header) => ({ ...header, epk: 'x' }))],
    [
      'with an ephemeral key off the curve',
      (jwe) => retouch(jwe, (h) => ({ ...h, epk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } })),
    ],
    [
      'with an ephemeral key on another curve',
      (jwe) => retouch(jwe, (h) => ({ ...h, epk: { kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA' } })),
    ],
    [
      'with an unknown critical extension',
      (jwe) => retouch(jwe, (header) => ({ ...header, crit: ['x'], x: 1 })),
    ],
    ['cut off', (jwe) => jwe.slice(0, -4)],
    ['with a line break', (jwe) => `${jwe.slice(0, -4)}\n${jwe.slice(-4)}`],
    ['of four parts', (jwe) => jwe.split('.').slice(0, 4).join('.')],
    ['of noise', () => 'a.b.c.d.e'],
    ['of nothing', () => ''],
  ])('%s', async (_name, change) => {
    const { started, sent, payload } = await opened()
    refused(await send(started, change(await encrypted(sent, payload))), 'invalid_request')
  })

  it.each<[string, unknown]>([
    ['no JSON', 'x'],
    ['a list', []],
    ['a member twice', '{"state":"a","state":"b"}'],
    ['depth', nested(5000)],
    ['nothing', {}],
  ])('with %s inside', async (_name, payload) => {
    const { started, sent } = await opened()
    refused(await send(started, await encrypted(sent, payload)), 'invalid_request')
  })

  it('in the clear where it had to be encrypted, and encrypted where it had not', async () => {
    const { started, sent, payload } = await opened()
    refused(await post(responseUri(started), form(sent, payload.vp_token)), 'invalid_request')
    const plain = await start()
    refused(await send(plain, await encrypted(sent, payload)), 'invalid_request')
    refused(await send(started, await encrypted(sent, payload), { vp_token: '{}' }), 'invalid_request')
  })

  it('for another request', async () => {
    const [one, other] = [await opened(), await opened()]
    refused(await send(other.started, await encrypted(one.sent, one.payload)), 'invalid_request')
  })
})

describe('the session', () => {
  const honest = async (sent: Sent) => form(sent, { age: [await present(await issue(), sent)] })

  it('takes one of several answers at once, and none afterwards', async () => {
    const started = await start()
    const sent = await requestOf(started)
    const bodies = await Promise.all([honest(sent), honest(sent), honest(sent)])
    const answers = await Promise.all(bodies.map((body) => post(responseUri(started), body)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
    refused(await post(responseUri(started), await honest(sent)), 'invalid_request')
  })

  it('refuses its request object after the answer', async () => {
    const started = await start()
    await post(responseUri(started), await honest(await requestOf(started)))
    refused(await read(await fetch(started['request_uri'] ?? '')), 'invalid_request')
  })

  it.each<[string, string | undefined]>([
    ['another state', 'x'],
    ['no state', undefined],
  ])('with %s takes nothing and spends nothing', async (_name, state) => {
    const started = await start()
    const sent = await requestOf(started)
    const body = await honest(sent)
    if (state === undefined) body.delete('state')
    else body.set('state', state)
    refused(await post(responseUri(started), body), 'invalid_request')
    expect((await post(responseUri(started), await honest(sent))).status).toBe(200)
  })

  it('does not take what was shown in another session', async () => {
    const [one, other] = [await start(), await start()]
    const [first, second] = [await requestOf(one), await requestOf(other)]
    const stolen = await present(await issue(), first)
    refused(await post(responseUri(other), form(second, { age: [stolen] })), 'invalid_request')
  })

  it.each<[string, Record<string, string>]>([
    ['with its state', { error: 'access_denied' }],
    ['with a description', { error: 'wallet_unavailable', error_description: 'x' }],
    ['of no registered form', { error: '<script>alert(1)</script>' }],
  ])('hears an honest error, %s, with 200', async (_name, body) => {
    const started = await start({ response_mode: 'direct_post.jwt' })
    const sent = await requestOf(started)
    const answer = await post(responseUri(started), new URLSearchParams({ ...body, state: sent.state }))
    expect(answer.status).toBe(200)
    const outcome = await result(started)
    expect(outcome['state']).toBe('declined')
    expect(outcome['error']).toMatch(/^(access_denied|wallet_unavailable|invalid_error)$/)
  })

  it('hears an honest error without a state, but not one with a wrong state', async () => {
    const started = await start()
    const wrong = new URLSearchParams({ error: 'access_denied', state: 'x' })
    refused(await post(responseUri(started), wrong), 'invalid_request')
    const without = new URLSearchParams({ error: 'access_denied' })
    expect((await post(responseUri(started), without)).status).toBe(200)
  })

  it('does not take error and presentation together', async () => {
    const started = await start()
    const body = await honest(await requestOf(started))
    body.set('error', 'access_denied')
    refused(await post(responseUri(started), body), 'invalid_request')
  })

  it('releases its result to the browser that started, with the code the wallet brought back', async () => {
    const started = await start({ flow: 'same_device' })
    const { body } = await post(responseUri(started), await honest(await requestOf(started)))
    const back = new URL(String(body['redirect_uri']))
    const secret = { authorization: `Bearer ${started['result_secret']}` }
    const collect = async (uri: string, headers: Record<string, string> = {}) =>
      (await fetch(uri, { headers })).status
    const code = back.searchParams.get('response_code') ?? ''
    const uri = started['result_uri'] ?? ''
    expect(await collect(`${uri}?response_code=${code}`)).toBe(400)
    expect(await collect(`${uri}?response_code=${code}`, { authorization: 'Bearer x' })).toBe(400)
    expect(await collect(uri, secret)).toBe(400)
    expect(await collect(`${uri}?response_code=x`, secret)).toBe(400)
    expect(await collect(`${uri}?response_code=${code}&response_code=${code}`, secret)).toBe(400)
    expect(await collect(back.href)).toBe(400)
    expect(await collect(back.href, { cookie: `ctid_vp_${started['id']}=${started['result_secret']}` })).toBe(
      200,
    )
    expect(await collect(`${uri}?response_code=${code}`, secret)).toBe(200)
  })

  it.each<[string, string | Uint8Array, string, number]>([
    ['JSON', '{"vp_token":{}}', 'application/json', 400],
    ['text', 'x', 'text/plain', 415],
    ['a parameter twice', 'state=a&state=b', 'application/x-www-form-urlencoded', 400],
    ['nothing', '', 'application/x-www-form-urlencoded', 400],
    ['bytes that are no UTF-8', new Uint8Array([0xff]), 'application/x-www-form-urlencoded', 400],
    ['half a megabyte', `response=${'x'.repeat(500_000)}`, 'application/x-www-form-urlencoded', 413],
    ['depth', `vp_token=${nested(5000)}`, 'application/x-www-form-urlencoded', 400],
  ])('is not moved by %s', async (_name, body, type, status) => {
    const started = await start()
    refused(await post(responseUri(started), body, { 'content-type': type }), 'invalid_request', status)
    expect(await result(started)).toEqual({ state: 'pending' })
  })

  it.each<[string, string, RequestInit?]>([
    ['an unknown answer', 'responses/x', { method: 'POST', body: new URLSearchParams({ state: 'x' }) }],
    ['an unknown request', 'requests/x'],
    ['__proto__', 'requests/__proto__'],
    ['an unknown result', 'requests/x/result'],
    ['broken percent signs', 'requests/%ff'],
    ['an empty nonce', 'requests/x', { method: 'POST', body: new URLSearchParams({ wallet_nonce: '' }) }],
  ])('knows nothing of %s', async (_name, path, init) => {
    refused(await read(await fetch(`${system.url}/openid4vp/${path}`, init)), 'invalid_request')
  })

  it.each(['requests', 'requests/x', 'responses/x', 'requests/x/result', 'requests/x/complete'])(
    'answers PUT at %s with 405',
    async (path) => {
      const answer = await read(await fetch(`${system.url}/openid4vp/${path}`, { method: 'PUT' }))
      refused(answer, 'invalid_request', 405)
    },
  )

  it('puts the nonce of the wallet into the request object', async () => {
    const started = await start()
    const answer = await post(started['request_uri'] ?? '', new URLSearchParams({ wallet_nonce: 'n-1' }))
    expect(answer.headers.get('content-type')).toBe('application/oauth-authz-req+jwt')
    expect(Buffer.from(answer.text.split('.')[1] ?? '', 'base64url').toString()).toContain(
      '"wallet_nonce":"n-1"',
    )
    const huge = new URLSearchParams({ wallet_nonce: 'x'.repeat(5000) })
    refused(await post(started['request_uri'] ?? '', huge), 'invalid_request')
  })
})
