// Our error codes in the words of the protocols: OAuth 2.0, DPoP, OpenID4VCI section 8.3, OpenID4VP.
import type { CtidError, ErrorCode } from '../base/index.ts'

export type OAuthError = { readonly error: string; readonly status: number }

const WORDS: Partial<Record<ErrorCode, OAuthError>> = {
  ERR_OPENID_CLIENT: { error: 'invalid_client', status: 401 },
  ERR_OPENID_GRANT: { error: 'invalid_grant', status: 400 },
  ERR_OPENID_GRANT_TYPE: { error: 'unsupported_grant_type', status: 400 },
  ERR_OPENID_RESPONSE_TYPE: { error: 'unsupported_response_type', status: 400 },
  ERR_OPENID_SCOPE: { error: 'invalid_scope', status: 400 },
  ERR_OPENID_DPOP: { error: 'invalid_dpop_proof', status: 400 },
  ERR_OPENID_DPOP_NONCE: { error: 'use_dpop_nonce', status: 400 },
  ERR_OPENID_TOKEN: { error: 'invalid_token', status: 401 },
  ERR_OPENID_PROOF: { error: 'invalid_proof', status: 400 },
  ERR_OPENID_NONCE: { error: 'invalid_nonce', status: 400 },
  ERR_OPENID_CONFIGURATION: { error: 'unknown_credential_configuration', status: 400 },
  ERR_OPENID_CREDENTIAL_IDENTIFIER: { error: 'unknown_credential_identifier', status: 400 },
  ERR_OPENID_AUTHORIZATION_DETAILS: { error: 'invalid_authorization_details', status: 400 },
  ERR_OPENID_CREDENTIAL_REQUEST: { error: 'invalid_credential_request', status: 400 },
  ERR_OPENID_ENCRYPTION: { error: 'invalid_encryption_parameters', status: 400 },
  ERR_OPENID_DENIED: { error: 'credential_request_denied', status: 400 },
  ERR_OPENID_TRANSACTION: { error: 'invalid_transaction_id', status: 400 },
  ERR_OPENID_NOTIFICATION_ID: { error: 'invalid_notification_id', status: 400 },
  ERR_OPENID_NOTIFICATION: { error: 'invalid_notification_request', status: 400 },
}

/**
 * The protocol's word for an error; `otherwise` where it has no better one, which differs by endpoint. A refusal is the
 * client's to hear about: what fails on our side while judging its message (a list that cannot be fetched) is a 400 too.
 */
export function oauthError(error: CtidError, otherwise = 'invalid_request'): OAuthError {
  const status = error.status < 500 ? error.status : 400
  return WORDS[error.code] ?? { error: otherwise, status }
}
