// health: from signed evidence and signed rules to a status with reasons, an end and a way to object. It knows a
// pseudonym of its own sector, never a token, a name or a number, and it has no function that sets a colour.
// Runs in a browser; the database and X.509 certificates are behind node.ts.
export { type Anomaly, type AnomalyOptions, findAnomalies } from './anomaly.ts'
export {
  type Appeal,
  type AppealKind,
  DEADLINE_SECONDS,
  DECISION_LIFE_SECONDS,
  decideAppeal,
  fileAppeal,
  filingCommitment,
  isDecided,
  relieveWhenDue,
} from './appeal.ts'
export {
  type Agreement,
  agreesWith,
  type DerivationRecord,
  derivationDigest,
  HEALTH_STATUS,
  outcomeFor,
  outcomeOfProof,
  readStatusClaims,
  recordDerivation,
  STATUS_COPY_SECONDS,
  type StatusAssertion,
  statusClaims,
  statusCodeClaim,
  statusValidity,
  type VerifierProfile,
} from './assertion.ts'
export {
  type AuthorityDeps,
  type HealthAuthority,
  makeHealthAuthority,
  type StatusAnswer,
} from './authority.ts'
export {
  checkDcc,
  type Dcc,
  type DccKey,
  type DccKind,
  type DccReport,
  decodeDcc,
} from './certificates/dcc.ts'
export { type DatedFinding, findingsOfDcc, findingsOfHealthCard } from './certificates/findings.ts'
export {
  type CertificateHolder,
  certificateNonce,
  holderOfDcc,
  holderOfHealthCard,
  isSamePerson,
} from './certificates/holder.ts'
export {
  checkHealthCard,
  decodeHealthCard,
  type HealthCard,
  type HealthCardKey,
  healthCardKeys,
  readHealthCardCodes,
} from './certificates/shc.ts'
export { type CheckOptions, checkExpression, type Issue } from './certlogic/check.ts'
export { compile, type Expression, evaluate, type Outcome } from './certlogic/evaluate.ts'
export { Instant } from './certlogic/instants.ts'
export { derive, type Gap, MAX_STATUS_SECONDS, type Reason, type Status, type WayBack } from './derive.ts'
export {
  type EuExternal,
  type EuRule,
  type EuRuleBook,
  type EuVerdict,
  importEuRules,
  judgeCertificate,
  selectEuRules,
} from './eu-rules.ts'
export {
  commitmentOf,
  type Evidence,
  type EvidenceClaims,
  MANUAL_LIFE_SECONDS,
  signEvidence,
  signManualEntry,
  type VerifyEvidenceOptions,
  verifyEvidence,
} from './evidence.ts'
export {
  EVIDENCE_CLASSES,
  type EvidenceClass,
  type EvidenceData,
  type Finding as EvidenceFinding,
  MANUAL_REASONS,
  type ManualReason,
} from './evidence-class.ts'
export { COLOUR_SIGN, explain, type Language } from './explain.ts'
export {
  emptyFacts,
  emptyGroup,
  FACT_PATHS,
  type FactGroup,
  type FactPath,
  type FactRecord,
  GRAVE,
  RESTRICTIVE,
} from './facts.ts'
export { type Folded, foldEvidence } from './fold.ts'
export { type Colour, type Evaluation, type Program, programOf, type TraceColumns } from './program.ts'
export {
  type PublishedDemands,
  type Recognised,
  type RecognitionEntry,
  type RecognitionMatrix,
  recogniseStatus,
  requirePublished,
} from './recognition.ts'
export {
  type AuditBundle,
  type Finding as AuditFinding,
  parseAuditBundle,
  type ReplayReport,
  replay,
} from './replay.ts'
export {
  type Acceptance,
  groundsOf,
  isInForce,
  openRuleSet,
  parseRuleSet,
  REMEDIES,
  type Remedy,
  type Requirement,
  RULE_SET_TYP,
  type Rule,
  type RuleSet,
  ruleSetHash,
  signRuleSet,
  type Text,
} from './rule-set.ts'
export { chineseRequirements, chineseRules, type Periods } from './rules/chinese.ts'
export { EDITION_8, EDITION_9, TWENTY_MEASURES, teachingEdition } from './rules/editions.ts'
export {
  coversRegion,
  endorseSourceRegister,
  openSourceRegister,
  parseSourceRegister,
  type SignedRegister,
  type Source,
  type SourceKey,
  type SourceLookup,
  type SourceRegister,
  signSourceRegister,
  sourceLookup,
  sourceRegisterHash,
} from './sources.ts'
export { type HealthStore, memoryHealthStore } from './store.ts'
