// verifier: decides whether a code is good for a stated policy, and lists every check. It calls nobody, keeps nothing
// but what was used, and knows no person: it may not import identity, token, registry, issuer or store.
export {
  type Attested,
  CODE_CHECKS,
  type CodeCheck,
  isAccepted,
  MANDATORY_CHECKS,
  type Verdict,
  verdictToJson,
} from './checks.ts'
export { lintPolicy, type PolicyFinding, USE_CASES, type UseCase } from './lint-policy.ts'
export { parseLogRequirement, parsePolicy } from './parse-policy.ts'
export {
  type FormPolicy,
  requireCodePolicy,
  requiredChecks,
  requirePolicy,
  type VerifierPolicy,
} from './policy.ts'
export {
  type ReplayCache,
  type StatusAnswer,
  type StatusLookup,
  type StatusQuery,
  type StatusState,
  type TrustLookup,
  trustListLookup,
} from './ports.ts'
export {
  PRESENTATION_CHECKS,
  type PresentationCheck,
  type PresentationContext,
  type PresentationVerdict,
  resolveOnline,
  verifyPresentation,
} from './presentation.ts'
export { memoryReplayCache, type ReplayCacheOptions } from './replay.ts'
export { statusListUri, statusLookup, statusState } from './status-lookup.ts'
export { assertCode, newChallenge, type VerifyContext, verifyCode } from './verify-code.ts'
export { CHECK_WORDS, checkWords, type Language, RESULT_WORDS, reasonWords } from './words.ts'
