// What an OpenID4VCI issuer is made of: its credentials, its policy, its short-lived state, and its metadata documents.
import type { Clock, JsonObject, RandomBytes } from '../base/index.ts'
import type { ProvenKey } from '../credential/index.ts'
import type { SignerResolver } from '../trust/index.ts'
import { createSessions, type Sessions } from './sessions.ts'

/** Text in several languages, by language tag. */
export type Translated = Readonly<Record<string, string>>

/** One kind of credential on offer. */
export type CredentialConfiguration = {
  readonly id: string
  readonly vct: string
  readonly scope: string
  readonly name: Translated
  /** Claims with their display names, by path. */
  readonly claims: readonly { readonly path: readonly (string | null)[]; readonly name: Translated }[]
}

/** Whom credentials are issued to: an opaque reference that only the issuing function understands. */
export type SubjectRef = string

/** The outcome of asking for credentials: at once, later, or never. */
export type IssueOutcome =
  | { readonly state: 'issued'; readonly credentials: readonly string[] }
  | { readonly state: 'pending'; readonly retrySeconds: number }
  | { readonly state: 'denied' }

/** Makes the credentials, one for each key. Called again for the same `transaction` while it answers `pending`. */
export type IssueCredentials = (request: {
  readonly subject: SubjectRef
  readonly configuration: CredentialConfiguration
  readonly holderKeys: readonly ProvenKey[]
  readonly transaction: string
}) => Promise<IssueOutcome>

export type IssuerPolicy = {
  /** Largest number of keys in one request. Default 20. */
  readonly batchSize: number
  /** Only sender-constrained tokens (HAIP). Default true. */
  readonly requireDpop: boolean
  /** DPoP proofs must carry a nonce of ours. Default false. */
  readonly dpopNonce: boolean
  /** Only wallets with a client attestation (HAIP). Default false. */
  readonly requireClientAttestation: boolean
  /** Only attested keys. Default false. */
  readonly requireKeyAttestation: boolean
  /** Wrong transaction codes after which a pre-authorised code dies. Default 5. */
  readonly txCodeTries: number
}

export const DEFAULT_ISSUER_POLICY: IssuerPolicy = {
  batchSize: 20,
  requireDpop: true,
  dpopNonce: false,
  requireClientAttestation: false,
  requireKeyAttestation: false,
  txCodeTries: 5,
}

export type PreAuthorizedGrant = {
  readonly subject: SubjectRef
  readonly configurationIds: readonly string[]
  readonly txCode: string | undefined
  triesLeft: number
}

export type AuthorizationTransaction = {
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string | undefined
  readonly codeChallenge: string
  readonly configurationIds: readonly string[]
  /** Those of them asked for by `scope`. */
  readonly scoped: readonly string[]
  /** Asked for by `authorization_details`, and so answered with credential identifiers. */
  readonly byDetails: boolean
  readonly dpopThumbprint: string | undefined
}

export type CodeGrant = AuthorizationTransaction & {
  readonly subject: SubjectRef
  /** Until when the code may be used; it is remembered longer. */
  readonly expiresAt: number
  /** Set once the code is used: a second use takes the token back (RFC 6749 section 4.1.2). */
  tokenId: string | undefined
  isUsed: boolean
}

export type AccessGrant = {
  readonly subject: SubjectRef
  readonly configurationIds: readonly string[]
  /** Configuration ids by credential identifier, when the token response named some. */
  readonly identifiers: ReadonlyMap<string, string> | undefined
  readonly clientId: string | undefined
  /** Thumbprint of the DPoP key; absent for bearer tokens. */
  readonly thumbprint: string | undefined
}

export type DeferredIssuance = {
  readonly configuration: CredentialConfiguration
  readonly holderKeys: readonly ProvenKey[]
  readonly tokenId: string
}

export type IssuerSessions = {
  readonly preAuthorized: Sessions<PreAuthorizedGrant>
  /** Offered configurations by issuer state. */
  readonly issuerStates: Sessions<readonly string[]>
  readonly pushed: Sessions<AuthorizationTransaction>
  readonly codes: Sessions<CodeGrant>
  readonly tokens: Sessions<AccessGrant>
  readonly nonces: Sessions<true>
  readonly proofIds: Sessions<true>
  readonly deferred: Sessions<DeferredIssuance>
  readonly notifications: Sessions<{ readonly tokenId: string }>
}

