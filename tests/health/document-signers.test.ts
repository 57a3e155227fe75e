// Document signers of every kind that signs genuine certificates: P-256, P-384 under ES256, RSA, RSA for PSS only.
import 'reflect-metadata'
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { ExtendedKeyUsageExtension, PublicKey, X509CertificateGenerator } from '@peculiar/x509'
import { expect, test } from 'vitest'
import { sha256 } from '#ctid/crypto'
import { checkDcc, decodeDcc } from '#ctid/health'
import { type CborValue, encodeBase45, signatureInput, writeCbor } from '#ctid/qr'
import { readDocumentSigner } from '../../src/health/node.ts'

const NOW = 1_795_478_400
const DAY = 86_400
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

async function certificateFor(key: KeyObject, usages: readonly string[] = []): Promise<Uint8Array> {
  const authority = await globalThis.crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    subject: 'C=XX, CN=Synthetic signer',
    issuer: 'C=XX, CN=Synthetic authority',
    serialNumber: '01',
    notBefore: new Date((NOW - DAY) * 1000),
    notAfter: new Date((NOW + DAY) * 1000),
    signingKey: authority.privateKey,
    signingAlgorithm: ALGORITHM,
    publicKey: new PublicKey(new Uint8Array(key.export({ type: 'spki', format: 'der' }))),
    extensions: usages.length > 0 ? [new ExtendedKeyUsageExtension([...usages])] : [],
  })
  return new Uint8Array(certificate.rawData)
}

async function codeOf(kid: Uint8Array, algorithm: number, key: KeyObject): Promise<string> {
  const hcert = new Map<string, CborValue>([['v', [new Map([['tg', '840539006']])]]])
  const payload = writeCbor(
    new Map<number, CborValue>([
      [4, NOW + 100],
      [6, NOW - 100],
      [-260, new Map([[1, hcert]])],
    ]),
  )
  const protectedBytes = writeCbor(
    new Map<number, CborValue>([
      [1, algorithm],
      [4, kid],
    ]),
  )
  const options =
    algorithm === -37
      ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      : { key, dsaEncoding: 'ieee-p1363' as const }
  const signature = new Uint8Array(sign('sha256', signatureInput({ protectedBytes, payload }), options))
  const message = writeCbor([protectedBytes, new Map(), payload, signature])
  return `HC1:${encodeBase45(new Uint8Array(deflateSync(message)))}`
}

test.each([
  ['P-256', -7, generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['P-384 under ES256', -7, generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['RSA', -37, generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['RSA, for PSS only', -37, generateKeyPairSync('rsa-pss', { modulusLength: 2048 })],
] as const)('%s', async (_name, algorithm, pair) => {
  const der = await certificateFor(pair.publicKey)
  const key = readDocumentSigner(der)
  expect(key.kid).toEqual(sha256(der).slice(0, 8))
  expect(
    await checkDcc(await decodeDcc(await codeOf(key.kid, algorithm, pair.privateKey)), [key], NOW),
  ).toEqual({
    key,
    signature: true,
    usage: true,
    fresh: true,
    keyInForce: true,
  })
  const other = algorithm === -37 ? -7 : -37
  const odd = await decodeDcc(await codeOf(key.kid, algorithm, pair.privateKey))
  expect((await checkDcc({ ...odd, algorithm: other }, [key], NOW)).signature).toBe(false)
})

test.each<[string[], string]>([
  [[], 'tvr'],
  [['1.3.6.1.4.1.1847.2021.1.1'], 't'],
  [['1.3.6.1.4.1.0.1847.2021.1.2', '1.3.6.1.4.1.1847.2021.1.3'], 'vr'],
  [['1.3.6.1.5.5.7.3.2'], 'tvr'],
])('extended key usage %j allows %s', async (usages, kinds) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  expect([...readDocumentSigner(await certificateFor(publicKey, usages)).kinds].join('')).toBe(kinds)
})

test.each(['ed25519', 'secp521r1'])('a key on %s is refused', async (curve) => {
  const { publicKey } =
    curve === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: curve })
  const der = await certificateFor(publicKey)
  expect(() => readDocumentSigner(der)).toThrowError(
    expect.objectContaining({ code: 'ERR_HEALTH_CERTIFICATE_KEY' }),
  )
  expect(() => readDocumentSigner(der.slice(0, 50))).toThrowError(
    expect.objectContaining({ code: 'ERR_HEALTH_CERTIFICATE_KEY' }),
  )
})
