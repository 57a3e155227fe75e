// Codes: published vectors, round trips, sizes, and everything that is not exactly one code refused while reading.
import { readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex } from '#ctid/base'
import { generateSigner } from '#ctid/crypto'
import {
  audienceHash,
  type CborValue,
  codeForm,
  type DynamicCode,
  decodeBase45,
  decodeSign1,
  encodeBase45,
  fetchOnline,
  makeAttestation,
  makeCode,
  makePaperCode,
  parseAttestation,
  parseCode,
  readCborMap,
  signedAs,
  signSign1,
  toMatrix,
  writeCbor,
} from '#ctid/qr'
import { holder, issuer, makeVectors, NOW } from './vectors.ts'

const FILE = 'tests/vectors/qr-codes.json'
if (process.env['UPDATE_VECTORS']) writeFileSync(FILE, `${JSON.stringify(await makeVectors(), null, 2)}\n`)
const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as Awaited<ReturnType<typeof makeVectors>>

const refused = (code: string) => expect.objectContaining({ code })
const textOf = (name: string) => vectors.codes.find((code) => code.name === name)?.text ?? ''

describe('vectors', () => {
  it('are what this code makes of their inputs', async () => {
    expect(await makeVectors()).toEqual(vectors)
  })

  it('read back as the claims they were made from', () => {
    const code = parseCode(textOf('dynamic with challenge and audience')) as DynamicCode
    expect(code.step).toBe(Math.floor(NOW / 30))
    expect(toHex(code.challenge ?? new Uint8Array())).toBe('c0c1c2c3c4c5c6c7c8c9cacb')
    expect(code.audience).toEqual(audienceHash('city library'))
    expect(code.attestation).toMatchObject({
      issuedAt: NOW - 3600,
      expiresAt: NOW + 7 * 86_400,
      status: { list: 3, index: 123_456 },
      kind: 'person',
      assurance: 'substantial',
    })
    expect(toHex(code.attestation.holderKey ?? new Uint8Array())).toBe(vectors.holderPoint)
    const health = parseCode(textOf('health')) as DynamicCode
    expect(health.attestation.health).toEqual({
      outcome: 'pass',
      ruleSet: fromHex('a0a1a2a3a4a5a6a7'),
      until: NOW + 43_200,
    })
    const paper = parseCode(textOf('paper'))
    expect(paper.form).toBe('paper')
    expect(paper.form === 'paper' && paper.attestation.holderKey).toBe(undefined)
  })

  it('open the online message', async () => {
    const { online } = vectors
    const code = parseCode(online.text)
    if (code.form !== 'online') throw new Error('form')
    const relay = {
      put: () => undefined,
      take: (mailbox: string) => (mailbox === online.mailbox ? fromHex(online.sealed) : undefined),
    }
    expect(toHex(await fetchOnline(code.secret, relay))).toBe(online.presentation)
  })

  it('fit the promised versions at error correction M', () => {
    const versions = Object.fromEntries(vectors.codes.map(({ name, version }) => [name, version]))
    expect(versions).toEqual({
      dynamic: 12,
      'dynamic with challenge': 12,
      'dynamic with challenge and audience': 12,
      health: 12,
      paper: 8,
    })
    expect(toMatrix(vectors.online.text).version).toBe(3)
  })
})