/** The issuer's state, in memory. A restart ends the runs under way and nothing else. */
export function createIssuerSessions(clock: Clock): IssuerSessions {
  return {
    preAuthorized: createSessions({ clock }),
    issuerStates: createSessions({ clock }),
    pushed: createSessions({ clock }),
    codes: createSessions({ clock }),
    tokens: createSessions({ clock }),
    nonces: createSessions({ clock }),
    proofIds: createSessions({ clock }),
    deferred: createSessions({ clock }),
    notifications: createSessions({ clock }),
  }
}

export type IssuerDeps = {
  readonly clock: Clock
  readonly random: RandomBytes
  /** The issuer identifier, without a trailing slash: `https://issuer.example/tenant`. */
  readonly baseUrl: string
  readonly configurations: readonly CredentialConfiguration[]
  readonly issue: IssueCredentials
  readonly policy: IssuerPolicy
  readonly sessions: IssuerSessions
  readonly name: Translated
  /** Whose client and key attestations count; absent: attestations are not understood. */
  readonly resolveAttester?: SignerResolver
  /** Hears what wallets did with credentials (notification endpoint). */
  readonly onNotification?: (event: string) => void
}

/** `/.well-known/openid-credential-issuer` (section 12.2). */
export function credentialIssuerMetadata(deps: IssuerDeps): JsonObject {
  const { baseUrl, policy } = deps
  const attestation = policy.requireKeyAttestation ? { key_attestations_required: {} } : {}
  const proofTypes = {
    jwt: { proof_signing_alg_values_supported: ['ES256'], ...attestation },
    ...(deps.resolveAttester
      ? { attestation: { proof_signing_alg_values_supported: ['ES256'], ...attestation } }
      : {}),
  }
  return {
    credential_issuer: baseUrl,
    credential_endpoint: `${baseUrl}/credential`,
    nonce_endpoint: `${baseUrl}/nonce`,
    deferred_credential_endpoint: `${baseUrl}/deferred-credential`,
    notification_endpoint: `${baseUrl}/notification`,
    // Absent means one at a time: the size has to be two or more.
    ...(policy.batchSize > 1 ? { batch_credential_issuance: { batch_size: policy.batchSize } } : {}),
    display: displayOf(deps.name),
    credential_configurations_supported: Object.fromEntries(
      deps.configurations.map((configuration) => [
        configuration.id,
        {
          format: 'dc+sd-jwt',
          vct: configuration.vct,
          scope: configuration.scope,
          cryptographic_binding_methods_supported: ['jwk'],
          credential_signing_alg_values_supported: ['ES256'],
          proof_types_supported: proofTypes,
          credential_metadata: {
            display: displayOf(configuration.name),
            claims: configuration.claims.map((claim) => ({
              path: [...claim.path],
              display: displayOf(claim.name),
            })),
          },
        },
      ]),
    ),
  }
}

/** `/.well-known/oauth-authorization-server` (RFC 8414). */
export function authorizationServerMetadata(deps: IssuerDeps): JsonObject {
  const { baseUrl, policy } = deps
  return {
    issuer: baseUrl,
    authorization_endpoint: `${baseUrl}/authorize`,
    pushed_authorization_request_endpoint: `${baseUrl}/par`,
    require_pushed_authorization_requests: true,
    token_endpoint: `${baseUrl}/token`,
    scopes_supported: deps.configurations.map((configuration) => configuration.scope),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'urn:ietf:params:oauth:grant-type:pre-authorized_code'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    authorization_details_types_supported: ['openid_credential'],
    dpop_signing_alg_values_supported: ['ES256'],
    token_endpoint_auth_methods_supported: [
      ...(policy.requireClientAttestation ? [] : ['none']),
      ...(deps.resolveAttester ? ['attest_jwt_client_auth'] : []),
    ],
    ...(deps.resolveAttester
      ? {
          client_attestation_signing_alg_values_supported: ['ES256'],
          client_attestation_pop_signing_alg_values_supported: ['ES256'],
        }
      : {}),
    'pre-authorized_grant_anonymous_access_supported': !policy.requireClientAttestation,
  }
}

function displayOf(text: Translated): JsonObject[] {
  return Object.entries(text).map(([locale, name]) => ({ name, locale }))
}
