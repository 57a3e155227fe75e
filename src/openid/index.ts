// openid: credentials handed over by the open protocols, OpenID4VCI and OpenID4VP in the HAIP profile. It sees protocol
// messages and credentials, never a record, a token or a key of the registry.

export {
  type AttestationPolicy,
  CLIENT_ATTESTATION_POP_TYP,
  CLIENT_ATTESTATION_TYP,
  checkClientAttestation,
  checkKeyAttestation,
  KEY_ATTESTATION_TYP,
  type KeyAttestation,
  makeClientAttestationPop,
} from './attestation.ts'
export { authorizationTransaction, decideAuthorization, pushRequest } from './authorization.ts'
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
  formMembers,
  readResponse,
  type VpToken,
} from './authorization-response.ts'
export { type ClientRequest, makeDpopNonce } from './client-authentication.ts'
export {
  type ClientId,
  type ClientIdPrefix,
  parseClientId,
  type RequestCertificate,
  requireClient,
} from './client-id.ts'
export {
  type CredentialResponse,
  makeNonce,
  notify,
  type ProtectedRequest,
  requestCredential,
  requestDeferred,
} from './credential-issuer.ts'
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
export { configurationOf } from './display.ts'
export { checkDpopProof, DPOP_TYP, type DpopExpectation, type DpopPolicy, makeDpopProof } from './dpop.ts'
export { exchangeCode, type TokenResponse } from './exchange.ts'
export type { Fetch } from './fetch-json.ts'
export { type HaipCheck, haipIssuerReport, haipVerifierReport } from './haip.ts'
export {
  authorizationServerMetadata,
  type CredentialConfiguration,
  createIssuerSessions,
  credentialIssuerMetadata,
  DEFAULT_ISSUER_POLICY,
  type IssueCredentials,
  type IssueOutcome,
  type IssuerDeps,
  type IssuerPolicy,
  type IssuerSessions,
  type SubjectRef,
  type Translated,
} from './issuer-config.ts'
export { createLoginOffer, createOffer } from './issuer-offers.ts'
export { type OAuthError, oauthError } from './oauth-errors.ts'
export {
  type CredentialOffer,
  offerDocument,
  offerLink,
  offerReference,
  PRE_AUTHORIZED,
  parseOffer,
  parseOfferLink,
  type TxCodeSpec,
} from './offer.ts'
export { checkProofs, type ProofPolicy } from './proofs.ts'
export { resultOf } from './result.ts'
export { createSessions, type Sessions } from './sessions.ts'
export { requestObject, startRequest } from './start-request.ts'
export { type Answer, takeAnswer } from './take-answer.ts'
export type {
  AcceptedPresentation,
  PresentationResult,
  StartedRequest,
  StartOptions,
  VerifierDeps,
  VerifierSession,
} from './verifier-config.ts'
export {
  type Holding,
  type Presented,
  type PresentOptions,
  type PresentQuestion,
  presentTo,
} from './wallet-present.ts'
export { type Received, receiveCredentials } from './wallet-receive.ts'
export type { ReceiveOptions } from './wallet-token.ts'
