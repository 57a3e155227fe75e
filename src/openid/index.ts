// openid: credentials handed over by the open protocols, OpenID4VCI and OpenID4VP in the HAIP profile. It sees protocol
// messages and credentials, never a record, a token or a key of the registry.
export {
  type AuthorizationRequest,
  type EncryptionKey,
  openRequestObject,
  parseRequestObject,
  REQUEST_TYP,
  type ReceivedRequest,
  type ResponseMode,
  readRequest,
  requestParameters,
  signRequest,
  VP_FORMATS,
  WALLET_AUDIENCE,
} from './authorization-request.ts'
export {
  type AuthorizationResponse,
  type DecryptionKey,
  decryptResponse,
  encryptResponse,
  readForm,
  readResponse,
  type VpToken,
} from './authorization-response.ts'
export {
  type ClientId,
  type ClientIdPrefix,
  parseClientId,
  type RequestCertificate,
  requireClient,
} from './client-id.ts'
export {
  type Candidate,
  type ClaimsPath,
  type ClaimsQuery,
  type CredentialQuery,
  type CredentialSet,
  checkAnswer,
  claimsToDisclose,
  type DcqlQuery,
  mismatch,
  parseDcql,
  selectClaims,
  type TrustedAuthority,
} from './dcql.ts'
export { createSessions, type Sessions } from './sessions.ts'
export {
  type AcceptedPresentation,
  type PresentationResult,
  requestObject,
  resultOf,
  type StartedRequest,
  type StartOptions,
  startRequest,
  takeAnswer,
  type VerifierDeps,
  type VerifierSession,
} from './verifier.ts'