describe('makeCode and makeAttestation refuse', () => {
  const attestation = fromHex(vectors.attestation)
  const claims = {
    handle: new Uint8Array(16),
    holderKey: holder.publicJwk,
    issuedAt: NOW,
    expiresAt: NOW + 60,
    status: { list: 0, index: 0 },
    kind: 'person',
    assurance: 'high',
  } as const

  it('an attestation of another key, or of none', async () => {
    const other = await generateSigner()
    await expect(makeCode(attestation, other, { now: NOW })).rejects.toEqual(refused('ERR_QR_CLAIMS'))
    const { holderKey: _, ...unbound } = claims
    const paper = await makeAttestation({ ...unbound, assurance: 'low' }, issuer)
    await expect(makeCode(paper, holder, { now: NOW })).rejects.toEqual(refused('ERR_QR_CLAIMS'))
  })

  it.each([7, 33])('a challenge of %i bytes', async (length) => {
    const challenge = new Uint8Array(length)
    await expect(makeCode(attestation, holder, { now: NOW, challenge })).rejects.toEqual(
      refused('ERR_QR_CLAIMS'),
    )
  })

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('the time %d', async (now) => {
    await expect(makeCode(attestation, holder, { now })).rejects.toEqual(refused('ERR_QR_CLAIMS'))
  })

  it('a holder key that is none', async () => {
    const holderKey = { ...holder.publicJwk, x: '!' }
    await expect(makeAttestation({ ...claims, holderKey }, issuer)).rejects.toEqual(refused('ERR_CRYPTO_KEY'))
  })

  it('paper with a holder key, and paper above low assurance', async () => {
    expect(() => makePaperCode(attestation)).toThrow(refused('ERR_QR_CLAIMS'))
    const { holderKey: _, ...unbound } = claims
    await expect(makeAttestation(unbound, issuer)).rejects.toEqual(refused('ERR_QR_CLAIMS'))
  })

  it.each([
    ['a short handle', { handle: new Uint8Array(15) }],
    ['an empty window', { expiresAt: NOW }],
    ['a negative index', { status: { list: 0, index: -1 } }],
    ['a fraction of a second', { issuedAt: NOW - 0.5 }],
    ['a health kind without claim', { kind: 'health' as const }],
    ['an unknown kind', { kind: 'dog' as 'person' }],
  ])('%s', async (_, change) => {
    await expect(makeAttestation({ ...claims, ...change }, issuer)).rejects.toEqual(refused('ERR_QR_CLAIMS'))
  })
})

