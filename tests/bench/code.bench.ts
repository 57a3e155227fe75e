// Codes: verification against the raw signatures it cannot avoid, making, reading, and the sizes they end up with.
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { systemRandom } from '#ctid/base'
import { generateSigner, type Signer } from '#ctid/crypto'
import { encodeBase45, makeAttestation, makeCode, PREFIX, parseCode, toMatrix, toSvg } from '#ctid/qr'
import { keyId, type TrustList } from '#ctid/trust'
import { trustListLookup, type VerifierPolicy, verifyCode } from '#ctid/verifier'
import { type Bench, type BenchContext, type BenchRow, compare, rate } from './harness.ts'

const NOW = 1_795_490_000
const policy: VerifierPolicy = {
  name: 'bench gate',
  useCase: 'entrance',
  purpose: 'identity',
  accept: { dynamic: { minAssurance: 'low', required: ['status-list', 'status'] } },
  kinds: ['person'],
  alternative: { en: 'Ask at the counter.', zh: '请到人工窗口办理。' },
}

/** A code, its context, and the two signatures in it as raw `node:crypto` input. */
async function setUp() {
  const issuer = await generateSigner()
  const holder = await generateSigner()
  const attestation = await makeAttestation(
    {
      handle: systemRandom(16),
      holderKey: holder.publicJwk,
      issuedAt: NOW - 3600,
      expiresAt: NOW + 86_400,
      status: { list: 1, index: 123_456 },
      kind: 'person',
      assurance: 'substantial',
    },
    issuer,
  )
  const list: TrustList = {
    version: 1,
    issuedAt: NOW - 3600,
    expiresAt: NOW + 86_400,
    issuers: [
      {
        id: 'https://issuer.example',
        name: { en: 'Issuer', zh: '签发机构' },
        region: 'CN',
        purposes: ['identity'],
        keys: [{ kid: keyId(issuer.publicJwk), jwk: issuer.publicJwk, notBefore: 0, notAfter: 2 ** 40 }],
      },
    ],
    recognition: [],
  }
  const context = {
    policy,
    trust: trustListLookup(list),
    status: { status: () => ({ state: 'valid' as const, issuedAt: NOW - 60, expiresAt: NOW + 3600 }) },
    // Every code counts as new, so that one code can be measured again and again.
    replay: { consume: () => true },
    clock: () => NOW,
  }
  const text = await makeCode(attestation, holder, { now: NOW })
  const verdict = await verifyCode(text, context)
  if (!verdict.ok) throw new Error('the bench code must be accepted')
  return { holder, attestation, context, text, raw: rawWork(attestation.length) }
}

// Two signatures over messages of the sizes that occur in a code, verified by node:crypto alone.
function rawWork(attestationLength: number) {
  const one = (length: number) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const data = systemRandom(length)
    const signature = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const jwk = publicKey.export({ format: 'jwk' })
    const check = (key: KeyObject) => {
      if (!verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)) throw new Error('raw')
    }
    return { jwk, key: createPublicKey({ key: jwk, format: 'jwk' }), check }
  }
  const issuer = one(120)
  const holder = one(attestationLength + 30)
  return {
    keysAtHand: () => {
      issuer.check(issuer.key)
      holder.check(holder.key)
    },
    holderKeyImported: () => {
      issuer.check(issuer.key)
      holder.check(createPublicKey({ key: holder.jwk, format: 'jwk' }))
    },
  }
}

async function run({ full, log }: BenchContext): Promise<BenchRow[]> {
  const { holder, attestation, context, text, raw } = await setUp()
  const seconds = full ? 1 : 0.5
  const verifyOurs = () => verifyCode(text, context)
  // A verifier runs for days: what its first thousand codes cost while the code is still being optimised is not the question.
  for (const work of [verifyOurs, raw.holderKeyImported]) await rate(work, 1)
  logSizes(log, attestation, await sizes(attestation, holder))
  return [
    await compare(verifyOurs, raw.holderKeyImported, {
      name: 'verify a dynamic code, holder key new',
      unit: 'verification',
      reference: 'two ES256 verifications of node:crypto, one key imported from JWK',
      kind: 'limit',
      target: 1.3,
      seconds,
    }),
    await compare(verifyOurs, raw.keysAtHand, {
      name: 'the same against keys at hand',
      unit: 'verification',
      reference: 'two ES256 verifications of node:crypto, both keys imported beforehand',
      kind: 'limit',
      seconds,
    }),
    await compare(() => parseCode(text), raw.keysAtHand, {
      name: 'read a code without verifying',
      unit: 'code',
      reference: 'two ES256 verifications',
      kind: 'peer',
      seconds,
    }),
    await compare(
      () => makeCode(attestation, holder, { now: NOW }),
      () => holder.sign(attestation),
      { name: 'make a dynamic code', unit: 'code', reference: 'one ES256 signature', kind: 'limit', seconds },
    ),
    await compare(
      () => toSvg(text),
      () => toMatrix(text),
      {
        name: 'draw a code as SVG',
        unit: 'picture',
        reference: 'the matrix alone (qrcode)',
        kind: 'limit',
        seconds,
      },
    ),
  ]
}

async function sizes(attestation: Uint8Array, holder: Signer) {
  const challenge = systemRandom(12)
  return [
    ['dynamic', await makeCode(attestation, holder, { now: NOW })],
    ['dynamic, challenge', await makeCode(attestation, holder, { now: NOW, challenge })],
    [
      'dynamic, challenge, audience',
      await makeCode(attestation, holder, { now: NOW, challenge, audience: 'gate' }),
    ],
    ['online token', PREFIX.online + encodeBase45(systemRandom(32))],
  ] as const
}

function logSizes(
  log: (line: string) => void,
  attestation: Uint8Array,
  codes: readonly (readonly [string, string])[],
) {
  log(`attestation: ${attestation.length} bytes`)
  for (const [name, text] of codes) {
    const { version, size } = toMatrix(text)
    log(`${name}: ${text.length} characters, version ${version}-M, ${size} × ${size} modules`)
  }
}

export const bench: Bench = { name: 'code', run }
