// issuer: signs one-time copies and says whether they still stand. It knows subjects and claims at the moment of issuing,
// keeps neither in readable form, and never learns where a copy is shown.
export {
  type CopyRequest,
  type CopyState,
  type IssuedCopy,
  type IssuerDeps,
  issueCopies,
  setCopyState,
} from './copies.ts'
export { type IssuerLedger, type LedgerEntry, type LedgerOptions, memoryLedger } from './ledger.ts'
export { createStatusPublisher, type PublisherOptions, type StatusPublisher } from './publish.ts'
export { issuerMigrations, storeLedger } from './store-ledger.ts'
