// COSE_Sign1 against the examples of the COSE working group, and the hostile encodings RFC 9052 and 8949 forbid.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '#ctid/base'
import { generateSigner, importVerifyKey } from '#ctid/crypto'
import {
  coseKid,
  decodeSign1,
  readCbor,
  readCborMap,
  signatureInput,
  signSign1,
  verifySign1,
  writeCbor,
} from '#ctid/qr'

type Case = {
  name: string
  key: '11' | 'cwt'
  expect: 'valid' | 'refused' | 'ERR_QR_COSE'
  tag?: 'optional'
  external?: string
  toBeSigned?: string
  cbor: string
}
const vectors = JSON.parse(readFileSync('tests/vectors/qr-cose.json', 'utf8')) as {
  keys: Record<string, { x: string; y: string }>
  cases: Case[]
}

describe('COSE working group examples', () => {
  it.each(vectors.cases)('$name', async (vector) => {
    const options = vector.tag ? { tag: vector.tag } : {}
    if (vector.expect === 'ERR_QR_COSE') {
      expect(() => decodeSign1(fromHex(vector.cbor), options)).toThrow(
        expect.objectContaining({ code: vector.expect }),
      )
      return
    }
    const message = decodeSign1(fromHex(vector.cbor), options)
    const externalAad = fromHex(vector.external ?? '')
    if (vector.toBeSigned) {
      expect(toHex(signatureInput(message, externalAad)).toUpperCase()).toBe(vector.toBeSigned)
    }
    const { x, y } = vectors.keys[vector.key] as { x: string; y: string }
    const key = await importVerifyKey({ kty: 'EC', crv: 'P-256', x, y })
    expect(await verifySign1(message, key, { externalAad })).toBe(vector.expect === 'valid')
  })

  it('requires the tag unless told otherwise', () => {
    const untagged = vectors.cases.find(({ name }) => name.startsWith('sign-pass-03')) as Case
    expect(() => decodeSign1(fromHex(untagged.cbor))).toThrow(
      expect.objectContaining({ code: 'ERR_QR_COSE' }),
    )
    const tagged = vectors.cases.find(({ name }) => name.startsWith('ecdsa-sig-01')) as Case
    const cwt = fromHex(`d83d${tagged.cbor}`)
    expect(() => decodeSign1(cwt)).toThrow(expect.objectContaining({ code: 'ERR_QR_COSE' }))
    expect(decodeSign1(cwt, { allowCwtTag: true }).tagged).toBe(true)
    expect(() =>
      decodeSign1(fromHex(`d83d${untagged.cbor}`), { allowCwtTag: true, tag: 'optional' }),
    ).toThrow()
  })
})

