// Document signer certificates (X.509) of health certificates. Node only: it uses Node's own X.509 parser.
import { X509Certificate } from 'node:crypto'
import { CtidError } from '../../base/index.ts'
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
      spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
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

function keyTypeOf(key: import('node:crypto').KeyObject): DccKey['keyType'] {
  if (key.asymmetricKeyType === 'rsa') return 'RSA'
  const curve = key.asymmetricKeyDetails?.namedCurve
  if (key.asymmetricKeyType === 'ec' && curve === 'prime256v1') return 'P-256'
  if (key.asymmetricKeyType === 'ec' && curve === 'secp384r1') return 'P-384'
  throw new TypeError('key type')
}
