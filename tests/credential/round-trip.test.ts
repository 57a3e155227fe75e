// Issue, hold, present, verify; and the same across to an independent implementation, both ways.
import { createHash, randomBytes } from 'node:crypto'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import fc from 'fast-check'
import { decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  acceptCredential,
  issueCredential,
  parseSdJwt,
  presentCredential,
  readCredential,
  verifyCredential,
} from '#ctid/credential'
import { fromBase64url, systemRandom, toBase64url, utf8 } from '../../src/base/index.ts'
import { importVerifyKey, type Signer, verifyEs256 } from '../../src/crypto/index.ts'
import { AUDIENCE, CLAIMS, DISCLOSABLE, holder, issue, issuer, NONCE, NOW, policy, VCT } from './setup.ts'

const binding = { holder, audience: AUDIENCE, nonce: NONCE, now: NOW }

describe('issue, present, verify', () => {
  it('shows what was chosen, what lies above it, and nothing else', async () => {
    const text = await presentCredential(await issue(), {
      disclose: [
        ['address', 'street_address'],
        ['nationalities', 0],
      ],
      binding,
    })
    const report = await verifyCredential(text, policy)
    if (!report.ok) throw report.error
    const { given_name: _1, family_name: _2, birthdate: _3, ...shown } = CLAIMS
    const { cnf, ...claims } = report.credential.claims
    expect(claims).toEqual({ ...shown, nationalities: ['CN'] })
    expect(cnf).toEqual({ jwk: holder.publicJwk })
    expect(report.credential.holderKey).toEqual(holder.publicJwk)
    expect(report.checks.map((one) => one.result)).toEqual([
      ...Array(12).fill('passed'),
      'not-executed',
      'not-executed',
    ])
  })

  it('without disclosures only the plain claims are seen, and the holder sees all of them', async () => {
    const credential = await issue()
    const { claims } = await acceptCredential(
      await presentCredential(credential, { disclose: [], binding }),
      policy,
    )
    expect(Object.keys(claims).sort()).toEqual(['cnf', 'exp', 'iat', 'iss', 'nationalities', 'vct'])
    expect(claims['nationalities']).toEqual([])
    const held = readCredential(credential)
    expect(held.claims).toMatchObject(CLAIMS)
    expect(held.disclosable).toHaveLength(7)
  })

  it('runs the status check last and reports it', async () => {
    const claims = { ...CLAIMS, status: { status_list: { idx: 7, uri: 'https://issuer.example/status/1' } } }
    const credential = await issueCredential(
      claims,
      { signer: issuer },
      { disclosable: [], random: systemRandom },
    )
    const seen: unknown[] = []
    const report = await verifyCredential(credential, {
      ...policy,
      keyBinding: 'none',
      checkStatus: (reference) => void seen.push(reference),
    })
    expect(report.ok).toBe(true)
    expect(seen).toEqual([{ index: 7, uri: 'https://issuer.example/status/1' }])
    expect(report.checks.filter((one) => one.result === 'not-executed').map((one) => one.name)).toEqual([
      'binding-signature',
      'binding-time',
      'binding-audience',
      'binding-nonce',
      'binding-hash',
      'log-receipt',
    ])
  })

  it('two copies share no salt, digest or signature', async () => {
    const [a, b] = [await issue(), await issue()].map((text) =>
      text.split('~').flatMap((part) => part.split('.').slice(1).concat(part)),
    )
    const common = (a as string[]).filter((part) => part !== '' && (b as string[]).includes(part))
    expect(common).toEqual([])
  })

  it('salts have 128 bits, digests are sorted, decoys cannot be told apart', async () => {
    const credential = await issueCredential(
      CLAIMS,
      { signer: issuer },
      { disclosable: DISCLOSABLE, random: systemRandom, decoys: 5 },
    )
    const { disclosures, issuerJwt } = parseSdJwt(credential)
    for (const { encoded } of disclosures) {
      const [salt] = JSON.parse(new TextDecoder().decode(fromBase64url(encoded))) as [string]
      expect(fromBase64url(salt)).toHaveLength(16)
    }
    const payload = JSON.parse(
      new TextDecoder().decode(fromBase64url(issuerJwt.split('.')[1] as string)),
    ) as { _sd: string[] }
    expect(payload._sd).toHaveLength(4 + 5)
    expect(payload._sd).toEqual([...payload._sd].sort())
    expect((await verifyCredential(credential, { ...policy, keyBinding: 'none' })).ok).toBe(true)
  })

  it.each([
    ['a path that names nothing', [['nickname']], 'ERR_CREDENTIAL_PATH'],
    ['the empty path', [[]], 'ERR_CREDENTIAL_PATH'],
    ['a protected claim', [['exp']], 'ERR_CREDENTIAL_CLAIM_PROTECTED'],
  ])('the issuer refuses %s', async (_title, disclosable, code) => {
    await expect(
      issueCredential(CLAIMS, { signer: issuer }, { disclosable, random: systemRandom }),
    ).rejects.toMatchObject({ code })
  })

  it('the issuer refuses reserved names anywhere', async () => {
    const claims = { ...CLAIMS, address: { _sd: 'x' } }
    await expect(
      issueCredential(claims, { signer: issuer }, { disclosable: [], random: systemRandom }),
    ).rejects.toMatchObject({ code: 'ERR_CREDENTIAL_CLAIM_NAME' })
  })

  it('any claims survive the way, hidden or not (property)', async () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.string(), { maxLength: 3 }),
    )
    const name = fc
      .string({ minLength: 1, maxLength: 8 })
      .filter((text) => !['_sd', '...', '_sd_alg', '__proto__', ...Object.keys(CLAIMS)].includes(text))
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 6, noNullPrototype: true }), async (extra) => {
        const claims = { vct: VCT, extra }
        const disclosable = Object.keys(extra).map((key) => ['extra', key])
        const credential = await issueCredential(
          claims,
          { signer: issuer },
          { disclosable, random: systemRandom },
        )
        const seen = await acceptCredential(credential, { ...policy, keyBinding: 'none' })
        expect(seen.claims).toEqual(claims)
        const none = await acceptCredential(await presentCredential(credential, { disclose: [] }), {
          ...policy,
          keyBinding: 'none',
        })
        expect(none.claims).toEqual({ vct: VCT, extra: {} })
      }),
      { numRuns: 60, seed: 9901 },
    )
  })
})

