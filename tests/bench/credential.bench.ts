// Credentials per core: against the same work done with bare node:crypto calls, and against @sd-jwt/sd-jwt-vc.
import {
  createPrivateKey,
  createPublicKey,
  hash as oneShotHash,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { systemRandom } from '../../src/base/index.ts'
import { issueCredential, presentCredential, verifyCredential } from '../../src/credential/index.ts'
import { generateSigner } from '../../src/crypto/index.ts'
import {
  createStatusList,
  decodeStatusList,
  encodeStatusList,
  getStatus,
  setStatus,
} from '../../src/status/index.ts'
import { chainResolver, createDevelopmentPki } from '../../src/trust/node.ts'
import { type Bench, type BenchContext, type BenchRow, compare } from './harness.ts'

const NOW = Math.floor(Date.now() / 1000)
const CLAIMS = {
  vct: 'https://ctid.example/credentials/bench/1',
  iat: NOW - 60,
  exp: NOW + 86_400,
  ...Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`claim_${i}`, `value number ${i}`])),
}
const HIDDEN = Array.from({ length: 10 }, (_, i) => `claim_${i}`)
const AUDIENCE = 'https://verifier.example'
const NONCE = 'n-0S6_WzA2Mj'

async function run({ full }: BenchContext): Promise<BenchRow[]> {
  const seconds = full ? 1 : 0.25
  const pki = await createDevelopmentPki({ now: NOW, random: systemRandom })
  const { signer, x5c } = pki.parties.issuer
  const issuer = { signer, x5c }
  const holder = await generateSigner()
  const holderJwk = holder.publicJwk
  const hash = (text: string) => oneShotHash('sha256', text, 'base64url')

  const disclosable = HIDDEN.map((name) => [name])
  const ourIssue = () =>
    issueCredential(CLAIMS, issuer, { disclosable, holderKey: holderJwk, random: systemRandom })
  const credential = await ourIssue()
  const presentation = await presentCredential(credential, {
    disclose: disclosable,
    binding: { holder, audience: AUDIENCE, nonce: NONCE, now: NOW },
  })
  const resolveIssuer = chainResolver({ anchors: () => [pki.anchorPem] })
  const policy = {
    now: NOW,
    resolveIssuer,
    expectedTypes: [CLAIMS.vct],
    keyBinding: { expectedAudience: AUDIENCE, expectedNonce: NONCE },
  }
  const ourVerify = async () => {
    const report = await verifyCredential(presentation, policy)
    if (!report.ok) throw report.error
  }

  // The same by hand: no checks beyond the signatures, the hashes and JSON.
  const pair = await generateSigner()
  const bareKey = createPrivateKey({ key: { ...pair.privateJwk }, format: 'jwk' })
  const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'dc+sd-jwt', x5c })).toString('base64url')
  const bareIssue = () => {
    const disclosures = HIDDEN.map((name) =>
      Buffer.from(
        JSON.stringify([randomBytes(16).toString('base64url'), name, CLAIMS[name as 'vct']]),
      ).toString('base64url'),
    )
    const { vct, iat, exp } = CLAIMS
    const payload = {
      _sd: disclosures.map(hash).sort(),
      vct,
      iat,
      exp,
      _sd_alg: 'sha-256',
      cnf: { jwk: holderJwk },
    }
    const input = `${header}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`
    const signature = sign('sha256', Buffer.from(input), { key: bareKey, dsaEncoding: 'ieee-p1363' })
    return `${input}.${signature.toString('base64url')}~${disclosures.join('~')}~`
  }
  const issuerKey = new X509Certificate(Buffer.from(x5c[0] ?? '', 'base64')).publicKey
  const bareVerifyJwt = (jwt: string, key: typeof issuerKey) => {
    const [head = '', body = '', signature = ''] = jwt.split('.')
    JSON.parse(Buffer.from(head, 'base64url').toString())
    const good = verify(
      'sha256',
      Buffer.from(`${head}.${body}`),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
    if (!good) throw new Error('signature')
    return JSON.parse(Buffer.from(body, 'base64url').toString())
  }
  const bareVerify = () => {
    const parts = presentation.split('~')
    const binding = parts.pop() ?? ''
    const payload = bareVerifyJwt(parts[0] ?? '', issuerKey)
    const digests = new Set<string>(payload._sd)
    for (const part of parts.slice(1)) {
      if (!digests.has(hash(part))) throw new Error('digest')
      const [, name, value] = JSON.parse(Buffer.from(part, 'base64url').toString())
      payload[name] = value
    }
    const key = createPublicKey({ key: payload.cnf.jwk, format: 'jwk' })
    if (bareVerifyJwt(binding, key).sd_hash !== hash(`${parts.join('~')}~`)) throw new Error('hash')
  }

  // The peer, with the fastest callbacks it can be given. It reads the holder's key from `cnf`, as every verifier must:
  // holder keys differ each time.
  const peerHolder = (data: string, signature: string, payload: object) => {
    const { cnf } = payload as { cnf: { jwk: typeof holderJwk } }
    return peerVerifier(createPublicKey({ key: { ...cnf.jwk }, format: 'jwk' }))(data, signature)
  }
  const peerVerifier = (key: typeof issuerKey) => (data: string, signature: string) =>
    verify(
      'sha256',
      Buffer.from(data),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
  const peer = new SDJwtVcInstance({
    signer: (data: string) =>
      sign('sha256', Buffer.from(data), { key: bareKey, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
    signAlg: 'ES256',
    verifier: peerVerifier(issuerKey),
    kbVerifier: peerHolder,
    hasher: (data: string | ArrayBuffer) =>
      oneShotHash('sha256', typeof data === 'string' ? data : new Uint8Array(data), 'buffer'),
    hashAlg: 'sha-256',
    saltGenerator: () => randomBytes(16).toString('base64url'),
  })
  const peerClaims = { ...CLAIMS, cnf: { jwk: holderJwk } } as never
  const peerIssue = () => peer.issue(peerClaims, { _sd: HIDDEN } as never, { header: { x5c } as never })
  const peerVerify = () => peer.verify(presentation, { keyBindingNonce: NONCE })
  await peerVerify()

  const size = 2 ** 20
  const list = createStatusList(size, 2)
  for (let i = 0; i < 1000; i++) setStatus(list, i * 997, 1)
  const encoded = await encodeStatusList(list)
  const lookup = async () => getStatus(await decodeStatusList(encoded), 997)

  const shared = { seconds, kind: 'limit' as const }
  return [
    await compare(ourIssue, bareIssue, {
      ...shared,
      name: 'issue, 10 disclosures',
      unit: 'credential',
      reference: 'bare node:crypto',
      target: 1.3,
    }),
    await compare(ourVerify, bareVerify, {
      ...shared,
      name: 'verify with key binding',
      unit: 'presentation',
      reference: 'bare node:crypto',
      target: 1.3,
    }),
    await compare(ourIssue, peerIssue, {
      seconds,
      kind: 'peer',
      name: 'issue, 10 disclosures',
      unit: 'credential',
      reference: '@sd-jwt/sd-jwt-vc 0.19',
      target: 2,
    }),
    await compare(ourVerify, peerVerify, {
      seconds,
      kind: 'peer',
      name: 'verify with key binding',
      unit: 'presentation',
      reference: '@sd-jwt/sd-jwt-vc 0.19',
      target: 1.2,
    }),
    await compare(() => getStatus(list, 997), lookup, {
      seconds,
      kind: 'peer',
      name: 'status of 2^20, kept list',
      unit: 'lookup',
      reference: 'decode 2^20 entries and look up',
    }),
  ]
}

export const bench: Bench = { name: 'credentials', run }
