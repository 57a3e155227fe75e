// Certificate chains (x5c) up to configured anchors, RFC 5280 section 6.1 for short P-256 chains. Node only.
import 'reflect-metadata'
import { createHash, X509Certificate } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as ParsedCertificate,
} from '@peculiar/x509'
import { CtidError, type JsonObject } from '../base/index.ts'
import { importVerifyKey, type P256PublicJwk, parsePublicJwk } from '../crypto/index.ts'
import { keyId } from './key-id.ts'
import type { SignerResolver, TrustedSigner } from './signer.ts'

export type ChainOptions = {
  /** Certificates trusted beforehand: PEM or DER. They are not part of `x5c`. */
  readonly anchors: readonly (string | Uint8Array)[]
  /** Unix seconds. */
  readonly now: number
  /** When the leaf has an extended key usage, it must contain one of these OIDs. */
  readonly acceptedUsages?: readonly string[]
}

export type CheckedChain = {
  readonly publicJwk: P256PublicJwk
  readonly subject: string
  /** Names of the leaf: DNS names and URIs of its subject alternative name. */
  readonly dnsNames: readonly string[]
  readonly uris: readonly string[]
  /** Authority key identifiers along the chain, lower-case hex, for `trusted_authorities` of type `aki`. */
  readonly authorityKeyIds: readonly string[]
  /** Base64url SHA-256 of the leaf's DER, as in `x509_hash` client identifiers. */
  readonly leafHash: string
  /** The chain's common validity, Unix seconds: between them the result may be kept. */
  readonly notBefore: number
  readonly notAfter: number
}

type Link = { readonly native: X509Certificate; readonly parsed: ParsedCertificate }

const MAX_CERTIFICATES = 5
const MAX_DER = 8192
// Extensions this file understands or that only inform; any other critical one refuses the certificate.
const KNOWN_CRITICAL = new Set(['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.37'])
const HASHES = new Set(['SHA-256', 'SHA-384', 'SHA-512'])
// Keys of authorities; OpenSSL's names of P-256, P-384, P-521 and the brainpool curves that ISO 18013-5 allows.
const MIN_RSA_BITS = 2048
const CURVES = new Set([
  'prime256v1',
  'secp384r1',
  'secp521r1',
  'brainpoolP256r1',
  'brainpoolP320r1',
  'brainpoolP384r1',
  'brainpoolP512r1',
])

/**
 * Verifier: checks a chain, leaf first and without the anchor: each signature, validity, CA flag, key usage, path
 * length, critical extensions, hash algorithm, P-256 leaf that is no CA and not self-signed, and its end at an anchor.
 *
 * @throws {CtidError} `ERR_TRUST_CHAIN`, `ERR_TRUST_ANCHOR`, `ERR_TRUST_CERTIFICATE_PERIOD`, `ERR_TRUST_CERTIFICATE_USE`
 */
export function checkChain(x5c: unknown, options: ChainOptions): CheckedChain {
  const links = parseChain(x5c)
  const anchors = options.anchors.map(parseAnchor)
  const [leaf] = links
  if (!leaf) throw new CtidError('ERR_TRUST_CHAIN')
  if (isSelfSigned(leaf)) throw new CtidError('ERR_TRUST_CHAIN', { detail: 'self-signed leaf' })
  if (links.some((link) => anchors.some((anchor) => anchor.native.raw.equals(link.native.raw)))) {
    throw new CtidError('ERR_TRUST_CHAIN', { detail: 'the anchor is part of the chain' })
  }
  // Before any signature is verified: some builds of OpenSSL verify none with an old hash. Nobody relies on the signature of
  // an anchor, so its hash may be of older times.
  links.forEach(checkHash)
  const last = links.at(-1) as Link
  const anchor = anchors.find((one) => isIssuedBy(last, one))
  if (!anchor) throw new CtidError('ERR_TRUST_ANCHOR')
  const path = [...links, anchor]
  // CA flag and path length bind an anchor like the others.
  // Certificates between an authority and the leaf count, but not those that an authority issued to itself (RFC 5280
  // section 6.1.4, l).
  let below = 0
  path.slice(1).forEach((link) => {
    checkAuthority(link, below)
    if (!isSelfNamed(link)) below += 1
  })
  path.forEach((link, depth) => {
    const issuer = path[depth + 1]
    if (issuer && !isIssuedBy(link, issuer)) throw new CtidError('ERR_TRUST_CHAIN', { detail: 'broken link' })
    checkPeriod(link, options.now)
    checkExtensions(link)
  })
  checkLeaf(leaf, options.acceptedUsages)
  return describe(leaf, path)
}

