// A development PKI made on first run: one root, and a leaf per party. Node only. Never for production:
// there the root is kept offline and each party sends a certificate request.
import 'reflect-metadata'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { CtidError, DAY, type RandomBytes, toHex } from '../base/index.ts'
import { generateSigner, type P256PrivateJwk, type Signer, signerFromJwk } from '../crypto/index.ts'
import { keyId } from './key-id.ts'

/** Parties that get a leaf certificate. */
export type PartyName = 'issuer' | 'verifier' | 'status' | 'rules'

/** A key and the chain that certifies it, ready for a JWS header. */
export type CertifiedKey = {
  readonly signer: Signer
  readonly kid: string
  /** Base64 DER, leaf first, without the anchor. */
  readonly x5c: readonly string[]
}

export type DevelopmentPki = {
  /** The trust anchor, PEM. */
  readonly anchorPem: string
  readonly parties: { readonly [name in PartyName]: CertifiedKey }
}

export type DevelopmentPkiOptions = {
  /** Unix seconds; validity begins at the start of that day. */
  readonly now: number
  readonly random: RandomBytes
  /** Where the parties answer: host name and URI of their certificates. Default `http://localhost`. */
  readonly baseUrl?: string
  /** Validity of the leaves. Default 365 days; the root lives ten times as long. */
  readonly leafDays?: number
}

type Stored = {
  readonly anchorPem: string
  readonly parties: { readonly [name in PartyName]: { privateJwk: P256PrivateJwk; x5c: readonly string[] } }
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const
// id-kp-documentSigning (RFC 9336) for those who sign statements; the reader authentication usage of
// ISO/IEC 18013-5 for the verifier, so that a verifier's certificate cannot pass as an issuer's.
export const DOCUMENT_SIGNING = '1.3.6.1.5.5.7.3.36'
export const READER_AUTHENTICATION = '1.0.18013.5.1.6'
const PARTIES: { readonly [name in PartyName]: { title: string; usage: string } } = {
  issuer: { title: 'CTID development issuer', usage: DOCUMENT_SIGNING },
  verifier: { title: 'CTID development verifier', usage: READER_AUTHENTICATION },
  status: { title: 'CTID development status list', usage: DOCUMENT_SIGNING },
  rules: { title: 'CTID development rules', usage: DOCUMENT_SIGNING },
}

/** Makes a root and a leaf for each party. The root's private key is thrown away: to add a party, make a new PKI. */
export async function createDevelopmentPki(options: DevelopmentPkiOptions): Promise<DevelopmentPki> {
  return await open(await make(options))
}

async function make(options: DevelopmentPkiOptions): Promise<Stored> {
  const { now, random, baseUrl = 'http://localhost', leafDays = 365 } = options
  const notBefore = now - (now % DAY)
  const rootKeys = await crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify'])
  const rootName = 'CN=CTID development root, O=CTID reference implementation'
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(random),
    name: rootName,
    notBefore: new Date(notBefore * 1000),
    notAfter: new Date((notBefore + 10 * leafDays * DAY) * 1000),
    signingAlgorithm: SIGNING,
    keys: rootKeys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  })
  const leaf = async (name: PartyName) => {
    const signer = await generateSigner()
    const publicKey = await crypto.subtle.importKey('jwk', { ...signer.publicJwk }, ALGORITHM, true, [
      'verify',
    ])
    const { title, usage } = PARTIES[name]
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(random),
      subject: `CN=${title}, O=CTID reference implementation`,
      issuer: rootName,
      notBefore: new Date(notBefore * 1000),
      notAfter: new Date((notBefore + leafDays * DAY) * 1000),
      signingAlgorithm: SIGNING,
      publicKey,
      signingKey: rootKeys.privateKey,
      extensions: await leafExtensions(publicKey, rootKeys.publicKey, new URL(baseUrl), usage),
    })
    const x5c = [Buffer.from(certificate.rawData).toString('base64')]
    return { privateJwk: signer.privateJwk, x5c }
  }
  const parties = {
    issuer: await leaf('issuer'),
    verifier: await leaf('verifier'),
    status: await leaf('status'),
    rules: await leaf('rules'),
  }
  return { anchorPem: root.toString('pem'), parties }
}

async function leafExtensions(
  key: CryptoKey,
  rootKey: CryptoKey,
  url: URL,
  usage: string,
): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([usage]),
    new SubjectAlternativeNameExtension([
      { type: 'dns', value: url.hostname },
      { type: 'url', value: url.origin },
    ]),
    await SubjectKeyIdentifierExtension.create(key),
    await AuthorityKeyIdentifierExtension.create(rootKey),
  ]
}

// Positive, 20 octets at most, unpredictable (RFC 5280 section 4.1.2.2).
function serialNumber(random: RandomBytes): string {
  const bytes = random(16)
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40
  return toHex(bytes)
}

async function open(stored: Stored): Promise<DevelopmentPki> {
  const certified = async (name: PartyName): Promise<CertifiedKey> => {
    const { privateJwk, x5c } = stored.parties[name]
    const signer = await signerFromJwk(privateJwk)
    return { signer, kid: keyId(signer.publicJwk), x5c }
  }
  return {
    anchorPem: stored.anchorPem,
    parties: {
      issuer: await certified('issuer'),
      verifier: await certified('verifier'),
      status: await certified('status'),
      rules: await certified('rules'),
    },
  }
}

/**
 * Reads the development PKI of a folder, or makes and keeps one: `pki.json` (private keys, mode 0600) and
 * `anchor.pem` (to hand out). Written whole or not at all; of two processes that start at once, one makes it.
 *
 * @throws {CtidError} `ERR_CRYPTO_KEY` when the file is there but cannot be read as a PKI
 */
export async function loadOrCreatePki(
  folder: string,
  options: DevelopmentPkiOptions,
): Promise<DevelopmentPki> {
  const file = join(folder, 'pki.json')
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const draft = `${file}.${toHex(options.random(8))}`
    const made = JSON.stringify(await make(options), null, 2)
    try {
      writeFileSync(draft, made, { mode: 0o600, flag: 'wx', flush: true })
      // A link, unlike a rename, does not replace what another process has put there meanwhile.
      linkSync(draft, file)
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error
    } finally {
      rmSync(draft, { force: true })
    }
  }
  // Only what differs is written: where keys are mounted, the folder may be read-only.
  if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
  const stored = readStored(file)
  const anchorFile = join(folder, 'anchor.pem')
  const isPublished = existsSync(anchorFile) && readFileSync(anchorFile, 'utf8') === stored.anchorPem
  if (!isPublished) writeFileSync(anchorFile, stored.anchorPem)
  return await open(stored)
}

function readStored(file: string): Stored {
  try {
    const stored = JSON.parse(readFileSync(file, 'utf8')) as Stored
    for (const name of Object.keys(PARTIES) as PartyName[]) {
      if (!stored.parties[name].privateJwk.d) throw new CtidError('ERR_CRYPTO_KEY')
    }
    return stored
  } catch {
    throw new CtidError('ERR_CRYPTO_KEY', { detail: 'pki.json; delete it to make a new PKI' })
  }
}
