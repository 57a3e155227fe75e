// http: the same functions at the end of a URL. Each party is a router that can run in a process of its own.

export {
  encodeRecordLeaf,
  publishConversions,
  RECORD_PATH,
  recordRouter,
} from './conversion-log.ts'
export {
  EVALUATOR_MAX_BODY_BYTES,
  type EvaluatorService,
  type EvaluatorServiceOptions,
  openEvaluatorService,
} from './evaluator.ts'
export { type CodeIssue, type HealthRouterDeps, healthRouter } from './health.ts'
export { type IssuerRouterDeps, issuerRouter } from './issuer.ts'
export { type IssuerStatusDeps, issuerStatusRouter } from './issuer-status.ts'
export { type LogRouterDeps, logRouter, MAX_APPEND_BYTES, type Writer } from './log.ts'
export { oauthErrors } from './oauth.ts'
export {
  type LoginSubject,
  type OfferShelf,
  type OpenidIssuerOptions,
  offerShelf,
  openidIssuerRouter,
} from './openid-issuer.ts'
export { type OpenidVerifierOptions, openidVerifierRouter } from './openid-verifier.ts'
export { bodyBytes, notFound, type Problem, problemHandler, toProblem } from './problem.ts'
export { REGISTRAR_SERVICE, type RegistrarRouterDeps, registrarRouter } from './registrar.ts'
export { type RelayRouterDeps, relayRouter } from './relay.ts'
export {
  type AppOptions,
  createApp,
  type Listening,
  type ListenOptions,
  listen,
  rawBody,
  readJson,
  safeHeaders,
} from './server.ts'
export { type TrusteeRouterDeps, trusteeRouter } from './trustee.ts'
export {
  createVerifierApp,
  type VerifierApp,
  type VerifierAppOptions,
  type VerifierRouterDeps,
  verifierRouter,
} from './verifier.ts'
export {
  createVerifierMetrics,
  formatVerifierMetrics,
  sumCounts,
  type VerifierCounts,
} from './verifier-metrics.ts'
export { type WitnessRouterDeps, witnessRouter } from './witness.ts'