function parseChain(x5c: unknown): Link[] {
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > MAX_CERTIFICATES) {
    throw new CtidError('ERR_TRUST_CHAIN')
  }
  return x5c.map((text: unknown) => {
    if (typeof text !== 'string' || text.length > MAX_DER * 1.4 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
      throw new CtidError('ERR_TRUST_CHAIN', { detail: 'encoding' })
    }
    const der = Buffer.from(text, 'base64')
    if (der.toString('base64') !== text) throw new CtidError('ERR_TRUST_CHAIN', { detail: 'encoding' })
    return parseCertificate(der)
  })
}

function parseCertificate(der: Uint8Array): Link {
  try {
    const native = new X509Certificate(der)
    // Bytes after the certificate would change its hash but not its meaning.
    if (native.raw.length !== der.length) throw new CtidError('ERR_TRUST_CHAIN', { detail: 'trailing bytes' })
    return { native, parsed: new ParsedCertificate(new Uint8Array(der)) }
  } catch (cause) {
    throw cause instanceof CtidError ? cause : new CtidError('ERR_TRUST_CHAIN', { detail: 'certificate' })
  }
}

const anchorCache = new Map<string | Uint8Array, Link>()

function parseAnchor(anchor: string | Uint8Array): Link {
  const known = anchorCache.get(anchor)
  if (known) return known
  let link: Link
  try {
    link = parseCertificate(new X509Certificate(anchor).raw)
  } catch {
    throw new CtidError('ERR_TRUST_CHAIN', { detail: 'configured anchor' })
  }
  if (anchorCache.size > 1000) anchorCache.clear()
  anchorCache.set(anchor, link)
  return link
}

function isSelfNamed({ native }: Link): boolean {
  return native.subject === native.issuer
}

function isSelfSigned(link: Link): boolean {
  return isSelfNamed(link) && link.native.verify(link.native.publicKey)
}

function isIssuedBy(link: Link, issuer: Link): boolean {
  try {
    return link.native.checkIssued(issuer.native) && link.native.verify(issuer.native.publicKey)
  } catch {
    return false
  }
}

function checkPeriod({ parsed }: Link, now: number): void {
  if (now < parsed.notBefore.getTime() / 1000 || now > parsed.notAfter.getTime() / 1000) {
    throw new CtidError('ERR_TRUST_CERTIFICATE_PERIOD')
  }
}

function checkHash({ parsed }: Link): void {
  const { hash } = parsed.signatureAlgorithm as { hash?: { name?: string } }
  if (!HASHES.has(hash?.name ?? ''))
    throw new CtidError('ERR_TRUST_CERTIFICATE_USE', { detail: 'hash algorithm' })
}

function checkExtensions({ parsed }: Link): void {
  if (parsed.extensions.some((extension) => extension.critical && !KNOWN_CRITICAL.has(extension.type))) {
    throw new CtidError('ERR_TRUST_CERTIFICATE_USE', { detail: 'critical extension' })
  }
}

function checkAuthority({ native, parsed }: Link, below: number): void {
  const { modulusLength = 0, namedCurve = '' } = native.publicKey.asymmetricKeyDetails ?? {}
  if (modulusLength < MIN_RSA_BITS && !CURVES.has(namedCurve)) {
    throw new CtidError('ERR_TRUST_CERTIFICATE_USE', { detail: 'authority key' })
  }
  const constraints = parsed.getExtension(BasicConstraintsExtension)
  if (!constraints?.ca) throw new CtidError('ERR_TRUST_CERTIFICATE_USE', { detail: 'not an authority' })
  if (constraints.pathLength !== undefined && below > constraints.pathLength) {
    throw new CtidError('ERR_TRUST_CERTIFICATE_USE', { detail: 'path length' })
  }
  const usage = parsed.getExtension(KeyUsagesExtension)
  if (usage && (usage.usages & KeyUsageFlags.keyCertSign) === 0) {
    throw new CtidError('ERR_TRUST_CERTIFICATE_USE', { detail: 'authority key usage' })
  }
}

function checkLeaf({ parsed }: Link, acceptedUsages: readonly string[] | undefined): void {
  if (parsed.getExtension(BasicConstraintsExtension)?.ca) {
    throw new CtidError('ERR_TRUST_CERTIFICATE_USE', { detail: 'an authority signs as leaf' })
  }
  const usage = parsed.getExtension(KeyUsagesExtension)
  if (usage && (usage.usages & KeyUsageFlags.digitalSignature) === 0) {
    throw new CtidError('ERR_TRUST_CERTIFICATE_USE', { detail: 'leaf key usage' })
  }
  const extended = parsed.getExtension(ExtendedKeyUsageExtension)
  if (acceptedUsages && extended && !extended.usages.some((one) => acceptedUsages.includes(String(one)))) {
    throw new CtidError('ERR_TRUST_CERTIFICATE_USE', { detail: 'extended key usage' })
  }
}

