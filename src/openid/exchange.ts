// The issuer's token endpoint: a code, authorised or pre-authorised, becomes an access token (RFC 6749, 7636, 9449;
// OpenID4VCI 1.0 section 6).
import { CtidError, equalBytes, type JsonObject, toBase64url, utf8 } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import { detailedConfigurations } from './authorization-details.ts'
import { authenticateClient, type ClientRequest, provenThumbprint } from './client-authentication.ts'
import type { IssuerDeps, SubjectRef } from './issuer-config.ts'
import { PRE_AUTHORIZED } from './offer.ts'

export const CODE_SECONDS = 60
export const TOKEN_SECONDS = 600

export type TokenResponse = {
  readonly accessToken: string
  readonly tokenType: 'DPoP' | 'Bearer'
  readonly expiresIn: number
  /** What was granted of the scopes asked for: said always, since it may be less (RFC 6749 section 3.3). */
  readonly scope?: string
  /** Present when credentials were asked for by authorization details: what the wallet must ask for by identifier. */
  readonly authorizationDetails?: readonly JsonObject[]
}

type Redeemed = {
  readonly subject: SubjectRef
  readonly configurationIds: readonly string[]
  readonly byDetails: boolean
  /** Those asked for by scope. */
  readonly scoped: readonly string[]
  /** Told which token was made from the code. */
  readonly onToken?: (tokenId: string) => void
}

/**
 * Issuer: exchanges a code for an access token.
 *
 * @throws {CtidError} `ERR_OPENID_GRANT_TYPE`, `ERR_OPENID_GRANT`, `ERR_OPENID_REQUEST`, `ERR_OPENID_CLIENT`, `ERR_OPENID_DPOP`,
 *   `ERR_OPENID_AUTHORIZATION_DETAILS`
 */
export async function exchangeCode(deps: IssuerDeps, request: ClientRequest): Promise<TokenResponse> {
  const { form } = request
  const grantType = form.get('grant_type')
  if (grantType === undefined) fail('grant_type')
  if (grantType !== 'authorization_code' && grantType !== PRE_AUTHORIZED) {
    throw new CtidError('ERR_OPENID_GRANT_TYPE')
  }
  const asked = detailedConfigurations(deps, form.get('authorization_details'))
  const clientId = await authenticateClient(deps, request)
  const where = { url: `${deps.baseUrl}/token`, required: deps.policy.requireDpop }
  const thumbprint = await provenThumbprint(deps, request, where)
  // No await from here on: of two exchanges at once one gets the token.
  const grant =
    grantType === PRE_AUTHORIZED
      ? redeemPreAuthorized(deps, form)
      : redeemCode(deps, form, { clientId, thumbprint })
  if (asked && !asked.every((id) => grant.configurationIds.includes(id))) {
    throw new CtidError('ERR_OPENID_AUTHORIZATION_DETAILS', { detail: 'beyond the grant' })
  }
  const configurationIds = asked ?? grant.configurationIds
  const identifiers = asked || grant.byDetails ? identify(configurationIds) : undefined
  const accessToken = toBase64url(deps.random(32))
  const id = tokenId(accessToken)
  const { subject, scoped } = grant
  const scope = deps.configurations
    .filter(({ id }) => scoped.includes(id) && configurationIds.includes(id))
    .map((configuration) => configuration.scope)
    .join(' ')
  const until = deps.clock() + TOKEN_SECONDS
  deps.sessions.tokens.put(id, { subject, configurationIds, identifiers, clientId, thumbprint }, until)
  grant.onToken?.(id)
  return {
    accessToken,
    tokenType: thumbprint === undefined ? 'Bearer' : 'DPoP',
    expiresIn: TOKEN_SECONDS,
    ...(scope === '' ? {} : { scope }),
    ...(identifiers === undefined ? {} : { authorizationDetails: detailsOf(identifiers) }),
  }
}

/** Tokens are kept by their hash: whoever reads the state cannot use them. */
export function tokenId(accessToken: string): string {
  return toBase64url(sha256(utf8(accessToken)))
}

// One data set of each kind for a subject, so the identifier only has to be distinct from the configuration's.
function identify(configurationIds: readonly string[]): ReadonlyMap<string, string> {
  return new Map(configurationIds.map((id) => [`${id}.own`, id]))
}

function detailsOf(identifiers: ReadonlyMap<string, string>): JsonObject[] {
  return [...identifiers].map(([identifier, id]) => ({
    type: 'openid_credential',
    credential_configuration_id: id,
    credential_identifiers: [identifier],
  }))
}

function redeemPreAuthorized(deps: IssuerDeps, form: ReadonlyMap<string, string>): Redeemed {
  const code = form.get('pre-authorized_code')
  if (code === undefined) fail('pre-authorized_code')
  const { preAuthorized } = deps.sessions
  const grant = preAuthorized.get(code)
  if (!grant) throw new CtidError('ERR_OPENID_GRANT')
  const txCode = form.get('tx_code')
  if ((grant.txCode === undefined) !== (txCode === undefined)) fail('tx_code')
  if (grant.txCode !== undefined && !equalBytes(sha256(utf8(txCode ?? '')), sha256(utf8(grant.txCode)))) {
    // Six digits are guessable: a few wrong ones and the code is dead.
    grant.triesLeft--
    if (grant.triesLeft <= 0) preAuthorized.take(code)
    throw new CtidError('ERR_OPENID_GRANT', { detail: 'tx_code' })
  }
  preAuthorized.take(code)
  return { ...grant, byDetails: false, scoped: [] }
}

function redeemCode(
  deps: IssuerDeps,
  form: ReadonlyMap<string, string>,
  client: { readonly clientId: string | undefined; readonly thumbprint: string | undefined },
): Redeemed {
  const code = form.get('code')
  if (code === undefined) fail('code')
  const grant = deps.sessions.codes.get(code)
  if (!grant) throw new CtidError('ERR_OPENID_GRANT')
  // Used up by the attempt, right or wrong; a second use takes back what the first obtained (RFC 6749 section 4.1.2).
  if (grant.isUsed) {
    if (grant.tokenId !== undefined) deps.sessions.tokens.take(grant.tokenId)
    throw new CtidError('ERR_OPENID_GRANT', { detail: 'used before' })
  }
  grant.isUsed = true
  if (deps.clock() >= grant.expiresAt) throw new CtidError('ERR_OPENID_GRANT', { detail: 'expired' })
  if (grant.clientId !== client.clientId) throw new CtidError('ERR_OPENID_GRANT', { detail: 'client_id' })
  if (grant.redirectUri !== form.get('redirect_uri')) {
    throw new CtidError('ERR_OPENID_GRANT', { detail: 'redirect_uri' })
  }
  const verifier = form.get('code_verifier') ?? ''
  const isVerifier = /^[A-Za-z0-9._~-]{43,128}$/.test(verifier)
  if (!isVerifier || toBase64url(sha256(utf8(verifier))) !== grant.codeChallenge) {
    throw new CtidError('ERR_OPENID_GRANT', { detail: 'code_verifier' })
  }
  if (grant.dpopThumbprint !== undefined && grant.dpopThumbprint !== client.thumbprint) {
    throw new CtidError('ERR_OPENID_GRANT', { detail: 'another DPoP key' })
  }
  const onToken = (id: string) => {
    grant.tokenId = id
  }
  return { ...grant, onToken }
}

function fail(detail: string): never {
  throw new CtidError('ERR_OPENID_REQUEST', { detail })
}
