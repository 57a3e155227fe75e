// Real certificates and hostile ones: bombs, wrong keys, wrong kids, odd but genuine forms.
import { deflateRawSync, deflateSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, toBase64url, utf8 } from '#ctid/base'
import { generateSigner, jwkThumbprint, type Signer, sha256 } from '#ctid/crypto'
import {
  checkDcc,
  checkHealthCard,
  type DccKey,
  decodeDcc,
  decodeHealthCard,
  findingsOfDcc,
  healthCardKeys,
  readHealthCardCodes,
} from '#ctid/health'
import { type CborValue, encodeBase45, signatureInput, writeCbor } from '#ctid/qr'
import { inflate, inflateAsStream } from '../../src/health/certificates/inflate.ts'

const NOW = 1_795_478_400
let signer: Signer
let key: DccKey
const kid = sha256(utf8('certificate')).slice(0, 8)

beforeAll(async () => {
  signer = await generateSigner()
  const jwk = await globalThis.crypto.subtle.importKey(
    'jwk',
    { ...signer.publicJwk },
    { name: 'ECDSA', namedCurve: 'P-256' },
    true,
    ['verify'],
  )
  const spki = new Uint8Array(await globalThis.crypto.subtle.exportKey('spki', jwk))
  key = {
    kid,
    spki,
    keyType: 'P-256',
    kinds: ['t'],
    country: 'XX',
    notBefore: NOW - 1000,
    notAfter: NOW + 1000,
  }
})

const TEST = new Map<string, CborValue>([
  ['tg', '840539006'],
  ['tt', 'LP6464-4'],
  ['tr', '260415000'],
  ['sc', '2026-11-23T10:00:00Z'],
])
type Parts = {
  kid?: Uint8Array
  unprotectedKid?: Uint8Array
  tags?: number[]
  kind?: string
  exp?: number
  compress?: (data: Uint8Array) => Uint8Array
}

async function makeDcc({
  kid: protectedKid = kid,
  unprotectedKid,
  tags = [0xd2],
  kind = 't',
  exp = NOW + 100,
  compress = deflateSync,
}: Parts = {}): Promise<string> {
  const hcert = new Map<string, CborValue>([
    ['ver', '1.3.0'],
    ['dob', '1990-01-01'],
    ['nam', new Map([['fnt', 'A']])],
    [kind, [TEST]],
  ])
  const payload = writeCbor(
    new Map<number, CborValue>([
      [1, 'XX'],
      [4, exp],
      [6, NOW - 100],
      [-260, new Map([[1, hcert]])],
    ]),
  )
  const protectedBytes = writeCbor(
    new Map<number, CborValue>([
      [1, -7],
      ...(protectedKid.length > 0 ? ([[4, protectedKid]] as [number, CborValue][]) : []),
    ]),
  )
  const signature = await signer.sign(signatureInput({ protectedBytes, payload }))
  const unprotected = new Map<number, CborValue>(unprotectedKid ? [[4, unprotectedKid]] : [])
  return `HC1:${encodeBase45(new Uint8Array(compress(concatBytes(Uint8Array.from(tags), writeCbor([protectedBytes, unprotected, payload, signature])))))}`
}

describe('EU Digital COVID Certificate', () => {
  test.each<[string, Parts]>([
    ['tag 18', {}],
    ['no tag', { tags: [] }],
    ['tag 61 before tag 18', { tags: [0xd8, 0x3d, 0xd2] }],
    [
      'kid outside the signature only',
      { kid: new Uint8Array(0), unprotectedKid: sha256(utf8('certificate')).slice(0, 8) },
    ],
  ])('accepts %s', async (_name, parts) => {
    expect(await checkDcc(await decodeDcc(await makeDcc(parts)), [key], NOW)).toEqual({
      key,
      signature: true,
      usage: true,
      fresh: true,
      keyInForce: true,
    })
  })

  test('the protected kid speaks first', async () => {
    const wrong = sha256(utf8('another')).slice(0, 8)
    expect(
      (await checkDcc(await decodeDcc(await makeDcc({ kid: wrong, unprotectedKid: kid })), [key], NOW))
        .signature,
    ).toBe(false)
    expect(
      (await checkDcc(await decodeDcc(await makeDcc({ unprotectedKid: wrong })), [key], NOW)).signature,
    ).toBe(true)
  })

  test('usage, expiry and the key’s own time are judged apart', async () => {
    const other = await checkDcc(
      await decodeDcc(await makeDcc({ kind: 'v', exp: NOW - 1 })),
      [{ ...key, notBefore: NOW }],
      NOW,
    )
    expect(other).toMatchObject({ signature: true, usage: false, fresh: false, keyInForce: false })
  })

  test('another key, or the same bytes under another algorithm, do not verify', async () => {
    const dcc = await decodeDcc(await makeDcc())
    expect((await checkDcc(dcc, [{ ...key, keyType: 'RSA' }], NOW)).signature).toBe(false)
    expect((await checkDcc({ ...dcc, algorithm: -37 }, [key], NOW)).signature).toBe(false)
    expect((await checkDcc(dcc, [], NOW)).key).toBeUndefined()
  })

  test('says what it proves in our classes', async () => {
    expect(findingsOfDcc(await decodeDcc(await makeDcc()))).toEqual([
      {
        class: 'test',
        data: { kind: 'naat', result: 'negative' },
        at: Date.parse('2026-11-23T10:00:00Z') / 1000,
        precision: { seconds: 0 },
      },
    ])
  })

  const bomb = (size: number): string =>
    `HC1:${encodeBase45(new Uint8Array(deflateSync(new Uint8Array(size))))}`
  test.each<[string, () => string | Promise<string>]>([
    ['another prefix', () => 'HC2:ABC'],
    ['no prefix', async () => (await makeDcc()).slice(4)],
    ['not base45', () => 'HC1:abc'],
    ['not compressed', () => makeDcc({ compress: (data) => data })],
    [
      'bytes after the stream',
      () => makeDcc({ compress: (data) => concatBytes(new Uint8Array(deflateSync(data)), Uint8Array.of(0)) }),
    ],
    ['a bomb', () => bomb(2_000_000)],
    [
      'deep nesting',
      () => `HC1:${encodeBase45(new Uint8Array(deflateSync(new Uint8Array(60_000).fill(0x81))))}`,
    ],
    ['oversized text', () => `HC1:${'0'.repeat(5000)}`],
    ['no CBOR', () => bomb(10)],
    ['an empty text', () => ''],
  ])('refuses %s with a typed error', async (_name, make) => {
    await expect(decodeDcc(await make())).rejects.toMatchObject({ code: 'ERR_HEALTH_CERTIFICATE' })
  })
})

