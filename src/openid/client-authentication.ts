// Which client is asking, and with which DPoP key: checked alike where requests are pushed and where codes are exchanged.
import { CtidError, toBase64url } from '../base/index.ts'
import { checkClientAttestation } from './attestation.ts'
import { checkDpopProof, type DpopPolicy } from './dpop.ts'
import type { IssuerDeps } from './issuer-config.ts'

/** The parts of an HTTP request that the protocol looks at. */
export type ClientRequest = {
  readonly form: ReadonlyMap<string, string>
  readonly header: (name: string) => string | undefined
}

/**
 * Issuer: the client's id, proven by an attestation, or merely stated by a public client where the policy allows that.
 *
 * @throws {CtidError} `ERR_OPENID_CLIENT`, `ERR_OPENID_REQUEST`
 */
export async function authenticateClient(
  deps: IssuerDeps,
  request: ClientRequest,
): Promise<string | undefined> {
  const attestation = request.header('oauth-client-attestation')
  const pop = request.header('oauth-client-attestation-pop')
  const stated = request.form.get('client_id')
  if (stated !== undefined && (stated.length === 0 || stated.length > 512)) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'client_id' })
  }
  if (
    request.form.has('client_assertion') ||
    request.form.has('client_secret') ||
    request.header('authorization')
  ) {
    throw new CtidError('ERR_OPENID_CLIENT', {
      detail: 'this kind of client authentication is not supported',
    })
  }
  if (attestation === undefined && pop === undefined) {
    if (deps.policy.requireClientAttestation) {
      throw new CtidError('ERR_OPENID_CLIENT', { detail: 'client attestation is missing' })
    }
    return stated
  }
  if (attestation === undefined || pop === undefined) {
    throw new CtidError('ERR_OPENID_CLIENT', { detail: 'attestation and its proof go together' })
  }
  if (!deps.resolveAttester) {
    throw new CtidError('ERR_OPENID_CLIENT', { detail: 'attestations are not understood' })
  }
  return checkClientAttestation(attestation, pop, {
    clock: deps.clock,
    resolveAttester: deps.resolveAttester,
    seen: deps.sessions.proofIds,
    audience: deps.baseUrl,
    ...(stated === undefined ? {} : { clientId: stated }),
  })
}

/** Issuer: the thumbprint of the key in the request's DPoP proof. @throws {CtidError} `ERR_OPENID_DPOP` */
export async function provenThumbprint(
  deps: IssuerDeps,
  request: ClientRequest,
  { url, required }: { readonly url: string; readonly required: boolean },
): Promise<string | undefined> {
  const proof = request.header('dpop')
  if (proof === undefined) {
    if (required) throw new CtidError('ERR_OPENID_DPOP', { detail: 'proof is missing' })
    return undefined
  }
  return checkDpopProof(proof, { method: 'POST', url }, dpopPolicy(deps))
}

/** How this issuer checks DPoP proofs. */
export function dpopPolicy(deps: IssuerDeps): DpopPolicy {
  return {
    clock: deps.clock,
    seen: deps.sessions.proofIds,
    ...(deps.policy.dpopNonce
      ? { acceptsNonce: (nonce: string) => deps.sessions.nonces.get(dpopNonceId(nonce)) === true }
      : {}),
  }
}

/** A nonce for DPoP proofs, valid for some minutes; several proofs may carry the same one (RFC 9449 section 8). */
export function makeDpopNonce(deps: IssuerDeps): string {
  const nonce = toBase64url(deps.random(16))
  deps.sessions.nonces.put(dpopNonceId(nonce), true, deps.clock() + 300)
  return nonce
}

// DPoP nonces and credential nonces share a store; one must not pass for the other.
function dpopNonceId(nonce: string): string {
  return `dpop.${nonce}`
}
