// What a verifier must refuse, one reason per case, each with the check that fails and its code.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { disclosureDigest, presentCredential, verifyCredential } from '#ctid/credential'
import { type ErrorCode, fromBase64url, fromUtf8, toBase64url, utf8 } from '../../src/base/index.ts'
import { CREDENTIAL_CHECKS, type CredentialCheckName } from '../../src/credential/index.ts'
import {
  AUDIENCE,
  disclose,
  discloseElement,
  type Forged,
  forge,
  holder,
  issue,
  NONCE,
  NOW,
  policy,
  rawDisclosure,
  stranger,
} from './setup.ts'

const hidden = disclose('given_name', 'A')
const other = disclose('given_name', 'B')
const element = discloseElement('CN')
const digests = (...all: { digest: string }[]) => all.map((one) => one.digest)
const raw = (text: string): Forged => {
  const encoded = rawDisclosure(text)
  return { payload: { _sd: [disclosureDigest(encoded)] }, disclosures: [encoded] }
}
const protectedClaim = (name: string, value: never): Forged => {
  const one = disclose(name, value)
  return { payload: { _sd: [one.digest], [name]: undefined }, disclosures: [one] }
}

type Case = [title: string, forged: Forged, check: CredentialCheckName, code: ErrorCode]

const CASES: Case[] = [
  // RFC 9901 section 7.1 step 2
  ['signature of somebody else', { signer: stranger }, 'signature', 'ERR_TRUST_SIGNATURE'],
  ['another typ', { typ: 'vc+sd-jwt' }, 'format', 'ERR_TRUST_TYPE'],
  ['a plain JWT typ', { typ: 'JWT' }, 'format', 'ERR_TRUST_TYPE'],
  ['crit', { header: { crit: ['exp'] } }, 'format', 'ERR_TRUST_CRITICAL'],
  ['alg none in the header', { header: { alg: 'none' } }, 'format', 'ERR_TRUST_ALGORITHM'],
  ['alg ES384 in the header', { header: { alg: 'ES384' } }, 'format', 'ERR_TRUST_ALGORITHM'],
  ['alg HS256 in the header', { header: { alg: 'HS256' } }, 'format', 'ERR_TRUST_ALGORITHM'],
  ['unknown _sd_alg', { payload: { _sd_alg: 'sha-1' } }, 'disclosures', 'ERR_CREDENTIAL_HASH_ALGORITHM'],
  ['_sd_alg of another type', { payload: { _sd_alg: 256 } }, 'disclosures', 'ERR_CREDENTIAL_HASH_ALGORITHM'],
  [
    '_sd_alg below the top',
    { payload: { a: { _sd_alg: 'sha-256' } } },
    'disclosures',
    'ERR_CREDENTIAL_CLAIM_NAME',
  ],
  // steps 3 to 5
  [
    'disclosure without digest',
    { disclosures: [hidden] },
    'disclosures',
    'ERR_CREDENTIAL_DISCLOSURE_UNREFERENCED',
  ],
  [
    'the same disclosure twice',
    { payload: { _sd: digests(hidden) }, disclosures: [hidden, hidden] },
    'disclosures',
    'ERR_CREDENTIAL_DISCLOSURE_UNREFERENCED',
  ],
  [
    'digest twice in one _sd',
    { payload: { _sd: digests(hidden, hidden) } },
    'disclosures',
    'ERR_CREDENTIAL_DIGEST_REPEATED',
  ],
  [
    'digest twice in two places, disclosed',
    { payload: { _sd: digests(hidden), a: { _sd: digests(hidden) } }, disclosures: [hidden] },
    'disclosures',
    'ERR_CREDENTIAL_DIGEST_REPEATED',
  ],
  [
    'digest twice, once inside a disclosure',
    (() => {
      const outer = disclose('outer', { _sd: digests(hidden) })
      return { payload: { _sd: digests(outer, hidden) }, disclosures: [outer, hidden] }
    })(),
    'disclosures',
    'ERR_CREDENTIAL_DIGEST_REPEATED',
  ],
  [
    'digest repeated in an array',
    { payload: { n: [{ '...': element.digest }, { '...': element.digest }] } },
    'disclosures',
    'ERR_CREDENTIAL_DIGEST_REPEATED',
  ],
  [
    'claim that exists in plain view',
    { payload: { given_name: 'C', _sd: digests(hidden) }, disclosures: [hidden] },
    'disclosures',
    'ERR_CREDENTIAL_CLAIM_COLLISION',
  ],
  [
    'claim disclosed twice with different values',
    { payload: { _sd: digests(hidden, other) }, disclosures: [hidden, other] },
    'disclosures',
    'ERR_CREDENTIAL_CLAIM_COLLISION',
  ],
  ['claim named _sd', raw('["s","_sd",["x"]]'), 'format', 'ERR_CREDENTIAL_CLAIM_NAME'],
  ['claim named ...', raw('["s","...","x"]'), 'format', 'ERR_CREDENTIAL_CLAIM_NAME'],
  ['claim named _sd_alg', raw('["s","_sd_alg","sha-256"]'), 'format', 'ERR_CREDENTIAL_CLAIM_NAME'],
  ['disclosure of one element', raw('["s"]'), 'format', 'ERR_CREDENTIAL_DISCLOSURE'],
  ['disclosure of four elements', raw('["s","n","v","w"]'), 'format', 'ERR_CREDENTIAL_DISCLOSURE'],
  ['disclosure that is an object', raw('{"s":1}'), 'format', 'ERR_CREDENTIAL_DISCLOSURE'],
  ['disclosure with a number as salt', raw('[1,"n","v"]'), 'format', 'ERR_CREDENTIAL_DISCLOSURE'],
  ['disclosure with a number as name', raw('["s",1,"v"]'), 'format', 'ERR_CREDENTIAL_DISCLOSURE'],
  ['disclosure that is not JSON', raw('["s","n",'), 'format', 'ERR_JSON_MALFORMED'],
  ['disclosure with a repeated member', raw('["s","n",{"a":1,"a":2}]'), 'format', 'ERR_JSON_DUPLICATE_KEY'],
  ['disclosure that is not base64url', { disclosures: ['*'] }, 'format', 'ERR_CREDENTIAL_DISCLOSURE'],
  ['disclosure with padding', { disclosures: [`${hidden.encoded}=`] }, 'format', 'ERR_CREDENTIAL_DISCLOSURE'],
  ['an empty disclosure', { disclosures: [''] }, 'format', 'ERR_CREDENTIAL_FORMAT'],
  [
    'element disclosed as a member',
    { payload: { _sd: digests(element) }, disclosures: [element] },
    'disclosures',
    'ERR_CREDENTIAL_DISCLOSURE',
  ],
  [
    'member disclosed as an element',
    { payload: { n: [{ '...': hidden.digest }] }, disclosures: [hidden] },
    'disclosures',
    'ERR_CREDENTIAL_DISCLOSURE',
  ],
  ['_sd that is a text', { payload: { _sd: hidden.digest } }, 'disclosures', 'ERR_CREDENTIAL_DIGEST'],
  ['_sd with a number', { payload: { _sd: [1] } }, 'disclosures', 'ERR_CREDENTIAL_DIGEST'],
  [
    '_sd with a short digest twice',
    { payload: { _sd: ['abc', 'abc'] } },
    'disclosures',
    'ERR_CREDENTIAL_DIGEST_REPEATED',
  ],
  ['... that is no text', { payload: { n: [{ '...': 1 }] } }, 'disclosures', 'ERR_CREDENTIAL_DIGEST'],
  [
    '... beside another member',
    { payload: { n: [{ '...': hidden.digest, a: 1 }] } },
    'disclosures',
    'ERR_CREDENTIAL_DIGEST',
  ],
  [
    '... outside an array',
    { payload: { n: { '...': hidden.digest } } },
    'disclosures',
    'ERR_CREDENTIAL_DIGEST',
  ],
  // SD-JWT VC: what must not be selectively disclosable
  [
    'hidden vct',
    protectedClaim('vct', policy.expectedTypes[0] as never),
    'disclosures',
    'ERR_CREDENTIAL_CLAIM_PROTECTED',
  ],
  ['hidden exp', protectedClaim('exp', (NOW + 99) as never), 'disclosures', 'ERR_CREDENTIAL_CLAIM_PROTECTED'],
  ['hidden nbf', protectedClaim('nbf', 1 as never), 'disclosures', 'ERR_CREDENTIAL_CLAIM_PROTECTED'],
  [
    'hidden iss',
    protectedClaim('iss', 'https://issuer.example' as never),
    'disclosures',
    'ERR_CREDENTIAL_CLAIM_PROTECTED',
  ],
  ['hidden status', protectedClaim('status', {} as never), 'disclosures', 'ERR_CREDENTIAL_CLAIM_PROTECTED'],
  [
    'hidden aka_vcts',
    protectedClaim('aka_vcts', [] as never),
    'disclosures',
    'ERR_CREDENTIAL_CLAIM_PROTECTED',
  ],
  [
    'hidden vct#integrity',
    protectedClaim('vct#integrity', 'x' as never),
    'disclosures',
    'ERR_CREDENTIAL_CLAIM_PROTECTED',
  ],
  [
    'hidden cnf',
    protectedClaim('cnf', { jwk: holder.publicJwk } as never),
    'disclosures',
    'ERR_CREDENTIAL_CLAIM_PROTECTED',
  ],
  [
    'hidden part of cnf',
    (() => {
      const jwk = disclose('jwk', { ...stranger.publicJwk })
      return { payload: { cnf: { _sd: digests(jwk) } }, disclosures: [jwk], bindingSigner: stranger }
    })(),
    'disclosures',
    'ERR_CREDENTIAL_CLAIM_PROTECTED',
  ],
  [
    'digest inside status, never disclosed',
    { payload: { status: { _sd: digests(hidden) } } },
    'disclosures',
    'ERR_CREDENTIAL_CLAIM_PROTECTED',
  ],
  // claims
  ['no vct', { payload: { vct: undefined } }, 'claims', 'ERR_CREDENTIAL_CLAIM'],
  ['vct that is no text', { payload: { vct: 1 } }, 'claims', 'ERR_CREDENTIAL_CLAIM'],
  ['exp that is a text', { payload: { exp: '2099-01-01' } }, 'claims', 'ERR_CREDENTIAL_CLAIM'],
  ['nbf that is a text', { payload: { nbf: '0' } }, 'claims', 'ERR_CREDENTIAL_CLAIM'],
  ['status of an unknown kind', { payload: { status: { other: {} } } }, 'claims', 'ERR_CREDENTIAL_CLAIM'],
  [
    'negative status index',
    { payload: { status: { status_list: { idx: -1, uri: 'https://a.example' } } } },
    'claims',
    'ERR_CREDENTIAL_CLAIM',
  ],
  [
    'another issuer by name',
    { payload: { iss: 'https://other.example' } },
    'claims',
    'ERR_CREDENTIAL_ISSUER',
  ],
  [
    'another type',
    { payload: { vct: 'https://ctid.example/credentials/other/1' } },
    'type',
    'ERR_CREDENTIAL_TYPE',
  ],
  ['expired', { payload: { exp: NOW } }, 'validity', 'ERR_CREDENTIAL_EXPIRED'],
  ['not yet valid', { payload: { nbf: NOW + 1 } }, 'validity', 'ERR_CREDENTIAL_NOT_YET_VALID'],
  ['issued in the future', { payload: { iat: NOW + 1 } }, 'validity', 'ERR_CREDENTIAL_NOT_YET_VALID'],
  // section 7.3
  ['no cnf', { payload: { cnf: undefined } }, 'binding-signature', 'ERR_CREDENTIAL_HOLDER_KEY'],
  [
    'cnf with a private key',
    { payload: { cnf: { jwk: { ...holder.privateJwk } } } },
    'validity',
    'ERR_CREDENTIAL_HOLDER_KEY',
  ],
  [
    'cnf with a key of another curve',
    { payload: { cnf: { jwk: { ...holder.publicJwk, crv: 'P-384' } } } },
    'validity',
    'ERR_CREDENTIAL_HOLDER_KEY',
  ],
  [
    'cnf with a point off the curve',
    { payload: { cnf: { jwk: { ...holder.publicJwk, y: holder.publicJwk.x } } } },
    'binding-signature',
    'ERR_CREDENTIAL_HOLDER_KEY',
  ],
  [
    'binding by another key',
    { bindingSigner: stranger },
    'binding-signature',
    'ERR_CREDENTIAL_BINDING_SIGNATURE',
  ],
  ['binding of another typ', { bindingTyp: 'JWT' }, 'format', 'ERR_TRUST_TYPE'],
  [
    'binding for another verifier',
    { binding: { aud: 'https://evil.example' } },
    'binding-audience',
    'ERR_CREDENTIAL_BINDING_AUDIENCE',
  ],
  [
    'binding for a list of verifiers',
    { binding: { aud: [AUDIENCE] } },
    'binding-audience',
    'ERR_CREDENTIAL_BINDING_AUDIENCE',
  ],
  [
    'binding without audience',
    { binding: { aud: undefined } },
    'binding-audience',
    'ERR_CREDENTIAL_BINDING_AUDIENCE',
  ],
  [
    'binding with another nonce',
    { binding: { nonce: `${NONCE}x` } },
    'binding-nonce',
    'ERR_CREDENTIAL_BINDING_NONCE',
  ],
  [
    'binding without nonce',
    { binding: { nonce: undefined } },
    'binding-nonce',
    'ERR_CREDENTIAL_BINDING_NONCE',
  ],
  ['binding too old', { binding: { iat: NOW - 301 } }, 'binding-time', 'ERR_CREDENTIAL_BINDING_TIME'],
  ['binding from the future', { binding: { iat: NOW + 301 } }, 'binding-time', 'ERR_CREDENTIAL_BINDING_TIME'],
  ['binding without iat', { binding: { iat: undefined } }, 'binding-time', 'ERR_CREDENTIAL_BINDING_TIME'],
  [
    'binding with iat as text',
    { binding: { iat: String(NOW) } },
    'binding-time',
    'ERR_CREDENTIAL_BINDING_TIME',
  ],
  [
    'binding expired by its own exp',
    { binding: { exp: NOW } },
    'binding-time',
    'ERR_CREDENTIAL_BINDING_TIME',
  ],
  [
    'binding over another hash',
    { binding: { sd_hash: hidden.digest } },
    'binding-hash',
    'ERR_CREDENTIAL_BINDING_HASH',
  ],
  [
    'binding without hash',
    { binding: { sd_hash: undefined } },
    'binding-hash',
    'ERR_CREDENTIAL_BINDING_HASH',
  ],
]

