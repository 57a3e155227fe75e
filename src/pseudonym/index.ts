// pseudonym: departments that know the same citizen under unrelated names, joined only through all trustees, blindly, for a
// signed purpose, and in sight of the citizen. It sees points; it may not know identities, documents or stored records.
export type {
  Cell,
  Dimension,
  JoinedRow,
  Measure,
  Query,
} from './aggregate.ts'
export { type PrivacyBudget, privacyBudget } from './budget.ts'
export {
  type FactorWitness,
  multiplyShared,
  openShared,
  runFactorCeremony,
  type SharedFactor,
  type SharedSecret,
  scaleShared,
  shareSecret,
  verifyFactor,
  witnessFactor,
} from './ceremony.ts'
export {
  type Admission,
  type AuditEnrolment,
  type ConversionLog,
  type ConversionLogOptions,
  openConversionLog,
} from './conversion-log.ts'
export {
  type ConversionPart,
  type ConversionStatement,
  combineParts,
  convertRows,
  type FactorShare,
  type PublicFactorShare,
  verifyPart,
} from './convert.ts'
export { verifyCopies } from './copies.ts'
export { type Delivery, type Received, receive } from './delivery.ts'
export {
  type DepartmentKeys,
  type DepartmentRow,
  type DepartmentTable,
  departmentTable,
  openPseudonym,
  pseudonymIndex,
  rekeyPseudonym,
  type StoredPseudonym,
  storePseudonym,
} from './department.ts'
export {
  ANCHOR,
  type Directory,
  directoryToJson,
  type FactorEntry,
  pairId,
  parseDirectory,
  publicFactorShare,
  receiverKey,
  type SectorEntry,
  sectorOf,
} from './directory.ts'
export { type Ciphertext, decryptPoint, encryptPoint } from './elgamal.ts'
export type { Fault } from './fault.ts'
export { type Fusion, type FusionOptions, openFusion } from './fusion.ts'
export {
  type Conversion,
  convertBatch,
  convertTable,
  enrolInAudit,
  type GatewayOptions,
} from './gateway.ts'
export { type Grant, isSectorId, type OpenedGrant, openGrant, requireInForce, signGrant } from './grant.ts'
export { type HttpTrusteeOptions, httpTrustee } from './http-trustee.ts'
export { type Journal, memoryJournal } from './journal.ts'
export { legacyBpk, legacySourcePinBlock } from './legacy/bpk.ts'
export {
  dealProduct,
  type ProductBroadcast,
  type ProductDeal,
  productKey,
  receiveProduct,
} from './multiply.ts'
export { bernoulliExp, discreteLaplace, type EpsilonMilli } from './noise.ts'
export {
  DEVELOPMENT_GATEWAY,
  DEVELOPMENT_PURPOSE,
  DEVELOPMENT_SECTORS,
  type DevelopmentSigner,
  formatParties,
  type Parties,
  type PartySecrets,
  parseParties,
  secretKeyOf,
  setUpParties,
  signerOf,
} from './parties.ts'
export { publishReceiverKey, type ReceiverKey, verifyReceiverKey } from './possession.ts'
export { type ReceiptContent, requireReceipt, signReceipt } from './receipt.ts'
export {
  auditHandle,
  openRecordSecret,
  type RecordEntry,
  type RecordLeaf,
  type RecordSource,
  readOwnRecord,
  recordLeaf,
  type StoredEntry,
  withheldLeaves,
} from './record.ts'
export {
  type ConversionBatch,
  type ConversionRequest,
  MAX_ROWS,
  type MakeRequestOptions,
  makeRequest,
  type OpenedRequest,
  openRequest,
  REQUEST_LIFETIME_SECONDS,
} from './request.ts'
export {
  type Ceremony,
  type CeremonyPlan,
  extendCeremony,
  holdCeremony,
  makeDirectory,
  refreshCeremony,
  trusteeShares,
} from './setup.ts'
export {
  conversionContext,
  createTrustee,
  type Trustee,
  type TrusteeOptions,
} from './trustee.ts'
export {
  formatTrusteeKeys,
  parseTrusteeKeys,
  type TrusteeKeys,
} from './trustee-keys.ts'
export { type UsageLedger, usageLedger } from './usage.ts'
export { verifierIdentifier, verifierKey } from './verifier-id.ts'
export {
  AUDIT_PATH,
  CONVERT_PATH,
  formatPart,
  formatRequest,
  MAX_TRUSTEE_BODY_BYTES,
  parsePart,
  parseRequest,
} from './wire.ts'
