// Signed lists, their lookups, compact JWS, certificate chains and the development PKI.
import 'reflect-metadata'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { CompactSign, compactVerify, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  checkTrustList,
  findSigner,
  firstResolver,
  keyId,
  parseJws,
  parseTrustList,
  recognises,
  signJws,
  signTrustList,
  type TrustList,
  trustListResolver,
  verifyJws,
} from '#ctid/trust'
import {
  DAY,
  type ErrorCode,
  fromBase64url,
  fromHex,
  type Json,
  systemRandom,
  toBase64url,
  utf8,
} from '../../src/base/index.ts'
import { generateSigner, importVerifyKey, pointToJwk, verifyEs256 } from '../../src/crypto/index.ts'
import {
  chainResolver,
  checkChain,
  createDevelopmentPki,
  DOCUMENT_SIGNING,
  loadOrCreatePki,
} from '../../src/trust/node.ts'

const NOW = Date.parse('2026-11-24T03:25:49Z') / 1000
const publisher = await generateSigner()
const issuer = await generateSigner()
const kid = keyId(issuer.publicJwk)
const list: TrustList = {
  version: 3,
  issuedAt: NOW - 60,
  expiresAt: NOW + DAY,
  issuers: [
    {
      id: 'https://issuer.zj.example',
      name: { en: 'Zhejiang example issuer', zh: '浙江示例签发机构' },
      region: '330000',
      purposes: ['identity', 'health'],
      keys: [{ kid, jwk: issuer.publicJwk, x5c: ['QUJD'], notBefore: NOW - DAY, notAfter: NOW + DAY }],
      statusListBase: 'https://issuer.zj.example/status/',
    },
  ],
  recognition: [{ region: '310000', recognises: ['330000'], purposes: ['health'] }],
}
const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work()
    return 'accepted'
  } catch (error) {
    return (error as { code: ErrorCode }).code
  }
}

