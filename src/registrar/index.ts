// registrar: the desk where a document is seen. It turns the document into an anchor with the evaluators' help, enrols it,
// and says what a credential may state. It holds no evaluator share and cannot open the vault.
export {
  type BulkDeps,
  type BulkEvent,
  type BulkOptions,
  type BulkPace,
  type BulkSource,
  type BulkSummary,
  enrolBulk,
} from './bulk.ts'
export {
  type BlockAnswer,
  type BlockJob,
  type BlockWorker,
  type EvaluatorAccess,
  type KeyAccess,
  openBlockWorker,
  type RegistryHalf,
  type WorkerSetting,
} from './bulk-derive.ts'
export {
  type BulkCounts,
  type BulkJournal,
  type Checkpoint,
  type JournalOptions,
  openBulkJournal,
} from './bulk-journal.ts'
export { type LineBlock, lineBlocks, linesOf, MAX_LINE_BYTES } from './bulk-lines.ts'
export { type BulkFormat, formatOf, parseCsvLine, parseLine } from './bulk-parse.ts'
export { type BulkPool, type BulkPoolOptions, openBulkPool } from './bulk-pool.ts'
export { credentialSubject } from './claims.ts'
export { type Enrolled, enrolDocument, type RegistrarDeps } from './enrol.ts'
