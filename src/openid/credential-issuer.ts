// The issuer's credential endpoints: nonces, credentials in batches, deferred ones, notifications
// (OpenID4VCI 1.0 sections 7 to 11).
import { CtidError, isCtidError, type JsonObject, toBase64url } from '../base/index.ts'
import { dpopPolicy } from './client-authentication.ts'
import { checkDpopProof } from './dpop.ts'
import { tokenId } from './exchange.ts'
import type { AccessGrant, CredentialConfiguration, DeferredIssuance, IssuerDeps } from './issuer-config.ts'
import { checkProofs } from './proofs.ts'

const NONCE_SECONDS = 300
const NOTIFICATION_SECONDS = 3600
const DEFERRED_SECONDS = 86_400

/** A request at a protected endpoint. */
export type ProtectedRequest = {
  /** Reads the JSON body; called once the token was found good. */
  readonly body: () => JsonObject
  readonly header: (name: string) => string | undefined
}

/** Issuer: a fresh nonce for proofs, good once. */
export function makeNonce(deps: IssuerDeps): string {
  const nonce = toBase64url(deps.random(24))
  deps.sessions.nonces.put(nonce, true, deps.clock() + NONCE_SECONDS)
  return nonce
}

export type CredentialResponse =
  | { readonly credentials: readonly string[]; readonly notificationId?: string }
  | { readonly transactionId: string; readonly intervalSeconds: number }

/**
 * Issuer: credentials for the keys that the request proves possession of, one each.
 *
 * @throws {CtidError} `ERR_OPENID_TOKEN`, `ERR_OPENID_DPOP`, `ERR_OPENID_CONFIGURATION`,
 *   `ERR_OPENID_CREDENTIAL_IDENTIFIER`, `ERR_OPENID_PROOF`, `ERR_OPENID_NONCE`, `ERR_OPENID_ENCRYPTION`, `ERR_OPENID_CREDENTIAL_REQUEST`, `ERR_OPENID_DENIED`
 */
export async function requestCredential(
  deps: IssuerDeps,
  request: ProtectedRequest,
): Promise<CredentialResponse> {
  const { grant, id } = await requireToken(deps, request, `${deps.baseUrl}/credential`)
  const body = request.body()
  if (body['credential_response_encryption'] !== undefined) throw new CtidError('ERR_OPENID_ENCRYPTION')
  const configuration = requestedConfiguration(deps, grant, body)
  if (body['proof'] !== undefined) {
    throw new CtidError('ERR_OPENID_CREDENTIAL_REQUEST', { detail: 'use proofs, not proof' })
  }
  const holderKeys = await checkProofs(body['proofs'], {
    clock: deps.clock,
    issuer: deps.baseUrl,
    clientId: grant.clientId,
    batchSize: deps.policy.batchSize,
    consumeNonce: (nonce) => !nonce.startsWith('dpop.') && deps.sessions.nonces.take(nonce) === true,
    requireAttestation: deps.policy.requireKeyAttestation,
    ...(deps.resolveAttester === undefined
      ? {}
      : {
          attestations: {
            clock: deps.clock,
            resolveAttester: deps.resolveAttester,
            seen: deps.sessions.proofIds,
          },
        }),
  })
  return issueOrDefer(deps, grant, { configuration, holderKeys, tokenId: id }, toBase64url(deps.random(16)))
}

function requestedConfiguration(
  deps: IssuerDeps,
  grant: AccessGrant,
  body: JsonObject,
): CredentialConfiguration {
  const { credential_configuration_id: id, credential_identifier: identifier } = body
  if ((id === undefined) === (identifier === undefined)) {
    throw new CtidError('ERR_OPENID_CREDENTIAL_REQUEST', { detail: 'one of configuration id and identifier' })
  }
  if (identifier !== undefined) {
    const named = typeof identifier === 'string' ? grant.identifiers?.get(identifier) : undefined
    const configuration = deps.configurations.find((candidate) => candidate.id === named)
    if (!configuration) throw new CtidError('ERR_OPENID_CREDENTIAL_IDENTIFIER')
    return configuration
  }
  // Whoever was told identifiers must use them (section 8.2).
  if (typeof id !== 'string' || grant.identifiers) {
    throw new CtidError('ERR_OPENID_CREDENTIAL_REQUEST', { detail: 'credential_configuration_id' })
  }
  const configuration = deps.configurations.find((candidate) => candidate.id === id)
  if (!configuration || !grant.configurationIds.includes(id)) throw new CtidError('ERR_OPENID_CONFIGURATION')
  return configuration
}

