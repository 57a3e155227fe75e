// What an OpenID4VP verifier is made of, and what it keeps between a request and its result.
import type { Clock, JsonObject, RandomBytes } from '../base/index.ts'
import type { CredentialPolicy, CredentialReport } from '../credential/index.ts'
import type { Signer } from '../crypto/index.ts'
import type { AuthorizationRequest, ResponseMode } from './authorization-request.ts'
import type { DecryptionKey } from './authorization-response.ts'
import type { ClientIdPrefix } from './client-id.ts'
import type { DcqlQuery } from './dcql.ts'
import type { Sessions } from './sessions.ts'

export type VerifierDeps = {
  readonly clock: Clock
  readonly random: RandomBytes
  /** Where the verifier's routes answer, without a trailing slash: `https://verifier.example`. */
  readonly baseUrl: string
  readonly key: { readonly signer: Signer; readonly x5c: readonly string[] }
  /** Names of the key's certificate. */
  readonly certificate: { readonly leafHash: string; readonly dnsNames: readonly string[] }
  /**
   * How credentials are judged, apart from what this protocol decides itself. With `checkReceipt` every query asks for the
   * claim `log_receipt` too, for a wallet shows nothing that it was not asked for.
   */
  readonly credentialPolicy: Pick<
    CredentialPolicy,
    'resolveIssuer' | 'checkStatus' | 'checkReceipt' | 'skewSeconds' | 'issuedAheadSeconds'
  >
  readonly sessions: Sessions<VerifierSession>
  /** `haip`: only signed requests of an `x509_hash` client with encrypted answers. */
  readonly profile?: 'haip'
}

export type StartOptions = {
  readonly query: unknown
  /** Default `direct_post.jwt`, what HAIP demands. */
  readonly responseMode?: ResponseMode
  /** Default `x509_hash`, what HAIP demands. */
  readonly clientIdPrefix?: ClientIdPrefix
  /** Where the wallet sends the browser afterwards when both are on one device; `own` is the verifier's own page. */
  readonly completionUri?: string | 'own'
  /** Web origins for the Digital Credentials API; needed with the `dc_api` modes. */
  readonly expectedOrigins?: readonly string[]
}

export type StartedRequest = {
  readonly id: string
  /** What the QR square or the link contains: `openid4vp://?client_id=…&request_uri=…`. */
  readonly authorizationRequest: string
  readonly requestUri: string
  readonly clientId: string
  /** The signed request object for the Digital Credentials API; absent otherwise. */
  readonly requestObject?: string
  /** The secret that the result is released against. Keep it in a cookie of the browser that started. */
  readonly browserSecret: string
  readonly expiresAt: number
}

/** One presentation that was accepted. */
export type AcceptedPresentation = {
  readonly queryId: string
  readonly vct: string
  readonly claims: JsonObject
  readonly checks: CredentialReport['checks']
}

export type PresentationResult =
  | { readonly state: 'pending' }
  | { readonly state: 'accepted'; readonly presentations: readonly AcceptedPresentation[] }
  /** `code` and `message` name the check that failed; `checks` are those of the credential that failed, if one did. */
  | {
      readonly state: 'refused'
      readonly code: string
      readonly message: string
      readonly checks?: CredentialReport['checks']
    }
  /** The wallet declined, with an error code of the protocol. */
  | { readonly state: 'declined'; readonly error: string }

/** Kept between request and result. */
export type VerifierSession = {
  readonly request: AuthorizationRequest
  readonly query: DcqlQuery
  readonly decryptionKey: DecryptionKey | undefined
  readonly browserSecretHash: Uint8Array
  readonly completionUri: string | undefined
  readonly expiresAt: number
  responseCode: string | undefined
  answered: boolean
  result: PresentationResult
}
