// Document signer certificates (X.509) of health certificates. Node only: it uses Node's own X.509 parser.
import { type KeyObject, X509Certificate } from 'node:crypto'
import { CtidError, concatBytes } from '../../base/index.ts'
import { sha256 } from '../../crypto/index.ts'
import type { DccKey, DccKind } from './dcc.ts'

// Extended key usage OIDs (DCC technical specification, volume 5); the second arc is a misprint of it that was issued.
const USAGE = /^1\.3\.6\.1\.4\.1\.(?:1847|0\.1847)\.2021\.1\.([123])$/
const KIND_OF: { readonly [digit: string]: DccKind } = { 1: 't', 2: 'v', 3: 'r' }
const MAX_DER = 16_384

/**
 * Reads a document signer certificate (DER, not PEM: Node refuses PEM bodies whose length is a multiple of 64 with a
 * blank line after them).
 *
 * @throws {CtidError} `ERR_HEALTH_CERTIFICATE_KEY` when it is malformed or of another key type
 */
export function readDocumentSigner(der: Uint8Array): DccKey {
  if (der.length > MAX_DER) throw new CtidError('ERR_HEALTH_CERTIFICATE_KEY', { detail: 'too large' })
  try {
    const certificate = new X509Certificate(der)
    const { publicKey } = certificate
    return {
      kid: sha256(der).slice(0, 8),
      spki: spkiOf(publicKey),
      keyType: keyTypeOf(publicKey),
      kinds: kindsOfUsage(certificate.keyUsage ?? []),
      country: /^C=([A-Z]{2})$/m.exec(certificate.subject)?.[1] ?? '',
      notBefore: Math.floor(Date.parse(certificate.validFrom) / 1000),
      notAfter: Math.floor(Date.parse(certificate.validTo) / 1000),
    }
  } catch (cause) {
    throw new CtidError('ERR_HEALTH_CERTIFICATE_KEY', { detail: 'not a usable certificate', cause })
  }
}

/** What extended key usage OIDs allow; every kind when none of them is ours. */
export function kindsOfUsage(oids: readonly string[]): readonly DccKind[] {
  const kinds = [...new Set(oids.flatMap(kindOf))]
  return kinds.length > 0 ? kinds : ['t', 'v', 'r']
}

function kindOf(oid: string): DccKind[] {
  const kind = KIND_OF[USAGE.exec(oid)?.[1] ?? '']
  return kind ? [kind] : []
}

// An RSA key that may sign with PSS only says so in its algorithm identifier (RFC 4055), which WebCrypto does not import:
// the same key under the plain identifier, `rsaEncryption` with no parameters.
const RSA_ENCRYPTION = Uint8Array.from([
  0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
])

function spkiOf(key: KeyObject): Uint8Array {
  const spki = new Uint8Array(key.export({ type: 'spki', format: 'der' }))
  if (key.asymmetricKeyType !== 'rsa-pss') return spki
  const start = contentStart(spki, 0)
  const afterAlgorithm = contentStart(spki, start) + contentLength(spki, start)
  const content = concatBytes(RSA_ENCRYPTION, spki.subarray(afterAlgorithm))
  return concatBytes(Uint8Array.of(0x30, 0x82, content.length >> 8, content.length & 0xff), content)
}

// DER heads as Node wrote them just now: one byte of length, or 0x81 and one, or 0x82 and two.
function contentStart(der: Uint8Array, at: number): number {
  const length = der[at + 1] as number
  return at + 2 + (length < 0x80 ? 0 : length & 0x7f)
}

function contentLength(der: Uint8Array, at: number): number {
  let length = 0
  for (let i = at + 2; i < contentStart(der, at); i++) length = (length << 8) | (der[i] as number)
  return contentStart(der, at) === at + 2 ? (der[at + 1] as number) : length
}

function keyTypeOf(key: KeyObject): DccKey['keyType'] {
  if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss') return 'RSA'
  const curve = key.asymmetricKeyDetails?.namedCurve
  if (key.asymmetricKeyType === 'ec' && curve === 'prime256v1') return 'P-256'
  if (key.asymmetricKeyType === 'ec' && curve === 'secp384r1') return 'P-384'
  throw new TypeError('key type')
}