describe('the trust list', () => {
  const expected = { expectedSigners: [publisher.publicJwk], now: NOW }

  it('comes back as it was signed', async () => {
    expect(await checkTrustList(await signTrustList(list, publisher), expected)).toEqual(list)
  })

  it('is refused when stale, early, played back, or signed by another', async () => {
    const text = await signTrustList(list, publisher)
    expect(await codeOf(() => checkTrustList(text, { ...expected, now: NOW + DAY }))).toBe(
      'ERR_TRUST_LIST_EXPIRED',
    )
    expect(await codeOf(() => checkTrustList(text, { ...expected, now: NOW - 61 }))).toBe(
      'ERR_TRUST_LIST_EXPIRED',
    )
    expect(await codeOf(() => checkTrustList(text, { ...expected, knownVersion: 4 }))).toBe(
      'ERR_TRUST_LIST_EXPIRED',
    )
    expect(
      await codeOf(() => checkTrustList(text, { ...expected, expectedSigners: [issuer.publicJwk] })),
    ).toBe('ERR_TRUST_UNKNOWN_KEY')
    const forged = await signJws(JSON.parse(JSON.stringify(list)), issuer, {
      typ: 'trustlist+jwt',
      header: { kid: keyId(publisher.publicJwk) },
    })
    expect(await codeOf(() => checkTrustList(forged, expected))).toBe('ERR_TRUST_SIGNATURE')
  })

  const [entry] = list.issuers
  it.each<[string, object]>([
    ['a missing member', { version: undefined }],
    ['an unknown member', { note: 'x' }],
    ['a version that is no whole number', { version: 1.5 }],
    ['an issuer twice', { issuers: [entry, entry] }],
    [
      'a key under another id',
      { issuers: [{ ...entry, keys: [{ ...entry?.keys[0], kid: '0000000000000000' }] }] },
    ],
    [
      'a private key',
      { issuers: [{ ...entry, keys: [{ ...entry?.keys[0], jwk: { ...issuer.privateJwk } }] }] },
    ],
    ['an http issuer', { issuers: [{ ...entry, id: 'http://issuer.example' }] }],
    ['a purpose with spaces', { issuers: [{ ...entry, purposes: ['identity card'] }] }],
    ['a region in words', { recognition: [{ region: 'Shanghai', recognises: [], purposes: [] }] }],
    ['issuers that are no list', { issuers: {} }],
  ])('is refused with %s', async (_title, change) => {
    const value = JSON.parse(JSON.stringify({ ...list, ...change })) as Json
    expect(await codeOf(() => parseTrustList(value))).toBe('ERR_TRUST_LIST')
  })

  it('finds a key by id, purpose, region and time, and says why not', async () => {
    const find = (change: object) => () => findSigner(list, kid, { purpose: 'identity', now: NOW, ...change })
    expect((await find({})()).id).toBe('https://issuer.zj.example')
    expect(await find({})()).toBe(await find({})())
    expect(await codeOf(() => findSigner(list, '0000000000000000', { purpose: 'identity', now: NOW }))).toBe(
      'ERR_TRUST_UNKNOWN_KEY',
    )
    expect(await codeOf(find({ purpose: 'licence' }))).toBe('ERR_TRUST_PURPOSE')
    expect(await codeOf(find({ now: NOW + DAY }))).toBe('ERR_TRUST_KEY_PERIOD')
    expect(await codeOf(find({ now: NOW - DAY - 1 }))).toBe('ERR_TRUST_KEY_PERIOD')
    // Shanghai recognises Zhejiang for health, not for identity; Zhejiang recognises itself.
    expect(await codeOf(find({ region: '310000' }))).toBe('ERR_TRUST_REGION')
    expect(await codeOf(find({ region: '310000', purpose: 'health' }))).toBe('accepted')
    expect(await codeOf(find({ region: '330000' }))).toBe('accepted')
    expect(recognises(list, '440000', { region: '330000' }, 'health')).toBe(false)
  })

  it('resolves headers by kid or by the listed leaf, and refuses a foreign leaf beside a listed kid', async () => {
    const resolve = trustListResolver(list, { purpose: 'identity' })
    expect((await resolve({ kid }, NOW)).kid).toBe(kid)
    expect((await resolve({ x5c: ['QUJD'] }, NOW)).kid).toBe(kid)
    expect(await codeOf(() => resolve({ kid, x5c: ['QUJE'] }, NOW))).toBe('ERR_TRUST_UNKNOWN_KEY')
    expect(await codeOf(() => resolve({ x5c: ['QUJE'] }, NOW))).toBe('ERR_TRUST_UNKNOWN_KEY')
    expect(await codeOf(() => resolve({}, NOW))).toBe('ERR_TRUST_UNKNOWN_KEY')
  })
})

describe('compact JWS', () => {
  it('agrees with jose in both directions', async () => {
    const ours = await signJws({ a: 1 }, issuer, { typ: 't' })
    const { payload } = await compactVerify(ours, await importJWK({ ...issuer.publicJwk }, 'ES256'))
    expect(new TextDecoder().decode(payload)).toBe('{"a":1}')
    const theirs = await new CompactSign(utf8('{"b":2}'))
      .setProtectedHeader({ alg: 'ES256', typ: 't' })
      .sign(await importJWK({ ...issuer.privateJwk }, 'ES256'))
    const jws = parseJws(theirs, { expectedTyp: 't' })
    expect(await verifyJws(jws, await importVerifyKey(issuer.publicJwk))).toBe(true)
  })

  const encode = (value: string) => toBase64url(utf8(value))
  const signature = 'A'.repeat(86)
  it.each<[string, string, ErrorCode]>([
    ['two parts', `${encode('{}')}.${encode('{}')}`, 'ERR_TRUST_JWS'],
    ['none', `${encode('{"alg":"none"}')}.${encode('{}')}.`, 'ERR_TRUST_ALGORITHM'],
    ['padding', `${encode('{"alg":"ES256","typ":"t"}')}.${encode('{}')}=.${signature}`, 'ERR_TRUST_JWS'],
    [
      'duplicate header member',
      `${encode('{"alg":"ES256","alg":"none","typ":"t"}')}.${encode('{}')}.${signature}`,
      'ERR_JSON_DUPLICATE_KEY',
    ],
    [
      'payload that is a list',
      `${encode('{"alg":"ES256","typ":"t"}')}.${encode('[]')}.${signature}`,
      'ERR_JSON_MALFORMED',
    ],
    [
      'DER signature',
      `${encode('{"alg":"ES256","typ":"t"}')}.${encode('{}')}.${'A'.repeat(95)}`,
      'ERR_TRUST_JWS',
    ],
    [
      'unencoded payload',
      `${encode('{"alg":"ES256","typ":"t","b64":false,"crit":["b64"]}')}.${encode('{}')}.${signature}`,
      'ERR_TRUST_CRITICAL',
    ],
    ['oversize', `${'A'.repeat(70_000)}.A.A`, 'ERR_TRUST_TOO_LARGE'],
  ])('refuses %s', async (_title, text, code) => {
    expect(await codeOf(() => parseJws(text, { expectedTyp: 't' }))).toBe(code)
  })
})

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' }
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' }
type Maker = { name: string; issuer?: Made; extensions?: Extension[]; days?: [number, number] }
type Made = { name: string; keys: CryptoKeyPair; pem: string; der: string }

