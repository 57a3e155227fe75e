// credential: signed statements that the holder can show in part (SD-JWT VC). It knows claims and keys, neither
// tokens nor the registry, and never where a credential is shown.
export type { ClaimPath } from './claim-path.ts'
export { type ConcealOptions, conceal } from './conceal.ts'
export {
  AGE_THRESHOLDS,
  CTID_FILE,
  type CtidFileSubject,
  ctidFileClaims,
  maskDocumentNumber,
  type PairwiseIdentifier,
  pairwiseIdOf,
} from './ctid-file.ts'
export { type Disclosure, disclosureDigest, makeDisclosure, parseDisclosure } from './disclosure.ts'
export { type IssueOptions, type IssuerKey, issueCredential } from './issue.ts'
export {
  bindPresentation,
  holderKeyOf,
  KEY_BINDING_TYP,
  type KeyBindingOptions,
  type KeyBindingPolicy,
  parseKeyBinding,
} from './key-binding.ts'
export {
  asProvenKey,
  checkKeyProof,
  KEY_PROOF_TYP,
  makeKeyProof,
  type OpenedKeyProof,
  openKeyProof,
  type ProvenKey,
} from './key-proof.ts'
export { BUSINESS_LICENCE, ORGANISATION_FILE, organisationClaims } from './organisation-file.ts'
export {
  claimAt,
  type HeldCredential,
  type PresentOptions,
  presentCredential,
  readCredential,
  select,
} from './present.ts'
export { type CredentialProfile, disclosablePaths, requireProfile } from './profile.ts'
export { type Revealed, type RevealOptions, reveal } from './reveal.ts'
export { joinSdJwt, type ParsedSdJwt, type ParseSdJwtOptions, parseSdJwt, sdHash } from './sd-jwt.ts'
export { addMonths, credentialValidity, VALIDITY_MONTHS, type Validity } from './validity.ts'
export {
  requireVcClaims,
  SD_JWT_VC_TYP,
  type StatusReference,
  statusReference,
  UNDISCLOSABLE_CLAIMS,
} from './vc-claims.ts'
export {
  acceptCredential,
  CREDENTIAL_CHECKS,
  type CredentialCheckName,
  type CredentialPolicy,
  type CredentialReport,
  type VerifiedCredential,
  verifyCredential,
} from './verify.ts'
