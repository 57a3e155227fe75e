// The verifier releases the result: to the browser session that started the request and to no other.
import { CtidError, equalBytes, fromBase64url, toBase64url, utf8 } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import type { PresentationResult, VerifierDeps, VerifierSession } from './verifier-config.ts'

/**
 * Verifier: where the wallet sends the browser, with a fresh response code that ties the result to the browser that
 * comes back with it (OpenID4VP 1.0 sections 8.2 and 14.2, session fixation).
 */
export function completionUriOf(deps: VerifierDeps, session: VerifierSession): string | undefined {
  if (session.completionUri === undefined) return undefined
  session.responseCode = toBase64url(deps.random(16))
  const uri = new URL(session.completionUri)
  uri.searchParams.set('response_code', session.responseCode)
  return uri.href
}

/**
 * Verifier: the result, for the browser that started. When the wallet was sent back by redirect, the response code
 * is demanded too, so that a result obtained on one device cannot be collected on another.
 *
 * @throws {CtidError} `ERR_OPENID_UNKNOWN_REQUEST` for anybody else
 */
export function resultOf(
  deps: VerifierDeps,
  id: string,
  proof: { readonly browserSecret: string; readonly responseCode?: string },
): PresentationResult {
  const session = deps.sessions.get(id)
  const isOwner = session && equalBytes(sha256(utf8(proof.browserSecret)), session.browserSecretHash)
  if (!isOwner) throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  if (session.responseCode !== undefined && !sameCode(proof.responseCode, session.responseCode)) {
    throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  }
  if (session.result.state === 'pending' && deps.clock() >= session.expiresAt) {
    throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  }
  return session.result
}

function sameCode(given: string | undefined, expected: string): boolean {
  if (given === undefined) return false
  try {
    return equalBytes(fromBase64url(given), fromBase64url(expected))
  } catch {
    return false
  }
}
