// The verifier judges: takes the one answer to a request and checks it as a whole, down to every credential in it.
import { CtidError, fromHex, isCtidError, type JsonObject, toBase64url } from '../base/index.ts'
import { type CredentialPolicy, type CredentialReport, verifyCredential } from '../credential/index.ts'
import {
  type AuthorizationResponse,
  decryptResponse,
  readResponse,
  type VpToken,
} from './authorization-response.ts'
import { type Candidate, type CredentialQuery, checkAnswer } from './dcql.ts'
import { completionUriOf } from './result.ts'
import { openSession } from './start-request.ts'
import type { AcceptedPresentation, VerifierDeps, VerifierSession } from './verifier-config.ts'

const BINDING_WINDOW_SECONDS = 300

/** An answer as it arrived: from a wallet's form post, or from a web page that used the Digital Credentials API. */
export type Answer = { readonly by: 'form' | 'page'; readonly members: JsonObject }

/**
 * Verifier: takes the one answer to a request. Returns what the wallet is told: where to send the browser, if anywhere.
 * A message that is malformed, undecipherable or of another state is refused and spends nothing; after that the request
 * is used up, whatever the judgement.
 *
 * @throws {CtidError} `ERR_OPENID_UNKNOWN_REQUEST` for a second answer, `ERR_OPENID_RESPONSE`, `ERR_OPENID_STATE`,
 *   `ERR_OPENID_DCQL_ANSWER`, or the error of the credential's check that failed
 */
export async function takeAnswer(
  deps: VerifierDeps,
  id: string,
  answer: Answer,
): Promise<{ readonly redirectUri: string | undefined }> {
  const session = openSession(deps, id)
  const overApi = session.request.responseMode.startsWith('dc_api')
  if (overApi !== (answer.by === 'page')) {
    throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'not by the way that was asked for' })
  }
  const response = await readAnswer(session, answer.members)
  requireState(session, response)
  // No await between this check and the mark: of two concurrent answers one is taken.
  if (session.answered) throw new CtidError('ERR_OPENID_UNKNOWN_REQUEST')
  session.answered = true
  if ('error' in response) {
    session.result = { state: 'declined', error: response.error }
  } else {
    await judge(deps, session, response.vpToken)
  }
  return { redirectUri: completionUriOf(deps, session) }
}

async function readAnswer(session: VerifierSession, members: JsonObject): Promise<AuthorizationResponse> {
  const { response: encrypted, vp_token: vpToken, error } = members
  if (encrypted === undefined) {
    // Errors may come in the clear (section 8.3); a vp_token may not.
    const isError = error !== undefined && vpToken === undefined
    if (session.decryptionKey && !isError) {
      throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'must be encrypted' })
    }
    return readResponse(members)
  }
  if (!session.decryptionKey) throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'not asked to encrypt' })
  if (vpToken !== undefined || error !== undefined || typeof encrypted !== 'string') {
    throw new CtidError('ERR_OPENID_RESPONSE', { detail: 'response stands alone' })
  }
  return readResponse(await decryptResponse(encrypted, session.decryptionKey))
}

// Somebody who cannot read the request cannot spend its one answer. Wallets that report an error forget the state at
// times; the address alone is as hard to guess, and all they can do is decline.
function requireState({ request }: VerifierSession, response: AuthorizationResponse): void {
  if (response.state === undefined && 'error' in response) return
  if (request.state !== undefined && response.state !== request.state) throw new CtidError('ERR_OPENID_STATE')
}

async function judge(deps: VerifierDeps, session: VerifierSession, vpToken: VpToken): Promise<void> {
  let failed: CredentialReport['checks'] | undefined
  try {
    const accepted: AcceptedPresentation[] = []
    const candidates = new Map<string, Candidate[]>()
    const seen = new Set<string>()
    for (const [queryId, presentations] of vpToken) {
      const asked = session.query.credentials.find((credential) => credential.id === queryId)
      if (!asked) throw refuse('an id that was not asked for')
      if (presentations.length > 1 && !asked.multiple) throw refuse('more than one presentation')
      const answers: Candidate[] = []
      for (const presentation of presentations) {
        if (seen.has(presentation)) throw refuse('the same presentation twice')
        seen.add(presentation)
        const report = await verifyCredential(presentation, policyFor(deps, session, asked, presentation))
        if (!report.ok) {
          failed = report.checks
          throw report.error
        }
        const { claims, vct, issuer } = report.credential
        accepted.push({ queryId, vct, claims, checks: report.checks })
        answers.push({
          format: 'dc+sd-jwt',
          vct,
          claims,
          holderBound: asked.holderBinding,
          authorityKeyIds: (issuer.authorityKeyIds ?? []).map((id) => toBase64url(fromHex(id))),
        })
      }
      candidates.set(queryId, answers)
    }
    checkAnswer(session.query, candidates)
    session.result = { state: 'accepted', presentations: accepted }
  } catch (error) {
    const known = isCtidError(error) ? error : new CtidError('ERR_HTTP_INTERNAL', { cause: error })
    session.result = {
      state: 'refused',
      code: known.code,
      message: known.message,
      ...(failed === undefined ? {} : { checks: failed }),
    }
    throw known
  }
}

function policyFor(
  deps: VerifierDeps,
  session: VerifierSession,
  asked: CredentialQuery,
  presentation: string,
): CredentialPolicy {
  const { nonce } = session.request
  // Where binding is not demanded a wallet may add it all the same; then it has to be right.
  const isBound = asked.holderBinding || !presentation.endsWith('~')
  return {
    ...deps.credentialPolicy,
    now: deps.clock(),
    expectedTypes: asked.vctValues,
    keyBinding: isBound
      ? {
          expectedAudience: audiencesOf(session),
          expectedNonce: nonce,
          windowSeconds: BINDING_WINDOW_SECONDS,
        }
      : 'none',
  }
}

// Over the Digital Credentials API the answer is for the page that asked, signed request or not (appendix A.4).
function audiencesOf({ request }: VerifierSession): string | readonly string[] {
  if (!request.responseMode.startsWith('dc_api')) return request.clientId
  return (request.expectedOrigins ?? []).map((origin) => `origin:${origin}`)
}

function refuse(detail: string): CtidError {
  return new CtidError('ERR_OPENID_DCQL_ANSWER', { detail })
}