describe('decodeSign1 refuses', () => {
  const body = (protectedHeader: string, unprotected: string) =>
    `d284${protectedHeader}${unprotected}41004100`
  it.each([
    ['trailing bytes', `${body('43a10126', 'a0')}00`, 'ERR_QR_CBOR'],
    ['a duplicate protected label', body('45a201260126', 'a0'), 'ERR_QR_CBOR'],
    ['a duplicate unprotected label', body('43a10126', 'a2044100044101'), 'ERR_QR_CBOR'],
    ['a label in both headers', body('43a10126', 'a10126'), 'ERR_QR_COSE'],
    ['a critical header', body('46a2012602810a', 'a0'), 'ERR_QR_COSE'],
    ['a text instead of protected bytes', body('63a10126', 'a0'), 'ERR_QR_COSE'],
    ['a protected header that is no map', body('4101', 'a0'), 'ERR_QR_CBOR'],
    ['three parts', 'd28343a10126a04100', 'ERR_QR_COSE'],
    ['a map instead of the array', 'd2a0', 'ERR_QR_COSE'],
    ['a detached payload', 'd28443a10126a0f64100', 'ERR_QR_COSE'],
    ['an indefinite array', 'd29f43a10126a041004100ff', 'ERR_QR_CBOR'],
    ['an indefinite byte string', 'd2845f43a10126ffa041004100', 'ERR_QR_CBOR'],
    ['a longer head than needed', 'd2845803a10126a041004100', 'ERR_QR_CBOR'],
    ['a length beyond the end', 'd28443a10126a05bffffffffffffffff', 'ERR_QR_CBOR'],
    ['an array of four milliards', 'd29affffffff00', 'ERR_QR_CBOR'],
    ['a tag inside', 'd28443a10126a0c2410041004100', 'ERR_QR_CBOR'],
    ['nothing', '', 'ERR_QR_COSE'],
    ['only the tag', 'd2', 'ERR_QR_CBOR'],
  ])('%s', (_, hex, code) => {
    expect(() => decodeSign1(fromHex(hex))).toThrow(expect.objectContaining({ code }))
  })

  it('what is too large before reading it, and what is nested too deeply', () => {
    expect(() => decodeSign1(new Uint8Array(4097).fill(0x81))).toThrow(
      expect.objectContaining({ code: 'ERR_QR_TOO_LARGE' }),
    )
    const deep = new Uint8Array(100_000).fill(0x81)
    expect(() => readCbor(deep, { maxBytes: 100_000 })).toThrow(
      expect.objectContaining({ code: 'ERR_QR_CBOR' }),
    )
  })

  it('but reads other producers’ longer forms on request', () => {
    const foreign = fromHex('d29f5803a10126bfff41004100ff')
    expect(decodeSign1(foreign, { encoding: 'any' }).protectedHeader.get(1)).toBe(-7)
    expect(() => decodeSign1(fromHex('d29f5803a10126bf01000100ff41004100ff'), { encoding: 'any' })).toThrow()
  })
})

describe('deterministic encoding', () => {
  it('sorts keys bytewise (RFC 8949 section 4.2.1), not by length first as RFC 7049 did', () => {
    const map = new Map([
      [-1, 1],
      [100, 2],
    ])
    expect(toHex(writeCbor(map))).toBe('a21864022001')
  })

  it.each([0, 23, 24, 255, 256, 65_535, 65_536])(
    'signs a payload of %i bytes under its shortest head',
    (length) => {
      const message = { protectedBytes: new Uint8Array(), payload: new Uint8Array(length) }
      const expected = writeCbor(['Signature1', message.protectedBytes, Uint8Array.of(1), message.payload])
      expect(signatureInput(message, Uint8Array.of(1))).toEqual(expected)
    },
  )
})

describe('signSign1', () => {
  it('binds payload, headers and external data', async () => {
    const signer = await generateSigner()
    const key = await importVerifyKey(signer.publicJwk)
    const externalAad = Uint8Array.of(1)
    const kid = coseKid(signer.publicJwk)
    const message = decodeSign1(await signSign1(Uint8Array.of(7), signer, { kid, externalAad }))
    expect(message.protectedHeader.get(4)).toEqual(kid)
    expect(await verifySign1(message, key, { externalAad })).toBe(true)
    expect(await verifySign1(message, key)).toBe(false)
    expect(await verifySign1({ ...message, payload: Uint8Array.of(8) }, key, { externalAad })).toBe(false)
    expect(
      await verifySign1(message, await importVerifyKey((await generateSigner()).publicJwk), { externalAad }),
    ).toBe(false)
  })

  it('reads back maps with integer and text labels, none of which reaches a prototype', () => {
    const map = readCborMap(fromHex('a2695f5f70726f746f5f5f010102'), { maxBytes: 100 })
    expect([...map]).toEqual([
      ['__proto__', 1],
      [1, 2],
    ])
    expect(
      toHex(
        writeCbor(
          new Map([
            [-1, 1],
            [4, 2],
            [1, 3],
          ]),
        ),
      ),
    ).toBe('a3010304022001')
  })
})