function describe(leaf: Link, path: readonly Link[]): CheckedChain {
  const names = alternativeNames(leaf.native.subjectAltName)
  return {
    publicJwk: leafKey(leaf),
    subject: leaf.native.subject,
    dnsNames: names.filter(([kind]) => kind === 'DNS').map(([, name]) => name),
    uris: names.filter(([kind]) => kind === 'URI').map(([, name]) => name),
    authorityKeyIds: path.flatMap(({ parsed }) => {
      const id = parsed.getExtension(AuthorityKeyIdentifierExtension)?.keyId
      return id === undefined ? [] : [id.toLowerCase()]
    }),
    leafHash: x509Hash(leaf.native.raw),
    notBefore: Math.max(...path.map(({ parsed }) => parsed.notBefore.getTime() / 1000)),
    notAfter: Math.min(...path.map(({ parsed }) => parsed.notAfter.getTime() / 1000)),
  }
}

function leafKey({ native }: Link): P256PublicJwk {
  try {
    return parsePublicJwk(native.publicKey.export({ format: 'jwk' }))
  } catch {
    throw new CtidError('ERR_TRUST_CERTIFICATE_USE', { detail: 'leaf key is not P-256' })
  }
}

// Node prints names as `DNS:a.example, URI:https://a.example`; a name with odd characters is printed as a JSON string.
// Such names are left out: nobody has to match them.
function alternativeNames(text: string | undefined): [string, string][] {
  return (text ?? '').split(', ').flatMap((entry): [string, string][] => {
    const colon = entry.indexOf(':')
    const name = entry.slice(colon + 1)
    return colon < 0 || !/^[!#-~]+$/.test(name) ? [] : [[entry.slice(0, colon), name]]
  })
}

/** Base64url SHA-256 of a certificate's DER bytes (OpenID4VP 1.0, client identifier prefix `x509_hash`). */
export function x509Hash(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url')
}

export type ChainResolverOptions = Omit<ChainOptions, 'now' | 'anchors'> & {
  /** Read on each call, so that anchors can be added while running. */
  readonly anchors: () => readonly (string | Uint8Array)[]
}

/**
 * Verifier: resolves JWS headers by their `x5c` chain. A checked chain is kept until its first certificate ends or
 * the anchors change, at most 1,000 of them, so that a returning issuer costs one map look-up.
 */
export function chainResolver(options: ChainResolverOptions): SignerResolver {
  const kept = new Map<string, { signer: TrustedSigner; chain: CheckedChain }>()
  let anchorsOfKept: readonly (string | Uint8Array)[] = []
  return async (header: JsonObject, now: number) => {
    const anchors = options.anchors()
    if (anchors.length !== anchorsOfKept.length || anchors.some((one, i) => one !== anchorsOfKept[i])) {
      kept.clear()
      anchorsOfKept = [...anchors]
    }
    const { x5c } = header
    const name = Array.isArray(x5c) ? x5c.join('.') : ''
    const known = kept.get(name)
    if (known && known.chain.notBefore <= now && now <= known.chain.notAfter) return known.signer
    const chain = checkChain(x5c, { ...options, anchors, now })
    const signer = await signerOf(chain)
    if (kept.size >= 1000) kept.clear()
    kept.set(name, { signer, chain })
    return signer
  }
}

async function signerOf(chain: CheckedChain): Promise<TrustedSigner> {
  const dnsNames = new Set(chain.dnsNames.map((name) => name.toLowerCase()))
  return {
    id: chain.uris[0] ?? (chain.dnsNames[0] === undefined ? chain.subject : `https://${chain.dnsNames[0]}`),
    kid: keyId(chain.publicJwk),
    publicJwk: chain.publicJwk,
    verifyKey: await importVerifyKey(chain.publicJwk),
    speaksFor: (iss) => chain.uris.includes(iss) || dnsNames.has(hostOf(iss)),
    authorityKeyIds: chain.authorityKeyIds,
  }
}

// Only the plain form: parsers disagree on backslashes and characters beyond ASCII, and what stands before an @ looks like
// a host to people.
function hostOf(iss: string): string {
  return /^https:\/\/([a-z0-9.-]+)(?::[0-9]{1,5})?(?:[/?#][!-[\]-~]*)?$/i.exec(iss)?.[1]?.toLowerCase() ?? ''
}