async function issueOrDefer(
  deps: IssuerDeps,
  grant: AccessGrant,
  what: DeferredIssuance,
  transaction: string,
): Promise<CredentialResponse> {
  const { configuration, holderKeys } = what
  const outcome = await deps.issue({ subject: grant.subject, configuration, holderKeys, transaction })
  if (outcome.state === 'denied') throw new CtidError('ERR_OPENID_DENIED')
  if (outcome.state === 'pending') {
    const until = deps.clock() + DEFERRED_SECONDS
    deps.sessions.deferred.put(transaction, what, until)
    // The wallet comes back with the same token, so the token has to live as long as the wait; not one that was taken back meanwhile.
    if (deps.sessions.tokens.get(what.tokenId)) deps.sessions.tokens.put(what.tokenId, grant, until)
    return { transactionId: transaction, intervalSeconds: outcome.retrySeconds }
  }
  const notificationId = toBase64url(deps.random(16))
  deps.sessions.notifications.put(
    notificationId,
    { tokenId: what.tokenId },
    deps.clock() + NOTIFICATION_SECONDS,
  )
  return { credentials: outcome.credentials, notificationId }
}

/**
 * Issuer: the credentials of a deferred issuance, or the answer to come again.
 *
 * @throws {CtidError} `ERR_OPENID_TRANSACTION`, `ERR_OPENID_TOKEN`, `ERR_OPENID_DPOP`, `ERR_OPENID_DENIED`
 */
export async function requestDeferred(
  deps: IssuerDeps,
  request: ProtectedRequest,
): Promise<CredentialResponse> {
  const { grant, id } = await requireToken(deps, request, `${deps.baseUrl}/deferred-credential`)
  const { transaction_id: transaction } = request.body()
  const waiting = typeof transaction === 'string' ? deps.sessions.deferred.get(transaction) : undefined
  if (typeof transaction !== 'string' || !waiting || waiting.tokenId !== id) {
    throw new CtidError('ERR_OPENID_TRANSACTION')
  }
  // Taken before the await, so that two requests at once cannot both be served; put back if it is still pending.
  deps.sessions.deferred.take(transaction)
  try {
    const outcome = await issueOrDefer(deps, grant, waiting, transaction)
    // Without the notification id, which is optional: a widely used library refuses deferred credentials that have one.
    return 'credentials' in outcome ? { credentials: outcome.credentials } : outcome
  } catch (error) {
    // A failure of ours, such as a log without its witnesses, is no decision.
    const isDecided = isCtidError(error) && error.code === 'ERR_OPENID_DENIED'
    if (!isDecided) deps.sessions.deferred.put(transaction, waiting, deps.clock() + DEFERRED_SECONDS)
    throw error
  }
}

const EVENTS = ['credential_accepted', 'credential_failure', 'credential_deleted']

/**
 * Issuer: hears what became of issued credentials (section 11).
 *
 * @throws {CtidError} `ERR_OPENID_NOTIFICATION`, `ERR_OPENID_NOTIFICATION_ID`, `ERR_OPENID_TOKEN`, `ERR_OPENID_DPOP`
 */
export async function notify(deps: IssuerDeps, request: ProtectedRequest): Promise<void> {
  const { id } = await requireToken(deps, request, `${deps.baseUrl}/notification`)
  const { notification_id: notificationId, event, event_description: description } = request.body()
  const isDescribed =
    description === undefined ||
    (typeof description === 'string' && /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(description))
  if (typeof event !== 'string' || !EVENTS.includes(event) || !isDescribed) {
    throw new CtidError('ERR_OPENID_NOTIFICATION', { detail: 'event' })
  }
  if (typeof notificationId !== 'string') {
    throw new CtidError('ERR_OPENID_NOTIFICATION', { detail: 'notification_id' })
  }
  const known = deps.sessions.notifications.get(notificationId)
  if (known?.tokenId !== id) throw new CtidError('ERR_OPENID_NOTIFICATION_ID')
  deps.onNotification?.(event)
}

// A DPoP-bound token is never accepted as a bearer token, nor the other way round (RFC 9449 section 7.1).
async function requireToken(
  deps: IssuerDeps,
  request: ProtectedRequest,
  url: string,
): Promise<{ readonly grant: AccessGrant; readonly id: string }> {
  const match = /^(DPoP|Bearer) ([A-Za-z0-9_-]{1,256})$/i.exec(request.header('authorization') ?? '')
  const accessToken = match?.[2]
  if (accessToken === undefined) throw new CtidError('ERR_OPENID_TOKEN')
  const id = tokenId(accessToken)
  const grant = deps.sessions.tokens.get(id)
  if (!grant) throw new CtidError('ERR_OPENID_TOKEN')
  const isDpop = match?.[1]?.toLowerCase() === 'dpop'
  if (isDpop !== (grant.thumbprint !== undefined))
    throw new CtidError('ERR_OPENID_TOKEN', { detail: 'scheme' })
  if (grant.thumbprint !== undefined) {
    const proof = request.header('dpop')
    if (proof === undefined) throw new CtidError('ERR_OPENID_DPOP', { detail: 'proof is missing' })
    const expected = { method: 'POST', url, accessToken, thumbprint: grant.thumbprint }
    await checkDpopProof(proof, expected, dpopPolicy(deps))
  }
  return { grant, id }
}
