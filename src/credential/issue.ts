// Issuer: makes an SD-JWT VC (draft-ietf-oauth-sd-jwt-vc-24), compact, ES256, bound to a holder key.
import { CtidError, type JsonObject } from '../base/index.ts'
import type { P256PublicJwk, Signer } from '../crypto/index.ts'
import { encodeHeader, signEncoded } from '../trust/index.ts'
import type { ClaimPath } from './claim-path.ts'
import { type ConcealOptions, conceal } from './conceal.ts'
import { joinSdJwt } from './sd-jwt.ts'
import { requireVcClaims, SD_JWT_VC_TYP, UNDISCLOSABLE_CLAIMS } from './vc-claims.ts'

/** The issuer's key with what lets others find it. */
export type IssuerKey = {
  readonly signer: Signer
  /** Key id in the trust list. */
  readonly kid?: string
  /** Certificate chain, base64 DER, leaf first, without the anchor. */
  readonly x5c?: readonly string[]
}

export type IssueOptions = ConcealOptions & {
  /** Becomes `cnf.jwk`: whoever presents must sign with this key. Absent: a bearer credential. */
  readonly holderKey?: P256PublicJwk
}

// The header is the same for every credential of a key.
const headers = new WeakMap<IssuerKey, string>()

/**
 * Issues one SD-JWT VC. `claims` holds everything, `vct` and times included; `options.disclosable` names what the
 * holder may keep back. Costs one signature and one hash per disclosure.
 *
 * @returns compact SD-JWT with all disclosures, ending with a tilde
 * @throws {CtidError} `ERR_CREDENTIAL_CLAIM`, `ERR_CREDENTIAL_CLAIM_PROTECTED`, and those of `conceal`
 */
export async function issueCredential(
  claims: JsonObject & { readonly vct: string },
  issuer: IssuerKey,
  options: IssueOptions,
): Promise<string> {
  requireVcClaims(claims)
  if (options.disclosable.some(isProtected)) throw new CtidError('ERR_CREDENTIAL_CLAIM_PROTECTED')
  const { payload, disclosures } = conceal(claims, options)
  const { holderKey } = options
  const signed = {
    ...payload,
    _sd_alg: 'sha-256',
    ...(holderKey ? { cnf: { jwk: bare(holderKey) } } : {}),
  }
  let header = headers.get(issuer)
  if (header === undefined) {
    header = encodeHeader(SD_JWT_VC_TYP, {
      ...(issuer.kid === undefined ? {} : { kid: issuer.kid }),
      ...(issuer.x5c === undefined ? {} : { x5c: issuer.x5c }),
    })
    headers.set(issuer, header)
  }
  return joinSdJwt(await signEncoded(header, JSON.stringify(signed), issuer.signer), disclosures)
}

function isProtected(path: ClaimPath): boolean {
  return typeof path[0] === 'string' && UNDISCLOSABLE_CLAIMS.has(path[0])
}

function bare({ kty, crv, x, y }: P256PublicJwk): JsonObject {
  return { kty, crv, x, y }
}
