// Signing keys and certificate chains from files, in the forms that certificate authorities and other tools give them.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { CtidError, isCtidError, systemClock } from '../base/index.ts'
import { type P256PrivateJwk, parsePublicJwk, type Signer, signerFromJwk } from '../crypto/index.ts'
import { keyId } from '../trust/index.ts'
import { type CertifiedKey, checkChain } from '../trust/node.ts'
import { readText } from './system.ts'

/** A key with its chain, and the anchor if the file had one. */
export type LoadedKey = CertifiedKey & { readonly anchorPem: string | undefined }

/**
 * Reads a P-256 private key (PEM, PKCS #8 or SEC 1, or JWK) and its chain (PEM, leaf first). A self-signed certificate at
 * the end is the anchor: it is published, but never sent along.
 *
 * @throws {CtidError} `ERR_CLI_FILE`, `ERR_CLI_USAGE` saying what does not fit
 */
export async function loadCertifiedKey(keyFile: string, chainFile: string): Promise<LoadedKey> {
  const signer = await readKey(keyFile)
  const chain = certificatesOf(await read(chainFile, '--cert'))
  const anchor = chain.findLast(isSelfSigned)
  const links = chain.filter((certificate) => certificate !== anchor)
  const [leaf] = links
  if (!leaf) throw usage('--cert: a leaf under an authority; a self-signed certificate is accepted by nobody')
  if (!isKeyOf(leaf, signer)) throw usage('--cert: the first certificate is not that of --key')
  const now = systemClock() * 1000
  if (now < Date.parse(leaf.validFrom) || now > Date.parse(leaf.validTo)) {
    throw usage('--cert: the certificate is not valid now')
  }
  return {
    signer,
    kid: keyId(signer.publicJwk),
    x5c: links.map((certificate) => certificate.raw.toString('base64')),
    anchorPem: anchor?.toString(),
  }
}

/** The certificates of a PEM text, each as PEM. @throws {CtidError} `ERR_CLI_USAGE` when there is none */
export function splitPem(text: string): string[] {
  return certificatesOf(text).map((certificate) => certificate.toString())
}

function certificatesOf(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    if (blocks.length > 0 && blocks.length <= 100) return blocks.map((block) => new X509Certificate(block))
  } catch {
    // One message for all that is no certificate.
  }
  throw usage('no PEM certificate')
}

/**
 * Refuses a chain that others will refuse, while there is somebody to hear it: a link that is missing or in the wrong
 * place, or another anchor. Without an anchor the last certificate is taken for it.
 *
 * @throws {CtidError} `ERR_CLI_USAGE` saying what `checkChain` found
 */
export function requireChain({ x5c }: CertifiedKey, anchorPem: string | undefined): void {
  const links = anchorPem === undefined ? x5c.slice(0, -1) : x5c
  const anchor = anchorPem ?? Buffer.from(x5c.at(-1) ?? '', 'base64')
  if (links.length === 0) return
  try {
    checkChain(links, { anchors: [anchor], now: systemClock() })
  } catch (error) {
    if (!isCtidError(error)) throw error
    throw usage(`--cert: ${error.message}`)
  }
}

async function read(file: string, option: string): Promise<string> {
  try {
    return await readText(file)
  } catch (cause) {
    throw new CtidError('ERR_CLI_FILE', { detail: option, cause })
  }
}

async function readKey(file: string): Promise<Signer> {
  const text = await read(file, '--key')
  try {
    const key = text.trimStart().startsWith('{')
      ? createPrivateKey({ key: JSON.parse(text), format: 'jwk' })
      : createPrivateKey(text)
    const { kty, crv, x, y, d } = key.export({ format: 'jwk' })
    return await signerFromJwk({ kty, crv, x, y, d } as P256PrivateJwk)
  } catch {
    throw usage('--key: a P-256 private key as PEM or JWK')
  }
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)
}

function isKeyOf(certificate: X509Certificate, signer: Signer): boolean {
  try {
    const { x, y } = parsePublicJwk(certificate.publicKey.export({ format: 'jwk' }))
    return x === signer.publicJwk.x && y === signer.publicJwk.y
  } catch {
    return false
  }
}

function usage(detail: string): CtidError {
  return new CtidError('ERR_CLI_USAGE', { detail })
}
