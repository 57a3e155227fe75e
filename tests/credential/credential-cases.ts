// Makes the published vectors of verdicts on presentations: small credentials, right or wrong in one way each.
// `UPDATE_VECTORS=1 npx vitest run tests/credential/credential-cases.test.ts` writes them anew.

import { type Json, type JsonObject, toBase64url, utf8 } from '../../src/base/index.ts'
import type { Disclosure } from '../../src/credential/disclosure.ts'
import { disclosureDigest, joinSdJwt, makeDisclosure, sdHash } from '../../src/credential/index.ts'
import { type Signer, sha256 } from '../../src/crypto/index.ts'
import { keyId, signEncoded } from '../../src/trust/index.ts'
import { BASE, holder, issuer, NOW, statusLists, stranger, trustList } from '../verifier/code-cases.ts'

export type CredentialCase = {
  readonly name: string
  readonly presentation: string
  /** No key binding is demanded. */
  readonly unbound?: true
  readonly now?: number
}

const VCT = 'https://ctid.example/credentials/example/1'
const AUDIENCE = 'https://library.example'
const NONCE = 'n-0S6_WzA2Mj'

type Members = { readonly [name: string]: Json | undefined }
type Forged = {
  /** Replaces, adds or (`undefined`) leaves out members of the payload. */
  readonly payload?: Members
  readonly header?: Members
  readonly by?: Signer
  readonly shown?: readonly string[]
  readonly binding?: Members
  readonly bindingHeader?: Members
  readonly bindingBy?: Signer
}

const jws = (header: Members, payload: Members | string, by: Signer) =>
  signEncoded(
    toBase64url(utf8(JSON.stringify(header))),
    typeof payload === 'string' ? payload : JSON.stringify(payload),
    by,
  )

async function bare({ payload, header, by = issuer, shown = [] }: Forged = {}): Promise<string> {
  const claims = { vct: VCT, exp: NOW + 86_400, cnf: { jwk: { ...holder.publicJwk } }, ...payload }
  const issuerJwt = await jws(
    { alg: 'ES256', typ: 'dc+sd-jwt', kid: keyId(by.publicJwk), ...header },
    claims,
    by,
  )
  return joinSdJwt(issuerJwt, shown.map((encoded) => ({ encoded })) as Disclosure[])
}

async function bind(presentation: string, { binding, bindingHeader, bindingBy = holder }: Forged = {}) {
  const payload = { iat: NOW, aud: AUDIENCE, nonce: NONCE, sd_hash: sdHash(presentation), ...binding }
  return presentation + (await jws({ alg: 'ES256', typ: 'kb+jwt', ...bindingHeader }, payload, bindingBy))
}

const forge = async (forged: Forged = {}) => bind(await bare(forged), forged)

const salt = (name: string) => sha256(utf8(`ctid vector ${name}`)).slice(0, 16)
const member = (name: string, value: Json, of = name) => makeDisclosure(salt(of), value, name)
const element = makeDisclosure(salt('element'), 'CN')
const hidden = member('given_name', '玉英')
const again = member('given_name', '明', 'another')
const digests = (...all: readonly Disclosure[]) => all.map(({ digest }) => digest)
/** A disclosure of any text, and the payload that has its digest. */
const raw = (text: string, encoded = toBase64url(utf8(text))): Forged => ({
  payload: { _sd: [disclosureDigest(encoded)] },
  shown: [encoded],
})
const kept = (one: Disclosure, payload: JsonObject = {}): Forged => ({
  payload: { ...payload, _sd: digests(one) },
  shown: [one.encoded],
})
const status = (idx: Json, list = 7): Forged => ({
  payload: { status: { status_list: { idx, uri: `${BASE}${list}` } } },
})