describe('SMART Health Card', () => {
  const ISSUER = 'https://clinic.example/shc'
  const makeCard = async (
    options: { header?: object; payload?: string; signature?: Uint8Array } = {},
  ): Promise<string> => {
    const header = options.header ?? { alg: 'ES256', zip: 'DEF', kid: jwkThumbprint(signer.publicJwk) }
    const payload =
      options.payload ??
      JSON.stringify({ iss: ISSUER, nbf: NOW - 10, vc: { type: [], credentialSubject: { fhirBundle: {} } } })
    const input = `${toBase64url(utf8(JSON.stringify(header)))}.${toBase64url(new Uint8Array(deflateRawSync(payload)))}`
    return `${input}.${toBase64url(options.signature ?? (await signer.sign(utf8(input))))}`
  }
  const keys = () =>
    healthCardKeys(ISSUER, {
      keys: [{ ...signer.publicJwk, kid: jwkThumbprint(signer.publicJwk) }, { kty: 'RSA' }],
    })
  const digits = (jws: string): string =>
    [...jws].map((c) => String(c.charCodeAt(0) - 45).padStart(2, '0')).join('')

  test('one code or several in any order', async () => {
    const jws = await makeCard()
    const half = Math.floor(jws.length / 2)
    const parts = [`shc:/2/2/${digits(jws.slice(half))}`, `shc:/1/2/${digits(jws.slice(0, half))}`]
    for (const codes of [[`shc:/${digits(jws)}`], parts])
      expect(await checkHealthCard(await readHealthCardCodes(codes), keys(), NOW)).toEqual({
        signature: true,
        fresh: true,
      })
    await expect(async () =>
      readHealthCardCodes([parts[0] as string, parts[0] as string]),
    ).rejects.toMatchObject({ code: 'ERR_HEALTH_CERTIFICATE' })
    await expect(async () => readHealthCardCodes([parts[0] as string])).rejects.toMatchObject({
      code: 'ERR_HEALTH_CERTIFICATE',
    })
  })

  test('a key of another issuer, or not named by its thumbprint, does not count', async () => {
    const card = await decodeHealthCard(await makeCard())
    expect(
      (
        await checkHealthCard(
          card,
          healthCardKeys('https://other.example', { keys: [{ ...signer.publicJwk, kid: card.kid }] }),
          NOW,
        )
      ).signature,
    ).toBe(false)
    expect(healthCardKeys(ISSUER, { keys: [{ ...signer.publicJwk, kid: 'x' }] })).toEqual([])
  })

  test.each<[string, Parameters<typeof makeCard>[0]]>([
    ['no kid', { header: { alg: 'ES256', zip: 'DEF' } }],
    ['no zip', { header: { alg: 'ES256', kid: 'A'.repeat(43) } }],
    ['no algorithm', { header: { zip: 'DEF', kid: 'A'.repeat(43) } }],
    ['algorithm none', { header: { alg: 'none', zip: 'DEF', kid: 'A'.repeat(43) } }],
    ['a DER signature', { signature: new Uint8Array(71) }],
    ['a byte order mark', { payload: '\ufeff{"iss":"https://a.b"}' }],
    ['a bomb', { payload: ' '.repeat(3_000_000) }],
    [
      'a plain http issuer',
      { payload: '{"iss":"http://a.b","nbf":1,"vc":{"type":[],"credentialSubject":{}}}' },
    ],
    ['a duplicate member', { payload: '{"iss":"https://a.b","iss":"https://c.d"}' }],
  ])('refuses %s', async (_name, options) => {
    await expect(makeCard(options).then(decodeHealthCard)).rejects.toMatchObject({
      code: 'ERR_HEALTH_CERTIFICATE',
    })
  })
  test.each(['shc:567', 'shc:/5', 'shc:/5a', 'shc:/99', 'shc:/0/1/56', 'shc:/1/17/56', ''])(
    'refuses the code %j',
    async (code) => {
      await expect(async () => readHealthCardCodes([code])).rejects.toMatchObject({
        code: 'ERR_HEALTH_CERTIFICATE',
      })
    },
  )
})

test('the browser’s decompression agrees with Node’s, limits included', async () => {
  const data = utf8('health '.repeat(500))
  for (const [format, compressed] of [
    ['zlib', deflateSync(data)],
    ['raw', deflateRawSync(data)],
  ] as const) {
    const input = new Uint8Array(compressed)
    expect(await inflateAsStream(input, { format, maxBytes: 10_000 })).toEqual(
      await inflate(input, { format, maxBytes: 10_000 }),
    )
    await expect(inflateAsStream(input, { format, maxBytes: 100 })).rejects.toThrow()
    await expect(inflate(input, { format, maxBytes: 100 })).rejects.toMatchObject({
      code: 'ERR_HEALTH_CERTIFICATE',
    })
  }
})
