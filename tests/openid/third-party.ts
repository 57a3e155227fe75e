// Unmodified third-party wallet and verifier libraries, given nothing but keys, randomness and the network.
import { createHash, randomBytes, X509Certificate as X509 } from 'node:crypto'
import { type CallbackContext, clientAuthenticationAnonymous, type JwtSigner } from '@openid4vc/oauth2'
import { setGlobalConfig } from '@openid4vc/utils'
import {
  CompactEncrypt,
  compactDecrypt,
  importJWK,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'
import type { P256PrivateJwk, P256PublicJwk } from '#ctid/crypto'
import { jwkThumbprint } from '#ctid/crypto'

// The only concession: the tests have no TLS.
setGlobalConfig({ allowInsecureUrls: true })

export type KeyPair = { readonly publicJwk: P256PublicJwk; readonly privateJwk: P256PrivateJwk }

/** What the libraries ask of their host; `keys` are those the host can sign and decrypt with. */
export function callbacks(keys: readonly KeyPair[], more: Partial<CallbackContext> = {}): CallbackContext {
  const privateOf = (jwk: object): P256PrivateJwk => {
    const wanted = jwkThumbprint(jwk as P256PublicJwk)
    const found = keys.find(({ publicJwk }) => jwkThumbprint(publicJwk) === wanted)
    if (!found) throw new Error('no such key')
    return found.privateJwk
  }
  return {
    fetch,
    hash: (data, alg) => new Uint8Array(createHash(alg.replace('-', '')).update(data).digest()),
    generateRandom: (length) => new Uint8Array(randomBytes(length)),
    clientAuthentication: clientAuthenticationAnonymous(),
    async signJwt(signer, { header, payload }) {
      const publicJwk = signer.method === 'jwk' ? signer.publicJwk : await jwkOfLeaf(signer)
      const key = await importJWK({ ...privateOf(publicJwk) }, 'ES256')
      const protectedHeader = { ...header, alg: 'ES256' } as JWTHeaderParameters
      const jwt = await new SignJWT(payload as JWTPayload).setProtectedHeader(protectedHeader).sign(key)
      return { jwt, signerJwk: publicJwk }
    },
    async verifyJwt(signer, { compact }) {
      const publicJwk = signer.method === 'jwk' ? signer.publicJwk : await jwkOfLeaf(signer)
      try {
        await jwtVerify(compact, await importJWK(publicJwk as JWK, 'ES256'), { clockTolerance: 5 })
        return { verified: true, signerJwk: publicJwk }
      } catch {
        return { verified: false }
      }
    },
    async encryptJwe(encryptor, data) {
      const { publicJwk, alg, enc, apu, apv } = encryptor
      const kid = publicJwk.kid
      const encrypt = new CompactEncrypt(new TextEncoder().encode(data)).setProtectedHeader({
        alg,
        enc,
        ...(kid ? { kid } : {}),
        ...(apu ? { apu } : {}),
        ...(apv ? { apv } : {}),
      })
      return { encryptionJwk: publicJwk, jwe: await encrypt.encrypt(await importJWK(publicJwk as JWK, alg)) }
    },
    async decryptJwe(jwe, options) {
      const jwk = options?.jwk
      if (!jwk) return { decrypted: false }
      const key = await importJWK({ ...privateOf(jwk) }, 'ECDH-ES')
      const { plaintext } = await compactDecrypt(jwe, key)
      return { decrypted: true, decryptionJwk: jwk, payload: new TextDecoder().decode(plaintext) }
    },
    getX509CertificateMetadata: (certificate) => {
      const names = new X509(Buffer.from(certificate, 'base64')).subjectAltName ?? ''
      const all = (kind: string) =>
        [...names.matchAll(new RegExp(`${kind}:([^,\\s]+)`, 'g'))].map(([, name]) => name ?? '')
      return { sanDnsNames: all('DNS'), sanUriNames: all('URI') }
    },
    ...more,
  }
}

async function jwkOfLeaf(signer: JwtSigner): Promise<P256PublicJwk> {
  if (signer.method !== 'x5c') throw new Error(`method ${signer.method}`)
  const pem = `-----BEGIN CERTIFICATE-----\n${signer.x5c[0]}\n-----END CERTIFICATE-----`
  const { kty, crv, x, y } = new X509(pem).publicKey.export({ format: 'jwk' })
  return { kty, crv, x, y } as P256PublicJwk
}

/** A key as the libraries name a signer. */
export function jwkSigner({
  publicJwk,
}: {
  readonly publicJwk: P256PublicJwk
}): JwtSigner & { method: 'jwk' } {
  return { method: 'jwk', alg: 'ES256', publicJwk: { ...publicJwk } }
}
