// Whether a verifier's certificate leads to the town's anchor: the chain check of `checkChain`, in a browser.
import 'reflect-metadata'
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509Certificate } from '@peculiar/x509'
import { CtidError, type JsonObject, toBase64url } from '#ctid/base'
import { importVerifyKey, parsePublicJwk, sha256 } from '#ctid/crypto'
import type { PresentOptions } from '#ctid/openid'
import { fetchText } from '../../ui/api.ts'

const MAX_CERTIFICATES = 5

/** Looks up the signer of a request among those that the town's anchor vouches for. */
export const resolveVerifier: PresentOptions['resolveVerifier'] = async (header, now) => {
  const links = chainOf(header)
  const path = [...links, new X509Certificate(await fetchText('/anchor.pem'))]
  for (const [depth, link] of links.entries()) {
    const issuer = path[depth + 1]
    const date = new Date(now * 1000)
    const isIssued =
      issuer !== undefined &&
      link.issuer === issuer.subject &&
      issuer.getExtension(BasicConstraintsExtension)?.ca === true &&
      (await link.verify({ publicKey: issuer.publicKey, date }))
    if (!isIssued) throw new CtidError('ERR_TRUST_ANCHOR')
  }
  const leaf = links[0] as X509Certificate
  if (leaf.getExtension(BasicConstraintsExtension)?.ca) throw new CtidError('ERR_TRUST_CERTIFICATE_USE')
  const names = leaf.getExtension(SubjectAlternativeNameExtension)?.names.toJSON() ?? []
  const key = await leaf.publicKey.export()
  const publicJwk = parsePublicJwk(await crypto.subtle.exportKey('jwk', key))
  return {
    leafHash: toBase64url(sha256(new Uint8Array(leaf.rawData))),
    dnsNames: names.filter(({ type }) => type === 'dns').map(({ value }) => value),
    verifyKey: await importVerifyKey(publicJwk),
    name: leaf.subject,
  }
}

function chainOf({ x5c }: JsonObject): X509Certificate[] {
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > MAX_CERTIFICATES) {
    throw new CtidError('ERR_TRUST_CHAIN')
  }
  try {
    return x5c.map((text: unknown) => new X509Certificate(String(text)))
  } catch {
    throw new CtidError('ERR_TRUST_CHAIN', { detail: 'certificate' })
  }
}