describe('parseCode refuses', () => {
  const bytes = decodeBase45(textOf('dynamic').slice(5))
  const repack = (changed: Uint8Array) => `CTD1:${encodeBase45(changed)}`

  it.each([
    ['nothing', '', 'ERR_QR_FORM'],
    ['another prefix', textOf('dynamic').replace('CTD1:', 'HC1:'), 'ERR_QR_FORM'],
    ['another version', textOf('dynamic').replace('CTD1:', 'CTD2:'), 'ERR_QR_FORM'],
    ['lower case', textOf('dynamic').toLowerCase(), 'ERR_QR_FORM'],
    ['800,000 characters without a prefix', '0'.repeat(800_000), 'ERR_QR_FORM'],
    ['800,000 characters', `CTD1:${'0'.repeat(800_000)}`, 'ERR_QR_TOO_LARGE'],
    ['a dynamic code as paper', textOf('dynamic').replace('CTD1:', 'CTP1:'), 'ERR_QR_COSE'],
    ['paper as a dynamic code', textOf('paper').replace('CTP1:', 'CTD1:'), 'ERR_QR_COSE'],
    ['an online token of 31 bytes', `CTO1:${encodeBase45(new Uint8Array(31))}`, 'ERR_QR_CLAIMS'],
    ['an online token of 33 bytes', `CTO1:${encodeBase45(new Uint8Array(33))}`, 'ERR_QR_CLAIMS'],
    ['no tag', repack(bytes.subarray(1)), 'ERR_QR_COSE'],
    ['the CWT tag in front', repack(concatBytes(fromHex('d83d'), bytes)), 'ERR_QR_COSE'],
    ['an extra byte', repack(concatBytes(bytes, Uint8Array.of(0))), 'ERR_QR_CBOR'],
    ['a missing byte', repack(bytes.subarray(0, -1)), 'ERR_QR_CBOR'],
  ])('%s', (_, text, code) => {
    expect(() => parseCode(text)).toThrow(refused(code))
  })

  it.each([undefined, null, 5, {}, [], new Uint8Array(3)])('what is no text: %s', (value) => {
    expect(codeForm(value)).toBe(undefined)
    expect(() => parseCode(value as unknown as string)).toThrow(refused('ERR_QR_FORM'))
  })

  it('attestation bytes under the paper prefix that name a holder', () => {
    expect(() => parseCode(`CTP1:${encodeBase45(fromHex(vectors.attestation))}`)).toThrow(
      refused('ERR_QR_CLAIMS'),
    )
  })

  // Signed by the right keys, so that only the reader stands between such maps and the verifier.
  const inner = fromHex(vectors.attestation)
  const signedMap = async (payload: Uint8Array) =>
    `CTD1:${encodeBase45(await signSign1(payload, holder, { externalAad: signedAs.code }))}`
  it.each<[string, Uint8Array]>([
    ['a duplicate label', concatBytes(fromHex('a32758a4'), inner, fromHex('28012801'))],
    ['unsorted labels', concatBytes(fromHex('a228012758a4'), inner)],
    ['a float as time step', concatBytes(fromHex('a22758a4'), inner, fromHex('28f94000'))],
    ['a text label', concatBytes(fromHex('a32758a4'), inner, fromHex('2801617801'))],
    ['an indefinite map', concatBytes(fromHex('bf2758a4'), inner, fromHex('2801ff'))],
    [
      'an unknown label',
      writeCbor(
        new Map<number, CborValue>([
          [-8, inner],
          [-9, 1],
          [-99, 1],
        ]),
      ),
    ],
    [
      'a negative step',
      writeCbor(
        new Map<number, CborValue>([
          [-8, inner],
          [-9, -1],
        ]),
      ),
    ],
    [
      'a step beyond 32 bits',
      writeCbor(
        new Map<number, CborValue>([
          [-8, inner],
          [-9, 2 ** 32],
        ]),
      ),
    ],
    ['no step', writeCbor(new Map<number, CborValue>([[-8, inner]]))],
    [
      'a text audience',
      writeCbor(
        new Map<number, CborValue>([
          [-8, inner],
          [-9, 1],
          [-10, 'library!'],
        ]),
      ),
    ],
    [
      'an empty challenge',
      writeCbor(
        new Map<number, CborValue>([
          [10, new Uint8Array()],
          [-8, inner],
          [-9, 1],
        ]),
      ),
    ],
  ])('%s', async (_, payload) => {
    const text = await signedMap(payload)
    expect(() => parseCode(text)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_QR_(CBOR|CLAIMS)$/) }),
    )
  })

  it('headers outside the profile, even when signed', async () => {
    const kid = new Uint8Array(8)
    const { payload } = decodeSign1(bytes)
    const text = `CTD1:${encodeBase45(await signSign1(payload, holder, { kid, externalAad: signedAs.code }))}`
    expect(() => parseCode(text)).toThrow(refused('ERR_QR_COSE'))
    const short = await signSign1(decodeSign1(inner).payload, issuer, { kid: new Uint8Array(4) })
    expect(() => parseAttestation(short)).toThrow(refused('ERR_QR_COSE'))
  })

  it('any text, always with a typed error', () => {
    const alphabet = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:']
    fc.assert(
      fc.property(
        fc.constantFrom('CTD1:', 'CTP1:', 'CTO1:', ''),
        fc.array(fc.constantFrom(...alphabet), { maxLength: 200 }),
        (prefix, characters) => {
          const text = prefix + characters.join('')
          try {
            expect(parseCode(text).form).toBe(codeForm(text))
          } catch (error) {
            expect(error).toMatchObject({ name: 'CtidError', code: expect.stringMatching(/^ERR_QR_/) })
          }
        },
      ),
      { seed: 11, numRuns: 500 },
    )
  })
})

describe('what a code shows', () => {
  it('is only what the specification lists: labels 4, 6, 7 and -1 to -4', () => {
    const map = readCborMap(fromHex(vectors.attestationClaims), { maxBytes: 400 })
    expect([...map.keys()]).toEqual([4, 6, 7, -1, -2, -3, -4])
  })
})
