// A small issuer, holder and verifier for the credential tests, and a way to sign payloads no honest issuer would.
import { type Json, type JsonObject, systemRandom, toBase64url, utf8 } from '../../src/base/index.ts'
import {
  bindPresentation,
  type CredentialPolicy,
  type Disclosure,
  issueCredential,
  joinSdJwt,
  makeDisclosure,
} from '../../src/credential/index.ts'
import { generateSigner, importVerifyKey, type Signer } from '../../src/crypto/index.ts'
import { keyId, signJws, type TrustedSigner } from '../../src/trust/index.ts'

export const NOW = 1_795_500_000
export const VCT = 'https://ctid.example/credentials/test/1'
export const AUDIENCE = 'x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk'
export const NONCE = 'n-0S6_WzA2Mj'
export const ISS = 'https://issuer.example'

export const issuer = await generateSigner()
export const holder = await generateSigner()
export const stranger = await generateSigner()

const trusted: TrustedSigner = {
  id: ISS,
  kid: keyId(issuer.publicJwk),
  publicJwk: issuer.publicJwk,
  verifyKey: await importVerifyKey(issuer.publicJwk),
  speaksFor: (iss) => iss === ISS,
}

export const policy: CredentialPolicy & { keyBinding: object } = {
  now: NOW,
  resolveIssuer: () => trusted,
  expectedTypes: [VCT],
  keyBinding: { expectedAudience: AUDIENCE, expectedNonce: NONCE },
}

export const CLAIMS = {
  vct: VCT,
  iss: ISS,
  iat: NOW - 1000,
  exp: NOW + 86_400,
  given_name: '玉英',
  family_name: '测',
  birthdate: '1940-01-01',
  address: { region: '浙江', locality: '杭州', street_address: '示例路 1 号' },
  nationalities: ['CN', 'XX'],
}

export const DISCLOSABLE = [
  ['given_name'],
  ['family_name'],
  ['birthdate'],
  ['address'],
  ['address', 'street_address'],
  ['nationalities', null],
] as const

export function issue(): Promise<string> {
  return issueCredential(
    CLAIMS,
    { signer: issuer },
    {
      disclosable: DISCLOSABLE,
      holderKey: holder.publicJwk,
      random: systemRandom,
    },
  )
}

export type Forged = {
  /** Replaces or adds payload members; `undefined` removes. */
  readonly payload?: { readonly [name: string]: Json | undefined }
  readonly header?: JsonObject
  readonly typ?: string
  readonly signer?: Signer
  readonly disclosures?: readonly (Disclosure | string)[]
  readonly binding?: { readonly [name: string]: Json | undefined }
  readonly bindingTyp?: string
  readonly bindingSigner?: Signer
}

/** A presentation signed in good order over whatever content the case wants. */
export async function forge(forged: Forged = {}): Promise<string> {
  const payload = {
    vct: VCT,
    exp: NOW + 86_400,
    _sd_alg: 'sha-256',
    cnf: { jwk: { ...holder.publicJwk } },
    ...forged.payload,
  }
  const jwt = await signJws(clean(payload), forged.signer ?? issuer, {
    typ: forged.typ ?? 'dc+sd-jwt',
    header: forged.header ?? {},
  })
  const encoded = (forged.disclosures ?? []).map((one) => (typeof one === 'string' ? { encoded: one } : one))
  const presentation = joinSdJwt(jwt, encoded as Disclosure[])
  const bound = await bindPresentation(presentation, holder, { audience: AUDIENCE, nonce: NONCE, now: NOW })
  if (!forged.binding && !forged.bindingTyp && !forged.bindingSigner) return bound
  const body = JSON.parse(
    atob(
      (bound.split('~').pop() as string).split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') as string,
    ),
  )
  return (
    presentation +
    (await signJws(clean({ ...body, ...forged.binding }), forged.bindingSigner ?? holder, {
      typ: forged.bindingTyp ?? 'kb+jwt',
    }))
  )
}

function clean(value: { readonly [name: string]: Json | undefined }): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject
}

export function disclose(name: string, value: Json): Disclosure {
  return makeDisclosure(systemRandom(16), value, name)
}

export function discloseElement(value: Json): Disclosure {
  return makeDisclosure(systemRandom(16), value)
}

/** A disclosure of arbitrary JSON text, for what `makeDisclosure` would not make. */
export function rawDisclosure(text: string): string {
  return toBase64url(utf8(text))
}