async function certificate({ name, issuer: by, extensions = [], days = [-1, 30] }: Maker): Promise<Made> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const made = await X509CertificateGenerator.create({
    serialNumber: '01',
    subject: `CN=${name}`,
    issuer: `CN=${by?.name ?? name}`,
    notBefore: new Date((NOW + days[0] * DAY) * 1000),
    notAfter: new Date((NOW + days[1] * DAY) * 1000),
    signingAlgorithm: SIGNING,
    publicKey: keys.publicKey,
    signingKey: (by?.keys ?? keys).privateKey,
    extensions,
  })
  return { name, keys, pem: made.toString('pem'), der: Buffer.from(made.rawData).toString('base64') }
}
const authority = (pathLength?: number) => [
  new BasicConstraintsExtension(true, pathLength, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
]
const leafUse = [
  new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
  new SubjectAlternativeNameExtension([
    { type: 'dns', value: 'issuer.example' },
    { type: 'url', value: 'https://issuer.example/a' },
  ]),
]

describe('certificate chains', async () => {
  const root = await certificate({ name: 'root', extensions: authority(1) })
  const middle = await certificate({ name: 'middle', issuer: root, extensions: authority(0) })
  const leaf = await certificate({ name: 'leaf', issuer: middle, extensions: leafUse })
  const check =
    (x5c: unknown, now = NOW) =>
    () =>
      checkChain(x5c, { anchors: [root.pem], now })

  it('accepts leaf and intermediate up to the anchor and names the leaf', () => {
    const chain = check([leaf.der, middle.der])()
    expect(chain.dnsNames).toEqual(['issuer.example'])
    expect(chain.uris).toEqual(['https://issuer.example/a'])
    expect(chain.leafHash).toHaveLength(43)
  })

  it('refuses, each for its reason', async () => {
    const stranger = await certificate({ name: 'root', extensions: authority() })
    const strangersLeaf = await certificate({ name: 'leaf', issuer: stranger, extensions: leafUse })
    const noAuthority = await certificate({ name: 'not-ca', issuer: root, extensions: leafUse })
    const underNoAuthority = await certificate({ name: 'leaf', issuer: noAuthority, extensions: leafUse })
    const deep = await certificate({ name: 'deep', issuer: middle, extensions: authority() })
    const tooDeep = await certificate({ name: 'leaf', issuer: deep, extensions: leafUse })
    const selfSigned = await certificate({ name: 'self', extensions: leafUse })
    const wrongUse = await certificate({
      name: 'use',
      issuer: root,
      extensions: [new KeyUsagesExtension(KeyUsageFlags.keyEncipherment, true)],
    })
    const old = await certificate({ name: 'old', issuer: root, extensions: leafUse, days: [-9, -1] })
    const caLeaf = await certificate({ name: 'ca', issuer: root, extensions: authority() })
    const cases: [string, unknown, ErrorCode][] = [
      ['nothing', undefined, 'ERR_TRUST_CHAIN'],
      ['an empty list', [], 'ERR_TRUST_CHAIN'],
      ['not base64', ['*'], 'ERR_TRUST_CHAIN'],
      ['not a certificate', ['QUJD'], 'ERR_TRUST_CHAIN'],
      [
        'trailing bytes',
        [Buffer.concat([Buffer.from(leaf.der, 'base64'), Buffer.alloc(3)]).toString('base64'), middle.der],
        'ERR_TRUST_CHAIN',
      ],
      [
        'the anchor in the chain',
        [
          leaf.der,
          middle.der,
          Buffer.from(root.pem.replace(/-----.*-----/g, ''), 'base64').toString('base64'),
        ],
        'ERR_TRUST_CHAIN',
      ],
      ['a self-signed leaf', [selfSigned.der], 'ERR_TRUST_CHAIN'],
      ['a missing intermediate', [leaf.der], 'ERR_TRUST_ANCHOR'],
      ['a wrong order', [middle.der, leaf.der], 'ERR_TRUST_ANCHOR'],
      ['another root of the same name', [strangersLeaf.der], 'ERR_TRUST_ANCHOR'],
      [
        'an issuer that is no authority',
        [underNoAuthority.der, noAuthority.der],
        'ERR_TRUST_CERTIFICATE_USE',
      ],
      ['a path longer than allowed', [tooDeep.der, deep.der, middle.der], 'ERR_TRUST_CERTIFICATE_USE'],
      ['a leaf for something else', [wrongUse.der], 'ERR_TRUST_CERTIFICATE_USE'],
      ['an authority as leaf', [caLeaf.der], 'ERR_TRUST_CERTIFICATE_USE'],
      ['an expired leaf', [old.der], 'ERR_TRUST_CERTIFICATE_PERIOD'],
      ['six certificates', Array(6).fill(leaf.der), 'ERR_TRUST_CHAIN'],
    ]
    for (const [title, x5c, code] of cases) expect([title, await codeOf(check(x5c))]).toEqual([title, code])
    expect(await codeOf(check([leaf.der, middle.der], NOW + 31 * DAY))).toBe('ERR_TRUST_CERTIFICATE_PERIOD')
  })

  it('list and chain together: the chain serves whom the list does not know, not whom it excludes', async () => {
    const byChain = chainResolver({ anchors: () => [root.pem] })
    const x5c = [leaf.der, middle.der]
    const ask = (purpose: string) => firstResolver(trustListResolver(list, { purpose }), byChain)
    expect((await ask('identity')({ kid, x5c: ['QUJD'] }, NOW)).id).toBe('https://issuer.zj.example')
    expect((await ask('identity')({ x5c }, NOW)).id).toBe('https://issuer.example/a')
    expect(await codeOf(() => ask('licence')({ kid }, NOW))).toBe('ERR_TRUST_PURPOSE')
    expect(await codeOf(() => ask('identity')({}, NOW))).toBe('ERR_TRUST_UNKNOWN_KEY')
  })

  it('the resolver keeps chains, and forgets them when an anchor goes', async () => {
    let anchors = [root.pem]
    const resolve = chainResolver({ anchors: () => anchors })
    const header = { x5c: [leaf.der, middle.der] }
    const signer = await resolve(header, NOW)
    expect(await resolve(header, NOW)).toBe(signer)
    expect(
      [
        'https://issuer.example',
        'https://issuer.example/a',
        'https://other.example',
        'http://issuer.example',
      ].map((iss) => signer.speaksFor(iss)),
    ).toEqual([true, true, false, false])
    expect(await codeOf(() => resolve(header, NOW + 31 * DAY))).toBe('ERR_TRUST_CERTIFICATE_PERIOD')
    anchors = []
    expect(await codeOf(() => resolve(header, NOW))).toBe('ERR_TRUST_ANCHOR')
  })
})

describe('the development PKI', () => {
  it('is made once, also by two that start at once, and a damaged file is not used', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ctid-pki-'))
    try {
      const options = { now: NOW, random: systemRandom }
      const [one, two] = await Promise.all([
        loadOrCreatePki(folder, options),
        loadOrCreatePki(folder, options),
      ])
      expect(one.parties.issuer.kid).toBe(two.parties.issuer.kid)
      expect(readdirSync(folder).sort()).toEqual(['anchor.pem', 'pki.json'])
      writeFileSync(join(folder, 'pki.json'), '{"parties":')
      expect(await codeOf(() => loadOrCreatePki(folder, options))).toBe('ERR_CRYPTO_KEY')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('certifies its parties, keeps them, and tells their roles apart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ctid-pki-'))
    try {
      const options = { now: NOW, random: systemRandom, baseUrl: 'https://demo.example:8443/x' }
      const pki = await loadOrCreatePki(folder, options)
      const again = await loadOrCreatePki(folder, options)
      expect(again.parties.issuer.kid).toBe(pki.parties.issuer.kid)
      expect(again.parties.issuer.x5c).toEqual(pki.parties.issuer.x5c)
      expect(statSync(join(folder, 'pki.json')).mode & 0o777).toBe(0o600)
      expect(readFileSync(join(folder, 'anchor.pem'), 'utf8')).toBe(pki.anchorPem)

      const accepted = { anchors: [pki.anchorPem], now: NOW, acceptedUsages: [DOCUMENT_SIGNING] }
      const chain = checkChain(pki.parties.issuer.x5c, accepted)
      expect(chain.publicJwk).toEqual(pki.parties.issuer.signer.publicJwk)
      expect([chain.dnsNames, chain.uris]).toEqual([['demo.example'], ['https://demo.example:8443']])
      expect(chain.authorityKeyIds).toHaveLength(1)
      expect(await codeOf(() => checkChain(pki.parties.verifier.x5c, accepted))).toBe(
        'ERR_TRUST_CERTIFICATE_USE',
      )
      const other = await createDevelopmentPki(options)
      expect(await codeOf(() => checkChain(other.parties.issuer.x5c, accepted))).toBe('ERR_TRUST_ANCHOR')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

const root = process.env['CTID_CONFORMANCE']
describe.skipIf(!root)('Wycheproof (CTID_CONFORMANCE)', () => {
  const read = (file: string) =>
    JSON.parse(readFileSync(join(root ?? '', 'wycheproof/testvectors_v1', file), 'utf8'))

  it('ECDSA P-256 SHA-256, r‖s: every case as it should be', async () => {
    let cases = 0
    for (const group of read('ecdsa_secp256r1_sha256_p1363_test.json').testGroups) {
      const key = await importVerifyKey(pointToJwk(fromHex(group.publicKey.uncompressed)))
      for (const test of group.tests) {
        const valid = await verifyEs256(key, fromHex(test.msg), fromHex(test.sig))
        expect([test.tcId, valid]).toEqual([test.tcId, test.result === 'valid'])
        cases++
      }
    }
    expect(cases).toBeGreaterThan(200)
  })

  it('JWS: nothing invalid passes as ES256', async () => {
    let refused = 0
    for (const group of read('json_web_signature_test.json').testGroups) {
      const jwk = group.public ?? group.private
      for (const test of group.tests) {
        if (typeof test.jws !== 'string' || test.result === 'valid') continue
        const accepted = await (async () => {
          const { typ } = JSON.parse(new TextDecoder().decode(fromBase64url(test.jws.split('.')[0])))
          const jws = parseJws(test.jws, { expectedTyp: typ, maxLength: 200_000 })
          return await verifyJws(jws, await importVerifyKey({ kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.y }))
        })().catch(() => false)
        expect([test.tcId, accepted]).toEqual([test.tcId, false])
        refused++
      }
    }
    expect(refused).toBeGreaterThan(50)
  })
})
