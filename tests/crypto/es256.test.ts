// ES256, hashes and sealing: against published vectors, against an independent library, and against tampering.
import { createHash, createHmac, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compactVerify, importJWK, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { fromHex, systemRandom, toBase64url, toHex, utf8 } from '#ctid/base'
import {
  compressPoint,
  decompressPoint,
  generateSigner,
  hkdfSha256,
  hmacSha256,
  importVerifyKey,
  jwkThumbprint,
  jwkToPoint,
  open,
  parsePublicJwk,
  pointToJwk,
  seal,
  sha256,
  sha512,
  signerFromJwk,
  verifyEs256,
} from '#ctid/crypto'

describe('ES256', () => {
  // RFC 7515 appendix A.3.
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  } as const
  const d = 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI'
  const input =
    'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
  const signature = 'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q'

  it('verifies the example of RFC 7515 appendix A.3, given as JWK, point or compressed point', async () => {
    const point = jwkToPoint(jwk)
    for (const form of [jwk, point, compressPoint(point)]) {
      const key = await importVerifyKey(form)
      const raw = new Uint8Array(Buffer.from(signature, 'base64url'))
      expect(await verifyEs256(key, utf8(input), raw)).toBe(true)
      expect(await verifyEs256(key, utf8(`${input}A`), raw)).toBe(false)
      expect(await verifyEs256(key, utf8(input), raw.subarray(1))).toBe(false)
      expect(await verifyEs256(key, utf8(input), new Uint8Array(64))).toBe(false)
    }
    expect(pointToJwk(point)).toEqual(jwk)
    expect(decompressPoint(compressPoint(point))).toEqual(point)
  })

  it('signs so that an independent library verifies, and the other way round', async () => {
    const signer = await signerFromJwk({ ...jwk, d })
    const head = `${toBase64url(utf8('{"alg":"ES256"}'))}.${toBase64url(utf8('{"a":1}'))}`
    const token = `${head}.${toBase64url(await signer.sign(utf8(head)))}`
    const verified = await compactVerify(token, await importJWK({ ...jwk }, 'ES256'))
    expect(Buffer.from(verified.payload).toString()).toBe('{"a":1}')

    const theirs = await new SignJWT({ b: 2 })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(await importJWK({ ...jwk, d }, 'ES256'))
    const cut = theirs.lastIndexOf('.')
    const key = await importVerifyKey(jwk)
    const raw = new Uint8Array(Buffer.from(theirs.slice(cut + 1), 'base64url'))
    expect(await verifyEs256(key, utf8(theirs.slice(0, cut)), raw)).toBe(true)
  })

  it('computes the thumbprint as RFC 7638 says', () => {
    const canonical = `{"crv":"P-256","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`
    expect(jwkThumbprint(jwk)).toBe(createHash('sha256').update(canonical).digest('base64url'))
  })

  it('refuses keys that are private, of another curve, off the curve, or badly encoded', async () => {
    const bad = [
      { ...jwk, d },
      { ...jwk, crv: 'P-384' },
      { ...jwk, kty: 'RSA' },
      { ...jwk, x: `${jwk.x}=` },
      { ...jwk, x: jwk.x.slice(1) },
      null,
      'key',
    ]
    for (const value of bad) {
      expect(() => parsePublicJwk(value)).toThrow(expect.objectContaining({ code: 'ERR_CRYPTO_KEY' }))
    }
    const off = jwkToPoint(jwk)
    off[64] = (off[64] as number) ^ 1
    await expect(async () => importVerifyKey(off)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_KEY' }),
    )
    expect(() => decompressPoint(new Uint8Array(33).fill(2, 0, 1).fill(0xff, 1))).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_KEY' }),
    )
  })

  it('does not carry the private key along when a signer is printed or copied', async () => {
    const signer = await generateSigner()
    expect(JSON.stringify(signer)).not.toContain(signer.privateJwk.d)
    expect(JSON.stringify({ ...signer })).not.toContain(signer.privateJwk.d)
  })
})

const conformance = process.env['CTID_CONFORMANCE']
describe.skipIf(!conformance)('Wycheproof (set CTID_CONFORMANCE to run)', () => {
  type Group = {
    publicKey: { uncompressed: string }
    tests: { tcId: number; msg: string; sig: string; result: 'valid' | 'invalid' | 'acceptable' }[]
  }
  it('ECDSA P-256 SHA-256 in P1363 form: every verdict agrees', async () => {
    const file = join(conformance ?? '', 'wycheproof/testvectors_v1/ecdsa_secp256r1_sha256_p1363_test.json')
    const { testGroups } = JSON.parse(readFileSync(file, 'utf8')) as { testGroups: Group[] }
    let count = 0
    for (const group of testGroups) {
      const key = await importVerifyKey(fromHex(group.publicKey.uncompressed))
      for (const test of group.tests) {
        const verdict = await verifyEs256(key, fromHex(test.msg), fromHex(test.sig))
        expect(verdict, `case ${test.tcId}`).toBe(test.result === 'valid')
        count++
      }
    }
    expect(count).toBeGreaterThan(200)
  })
})

describe('hashes', () => {
  it('agree with the platform and with RFC 4231, RFC 5869', () => {
    expect(toHex(sha256(utf8('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
    expect(toHex(sha512(utf8('abc'))).slice(0, 16)).toBe('ddaf35a193617aba')
    // RFC 4231 test case 2.
    expect(toHex(hmacSha256(utf8('Jefe'), utf8('what do ya want for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
    // RFC 5869 appendix A.1.
    const okm = hkdfSha256(new Uint8Array(22).fill(0x0b), {
      salt: fromHex('000102030405060708090a0b0c'),
      info: fromHex('f0f1f2f3f4f5f6f7f8f9'),
      length: 42,
    })
    expect(toHex(okm)).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    )
    const key = systemRandom(16)
    expect(hmacSha256(key, key)).toEqual(new Uint8Array(createHmac('sha256', key).update(key).digest()))
    expect(hkdfSha256(key, { info: key, length: 64 })).toEqual(
      new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), key, 64)),
    )
  })
})

describe('sealing', () => {
  const key = systemRandom(32)
  const context = utf8('record 7')

  it('opens under the same key and context only', async () => {
    const sealed = await seal(key, utf8('secret'), { context, random: systemRandom })
    expect(await open(key, sealed, { context })).toEqual(utf8('secret'))
    const attempts = [
      () => open(systemRandom(32), sealed, { context }),
      () => open(key, sealed, { context: utf8('record 8') }),
      () => open(key, sealed.subarray(0, 20), { context }),
    ]
    for (const attempt of attempts) {
      await expect(async () => attempt()).rejects.toThrow(
        expect.objectContaining({ code: 'ERR_CRYPTO_DECRYPT' }),
      )
    }
  })

  it('notices every flipped byte', async () => {
    const sealed = await seal(key, utf8('secret'), { context, random: systemRandom })
    for (let i = 0; i < sealed.length; i++) {
      const bad = sealed.slice()
      bad[i] = (bad[i] as number) ^ 1
      await expect(async () => open(key, bad, { context })).rejects.toThrow(
        expect.objectContaining({ code: 'ERR_CRYPTO_DECRYPT' }),
      )
    }
  })

  it('demands 32-byte keys', async () => {
    await expect(async () => seal(key.subarray(1), key, { context, random: systemRandom })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_KEY' }),
    )
  })
})
