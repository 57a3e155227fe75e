// token: makes the irreversible anchor and token of bytes, without any one evaluator seeing them or owning the key.
// It knows no person: canonical identities are opaque here. Node-only parts (files) have their own door, `node.ts`.
export { combineParts, type Derived, type DeriveOptions, deriveAnchors } from './anchor.ts'
export { type Blinded, blindInputs, blindPoints, invertAll } from './blind.ts'
export { type Allowance, type Bucket, replay, type Spending, spend } from './budget.ts'
export {
  type Canary,
  combineWeighted,
  deriveAnchorsBulk,
  deriveAnchorsSampled,
  packPoints,
  type SampledOptions,
  type SampledResult,
  unpackPoints,
} from './bulk.ts'
export { type CallAnswer, type CallTarget, callService, serviceAddress } from './call.ts'
export {
  authorizeCall,
  CALL_WINDOW_SECONDS,
  type CallChecker,
  type CallerCredential,
  type CallerRequest,
  callChecker,
} from './caller.ts'
export {
  beginCeremony,
  type CeremonyBroadcast,
  type CeremonyMessage,
  type CeremonyOptions,
  type CeremonyResult,
  type CeremonyState,
  checkTranscriptKeys,
  evaluateAt,
  exchangeShares,
  finishCeremony,
  runCeremony,
} from './ceremony.ts'
export {
  answerBroadcasts,
  type CeremonyTerms,
  ceremonySession,
  checkConfirmation,
  formatBroadcast,
  formatCeremonyState,
  formatConfirmation,
  formatDeal,
  formatMessage,
  formatPart,
  formatProduct,
  type KeptCeremony,
  keySetHash,
  parseBroadcast,
  parseCeremonyState,
  parseDeal,
  parseMessage,
  parsePart,
  parseProduct,
  participantFault,
} from './ceremony-files.ts'
export {
  type CallOptions,
  type Evaluation,
  type Evaluator,
  evaluateShare,
  localEvaluator,
  MAX_BATCH,
  multiplyAll,
  proveShare,
  weightedShare,
} from './evaluator.ts'
export { type HttpEvaluatorOptions, httpEvaluator } from './http-evaluator.ts'
export {
  checkKeySet,
  type EvaluatorKeySet,
  formatKeySet,
  KEY_SET_FORMAT,
  parseKeySet,
  shareKeyOf,
} from './key-set.ts'
export {
  askQuorum,
  type Fault,
  type FaultReason,
  type ProvedPart,
  type QuorumOptions,
} from './quorum.ts'
export { dealShareRefresh, refreshKeySet, refreshShare, runRefresh } from './refresh.ts'
export { blindInput, contextString, deriveKeyPair, finalize, inputElement, type OprfMode } from './rfc9497.ts'
export {
  dealProduct,
  type KeyRotation,
  type ProductDeal,
  type RotationKeys,
  rotatedKeySet,
  rotatedShare,
  rotatePoints,
  runKeyRotation,
} from './rotate.ts'
export {
  generateSectorKeys,
  rotateSectorPoint,
  type SectorKeys,
  sectorPoint,
  sectorToken,
  type Token,
} from './sector.ts'
export {
  EVALUATE_PATH,
  type EvaluateRequest,
  formatEvaluateRequest,
  formatEvaluation,
  MAX_BODY_BYTES,
  PROVE_PATH,
  type ProveRequest,
  parseEvaluateRequest,
  parseEvaluation,
  parseProveRequest,
} from './wire.ts'