// The judge: @sd-jwt/sd-jwt-vc, which knows nothing of this code.
async function judge(signer: Signer, kb?: Signer): Promise<SDJwtVcInstance> {
  const issuerKey = await importVerifyKey(issuer.publicJwk)
  const holderKey = await importVerifyKey(holder.publicJwk)
  const verify = (key: typeof issuerKey) => async (data: string, signature: string) =>
    verifyEs256(key, utf8(data), fromBase64url(signature))
  return new SDJwtVcInstance({
    signer: async (data: string) => toBase64url(await signer.sign(utf8(data))),
    signAlg: 'ES256',
    verifier: verify(issuerKey),
    ...(kb
      ? { kbSigner: async (data: string) => toBase64url(await kb.sign(utf8(data))), kbSignAlg: 'ES256' }
      : {}),
    kbVerifier: verify(holderKey),
    hasher: (data: string | ArrayBuffer) =>
      new Uint8Array(
        createHash('sha256')
          .update(typeof data === 'string' ? data : new Uint8Array(data))
          .digest(),
      ),
    hashAlg: 'sha-256',
    saltGenerator: (length: number) => randomBytes(length).toString('base64url'),
  })
}

describe('an independent implementation agrees', () => {
  it('it verifies what we issue and present', async () => {
    const text = await presentCredential(await issue(), {
      disclose: [['address'], ['nationalities', 1]],
      binding,
    })
    const peer = await judge(issuer)
    const result = await peer.verify(text, { keyBindingNonce: NONCE, currentDate: NOW })
    expect(result.payload).toMatchObject({ vct: VCT, address: CLAIMS.address, nationalities: ['XX'] })
    expect(result.payload).not.toHaveProperty('given_name')
    expect(result.kb?.payload.aud).toBe(AUDIENCE)
  })

  it('we verify what it issues and presents, nested, in arrays and with decoys', async () => {
    const peer = await judge(issuer, holder)
    const { address, ...rest } = CLAIMS
    const credential = await peer.issue(
      { ...rest, address, cnf: { jwk: holder.publicJwk } } as never,
      {
        _sd: ['given_name', 'address'],
        _sd_decoy: 2,
        address: { _sd: ['region'] },
        nationalities: { _sd: [0], _sd_decoy: 1 },
      } as never,
    )
    const text = await peer.present(credential, { address: { region: true } } as never, {
      kb: { payload: { iat: NOW, aud: AUDIENCE, nonce: NONCE } },
    })
    const { claims } = await acceptCredential(text, policy)
    expect(claims).toMatchObject({ address, nationalities: ['XX'] })
    expect(claims).not.toHaveProperty('given_name')
  })

  it('our wallet presents its credential, and it verifies that', async () => {
    const peer = await judge(issuer)
    const credential = await peer.issue(
      { ...CLAIMS, cnf: { jwk: holder.publicJwk } } as never,
      { _sd: ['given_name', 'family_name'] } as never,
    )
    const text = await presentCredential(credential, { disclose: [['given_name']], binding })
    const result = await peer.verify(text, { keyBindingNonce: NONCE, currentDate: NOW })
    expect(result.payload).toMatchObject({ given_name: CLAIMS.given_name })
    expect(result.payload).not.toHaveProperty('family_name')
  })

  it('jose verifies both signatures', async () => {
    const text = await presentCredential(await issue(), { disclose: [], binding })
    const [jwt, kb] = text.split('~') as [string, string]
    const currentDate = new Date(NOW * 1000)
    await jwtVerify(jwt, await importJWK({ ...issuer.publicJwk }, 'ES256'), { typ: 'dc+sd-jwt', currentDate })
    const { payload } = await jwtVerify(kb, await importJWK({ ...holder.publicJwk }, 'ES256'), {
      typ: 'kb+jwt',
      audience: AUDIENCE,
      currentDate,
    })
    expect(payload['nonce']).toBe(NONCE)
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'ES256', typ: 'dc+sd-jwt' })
  })
})