/** The content of tests/vectors/credential-verdicts.json. */
export async function makeVerdicts() {
  const outer = member('outer', { _sd: digests(hidden) })
  const inJwk = member('jwk', { ...stranger.publicJwk })
  const cnf = (jwk: Members) => ({ payload: { cnf: { jwk: jwk as JsonObject } } })
  const { publicJwk } = holder
  const good = await bare(kept(hidden))
  const [jwt = ''] = good.split('~')
  const forgeries: readonly (readonly [string, Forged])[] = [
    ['nothing hidden', {}],
    ['a member shown', kept(hidden)],
    ['a member kept back, and a decoy', { payload: { _sd: digests(hidden, again) } }],
    [
      'a member inside a member',
      { payload: { _sd: digests(outer) }, shown: [outer.encoded, hidden.encoded] },
    ],
    [
      'an element shown, another kept back',
      {
        payload: { n: [{ '...': element.digest }, 'XX', { '...': hidden.digest }] },
        shown: [element.encoded],
      },
    ],
    ['texts that are no digests', { payload: { _sd: ['abc', ''], n: [{ '...': 'abc2' }] } }],
    ['further members in cnf.jwk', cnf({ ...publicJwk, kid: 'x', use: 'sig' })],
    ['valid by its status list', status(0)],
    ['signed by somebody else', { by: { ...stranger, publicJwk: issuer.publicJwk } }],
    ['by an issuer that is not listed', { by: stranger }],
    ['no key identifier', { header: { kid: undefined } }],
    ['alg none', { header: { alg: 'none' } }],
    ['typ vc+sd-jwt', { header: { typ: 'vc+sd-jwt' } }],
    ['crit', { header: { crit: ['exp'] } }],
    ['_sd_alg sha-512', { payload: { _sd_alg: 'sha-512' } }],
    ['_sd_alg below the top', { payload: { a: { _sd_alg: 'sha-256' } } }],
    ['a disclosure without a digest', { shown: [hidden.encoded] }],
    ['a disclosure twice', { ...kept(hidden), shown: [hidden.encoded, hidden.encoded] }],
    ['an empty disclosure', { shown: [''] }],
    ['a disclosure with padding', raw('', `${hidden.encoded}=`)],
    ['a disclosure with a member twice', raw('["s","n",{"a":1,"a":2}]')],
    ['a disclosure of one element', raw('["s"]')],
    ['a number as salt', raw('[1,"n",1]')],
    ['a claim named _sd', raw('["s","_sd",[]]')],
    ['a digest twice, not shown', { payload: { _sd: digests(hidden, hidden) } }],
    [
      'a digest again inside a disclosure',
      { payload: { _sd: digests(outer, hidden) }, shown: [outer.encoded, hidden.encoded] },
    ],
    ['a text that is no digest, twice', { payload: { _sd: ['abc', 'abc'] } }],
    ['a claim that is there already', kept(hidden, { given_name: '明' })],
    ['an element among members', kept(element)],
    ['a member among elements', { payload: { n: [{ '...': hidden.digest }] }, shown: [hidden.encoded] }],
    ['_sd that is a text', { payload: { _sd: hidden.digest } }],
    ['... with a number', { payload: { n: [{ '...': 1 }] } }],
    ['... outside an array', { payload: { n: { '...': hidden.digest } } }],
    ['vct as a disclosure', kept(member('vct', VCT))],
    ['a digest in status, not shown', { payload: { status: { _sd: digests(hidden) } } }],
    [
      'the key as a disclosure',
      { ...kept(inJwk), payload: { cnf: { _sd: digests(inJwk) } }, bindingBy: stranger },
    ],
    ['no vct', { payload: { vct: undefined } }],
    ['a status of another kind', { payload: { status: { other: {} } } }],
    ['iss of somebody else', { payload: { iss: 'https://other.example' } }],
    ['another type', { payload: { vct: `${VCT}0` } }],
    ['ended this second', { payload: { exp: NOW } }],
    ['begins next second', { payload: { nbf: NOW + 1 } }],
    ['no cnf', { payload: { cnf: undefined } }],
    ['cnf.jwk with a private member', cnf({ ...publicJwk, d: publicJwk.x })],
    ['cnf.jwk that is no point', cnf({ ...publicJwk, y: publicJwk.x })],
    ['bound by another key', { bindingBy: stranger }],
    ['bound with typ JWT', { bindingHeader: { typ: 'JWT' } }],
    ['bound 301 seconds ago', { binding: { iat: NOW - 301 } }],
    ['bound for another verifier', { binding: { aud: 'https://other.example' } }],
    ['bound to another nonce', { binding: { nonce: `${NONCE}x` } }],
    ['bound to another presentation', { ...kept(hidden), binding: { sd_hash: sdHash(await bare()) } }],
    ['revoked', status(1)],
    ['suspended', status(2)],
    ['a status value without a meaning', status(3)],
    [
      'a list elsewhere',
      { payload: { status: { status_list: { idx: 0, uri: 'https://other.example/7' } } } },
    ],
  ]
  const twice = `{"vct":"${VCT}","exp":1,"exp":${NOW + 9}}`
  const cases: CredentialCase[] = [
    ...(await Promise.all(
      forgeries.map(async ([name, forged]) => ({ name, presentation: await forge(forged) })),
    )),
    { name: 'no key binding, and none demanded', presentation: good, unbound: true },
    { name: 'a key binding, and none demanded', presentation: await bind(good), unbound: true },
    { name: 'no key binding', presentation: good },
    { name: 'no tilde at the end', presentation: jwt },
    { name: 'cut off inside the signature', presentation: await bind(`${jwt.slice(0, -3)}~`) },
    {
      name: 'a member twice in the payload',
      presentation: await bind(
        `${await jws({ alg: 'ES256', typ: 'dc+sd-jwt', kid: keyId(issuer.publicJwk) }, twice, issuer)}~`,
      ),
    },
  ]
  return {
    note: 'SPEC section 8.7. Each presentation is verified for `audience` and `nonce` (where `unbound`: with no key binding demanded). results: a character a check in the order of the table; + passed, x failed, - not executed. check and code: which failed; absent where accepted, and then claims are what is read. statusLists: what can be fetched, by address.',
    now: NOW,
    purpose: 'identity',
    region: '330000',
    type: VCT,
    audience: AUDIENCE,
    nonce: NONCE,
    trustList,
    statusLists: await statusLists(),
    cases,
  }
}