describe('hostile presentations are refused, with the reason', () => {
  it('the same machinery makes a presentation that is accepted', async () => {
    const report = await verifyCredential(
      await forge({ payload: { _sd: digests(hidden) }, disclosures: [hidden] }),
      policy,
    )
    expect(report.ok).toBe(true)
  })

  it('a digest that no disclosure can have is ignored, as decoys are', async () => {
    const report = await verifyCredential(
      await forge({ payload: { _sd: [...digests(hidden), 'abc'] }, disclosures: [hidden] }),
      policy,
    )
    expect(report.ok).toBe(true)
  })

  it.each(CASES)('%s', async (_title, forged, check, code) => {
    const report = await verifyCredential(await forge(forged), policy)
    expect(report.ok).toBe(false)
    expect(report.checks.filter((one) => one.result === 'failed')).toEqual([
      expect.objectContaining({ name: check, code }),
    ])
    // Whatever comes after the failure was not looked at and must not look as if it had been.
    const failed = CREDENTIAL_CHECKS.indexOf(check)
    expect(report.checks.slice(failed + 1).every((one) => one.result === 'not-executed')).toBe(true)
  })

  const TEXTS: [string, (good: string) => string, ErrorCode][] = [
    ['empty', () => '', 'ERR_CREDENTIAL_FORMAT'],
    ['only a tilde', () => '~', 'ERR_CREDENTIAL_FORMAT'],
    ['no tilde', (good) => good.split('~')[0] as string, 'ERR_CREDENTIAL_FORMAT'],
    [
      'without key binding',
      (good) => good.slice(0, good.lastIndexOf('~') + 1),
      'ERR_CREDENTIAL_BINDING_MISSING',
    ],
    [
      'a disclosure taken out after signing',
      (good) => good.replace(/~[^~]+~/, '~'),
      'ERR_CREDENTIAL_BINDING_HASH',
    ],
    ['disclosures in another order', swapDisclosures, 'ERR_CREDENTIAL_BINDING_HASH'],
    [
      'signature cut',
      (good) => good.replace(/\.([^.~]+)~/, (_, one: string) => `.${one.slice(4)}~`),
      'ERR_TRUST_JWS',
    ],
    ['empty signature', (good) => good.replace(/\.[^.~]+~/, '.~'), 'ERR_TRUST_JWS'],
    ['four parts', (good) => good.replace('.', '..'), 'ERR_TRUST_JWS'],
    ['payload altered', alterPayload, 'ERR_TRUST_SIGNATURE'],
    ['too long', (good) => good + 'A'.repeat(300_000), 'ERR_CREDENTIAL_TOO_LARGE'],
    [
      'too many disclosures',
      (good) => good.replace('~', `~${'e30~'.repeat(600)}`),
      'ERR_CREDENTIAL_TOO_LARGE',
    ],
    ['JSON serialisation', (good) => JSON.stringify({ payload: good }), 'ERR_TRUST_JWS'],
  ]

  it.each(TEXTS)('text: %s', async (_title, spoil, code) => {
    const good = await forge({
      payload: { _sd: digests(hidden), n: [{ '...': element.digest }] },
      disclosures: [hidden, element],
    })
    expect((await verifyCredential(good, policy)).ok).toBe(true)
    const report = await verifyCredential(spoil(good), policy)
    expect(report.ok ? 'accepted' : report.error.code).toBe(code)
  })

  it('refuses a key binding where none is expected', async () => {
    const report = await verifyCredential(await forge(), { ...policy, keyBinding: 'none' })
    expect(report.ok ? 'accepted' : report.error.code).toBe('ERR_CREDENTIAL_BINDING_UNEXPECTED')
    await expect(presentCredential(await forge(), { disclose: [] })).rejects.toThrow(/key binding/)
  })

  it('a disclosed claim named __proto__ is a claim and changes no prototype', async () => {
    const text = await forge(raw('["s","__proto__",{"admin":true}]'))
    const report = await verifyCredential(text, policy)
    if (!report.ok) throw report.error
    expect(Object.hasOwn(report.credential.claims, '__proto__')).toBe(true)
    expect((report.credential.claims as { admin?: boolean }).admin).toBeUndefined()
  })

  it('no error or report carries a claim', async () => {
    const text = await presentCredential(await issue(), { disclose: [['given_name'], ['birthdate']] })
    const report = await verifyCredential(text, {
      ...policy,
      keyBinding: 'none',
      expectedTypes: ['https://x.example'],
    })
    expect(report.ok).toBe(false)
    expect(JSON.stringify(report)).not.toMatch(/玉英|1940/)
  })

  it('each code of the credential room in the table is thrown by the room', () => {
    const source = [
      'conceal',
      'reveal',
      'verify',
      'key-binding',
      'vc-claims',
      'sd-jwt',
      'disclosure',
      'claim-path',
      'issue',
      'present',
      'ctid-file',
    ]
      .map((name) => readFileSync(new URL(`../../src/credential/${name}.ts`, import.meta.url), 'utf8'))
      .join('\n')
    const table = readFileSync(new URL('../../src/base/error-codes.ts', import.meta.url), 'utf8')
    const codes = [...table.matchAll(/ERR_CREDENTIAL_\w+/g)].map(([code]) => code)
    expect(codes.filter((code) => !source.includes(`'${code}'`))).toEqual([])
  })
})

function alterPayload(good: string): string {
  const payload = good.split('.')[1] as string
  const text = fromUtf8(fromBase64url(payload)).replace('credentials', 'credentialz')
  return good.replace(payload, toBase64url(utf8(text)))
}

function swapDisclosures(good: string): string {
  const [jwt, first, second, binding] = good.split('~')
  return [jwt, second, first, binding].join('~')
}
