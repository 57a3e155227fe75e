// issuer: signs one-time copies and says whether they still stand. It knows subjects and claims at the moment of issuing,
// keeps neither in readable form, and never learns where a copy is shown.
export {
  type CopyRequest,
  type CopyState,
  type IssuedCopy,
  type IssuerDeps,
  issueCopies,
  MAX_COPIES,
  setCopyState,
} from './copies.ts'
export { httpIssuer } from './http-issuer.ts'
export { type IssuerLedger, type LedgerEntry, type LedgerOptions, memoryLedger } from './ledger.ts'
export { type IssuerPort, localIssuer } from './port.ts'
export { type ProofChecks, proofChecks } from './proofs.ts'
export { createStatusPublisher, type PublisherOptions, type StatusPublisher } from './publish.ts'
export { issuerMigrations, storeLedger } from './store-ledger.ts'
export {
  formatCopies,
  ISSUER_PATHS,
  ISSUER_SERVICE,
  MAX_ISSUER_BODY_BYTES,
  parseCopyRequest,
  parseStateRequest,
} from './wire.ts'
