// transparency: an append-only public history that cannot show two faces unnoticed. It knows no person, only bytes.
export {
  type Auditor,
  type AuditorOptions,
  createAuditor,
  type Finding,
  type Rule,
  requireNoFindings,
} from './auditor.ts'
export {
  type Checkpoint,
  formatCheckpoint,
  type LogPolicy,
  type LogRequirement,
  logPolicyOf,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  type VerifiedCheckpoint,
} from './checkpoint.ts'
export {
  type CopyEntry,
  copyReceipt,
  makeCopyEntries,
  receiptCheck,
  verifyCopyReceipt,
} from './copy-receipt.ts'
export {
  createDirectory,
  type Directory,
  directoryLeaf,
  type EpochUpdate,
  epochEntry,
  type IndexedBinding,
  type Roots,
  type Side,
  verifyEpochUpdate,
} from './directory.ts'
export { type DrawnNode, type DrawnTree, type DrawOptions, describeInclusion, describeTree } from './draw.ts'
export {
  BINDING_TYPES,
  type BindingEntry,
  type BindingType,
  type EpochEntry,
  encodeEntry,
  type LogEntry,
  PERSONAL_TYPES,
  type PersonalEntry,
  type PersonalType,
  PUBLIC_TYPES,
  type PublicEntry,
  type PublicType,
  parseEntry,
} from './entry.ts'
export {
  type BlindLabels,
  type EventLabels,
  eventLog,
  keyEpoch,
  type LoggedEvent,
  NO_TAG,
} from './event-log.ts'
export { appendLeaf, copyFrontier, emptyFrontier, type Frontier, frontierRoot } from './frontier.ts'
export {
  type HolderClaim,
  type HolderPolicy,
  type HolderReceipt,
  type HolderReceiptParts,
  makeHolderReceipt,
  parseHolderReceipt,
  verifyHolderReceipt,
} from './holder-receipt.ts'
export { type HttpLogOptions, openHttpLog } from './http-log.ts'
export { httpSource, httpWitness } from './http-source.ts'
export { makeLabel, type ProvenLabel, recordInput, tokenInput, verifyLabel } from './labels.ts'
export { type MemoryLogOptions, memoryLog } from './memory-log.ts'
export {
  type Alarm,
  checkLog,
  createMonitor,
  type Monitor,
  type MonitorOptions,
  type MonitorReport,
  type MonitorStep,
} from './monitor.ts'
export {
  COSIGNATURE,
  formatNoteKey,
  formatNoteSigner,
  LOG_SIGNATURE,
  type Note,
  type NoteKey,
  type NoteSignature,
  type NoteSigner,
  noteKey,
  noteSigner,
  parseNote,
  parseNoteKey,
  parseNoteSigner,
  signatureLines,
  type VerifiedSignature,
  verifyNote,
} from './note.ts'
export {
  auditTag,
  type FindOptions,
  makePersonalEntry,
  type Opening,
  type OwnEntry,
  openEntry,
  ownEntryFinder,
  type PersonalEntryOptions,
  sealOpening,
  unsealOpening,
  writerKey,
} from './opening.ts'
export {
  decodePrefixProof,
  EMPTY_NODE,
  encodePrefixProof,
  type PrefixLeaf,
  type PrefixProof,
  prefixLeafHash,
  prefixParentHash,
  verifyAbsent,
  verifyPresent,
} from './prefix-proof.ts'
export { createPrefixTree, type PrefixTree } from './prefix-tree.ts'
export { proveConsistency, proveInclusion, readEntries, rootFromTiles } from './prove.ts'
export {
  formatReceipt,
  parseReceipt,
  type Receipt,
  receiptSize,
  type VerifiedReceipt,
  verifyReceipt,
} from './receipt.ts'
export { type AppendableLog, type RegistryLog, registryLog } from './registry-log.ts'
export {
  decodeBundle,
  encodeBundle,
  MAX_ENTRY_LENGTH,
  parseTilePath,
  TILE_WIDTH,
  type Tile,
  type TileSource,
  tilePath,
  tilesOfTree,
  tileWidth,
} from './tiles.ts'
export {
  consistencyRanges,
  EMPTY_ROOT,
  inclusionRanges,
  isSubtree,
  type LeafRange,
  leafHash,
  nodeHash,
  type TreeNode,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from './tree.ts'
export { type VrfKey, vrfKey, vrfOutput, vrfVerify } from './vrf.ts'
export {
  type CosignOptions,
  cosignWith,
  createWitness,
  formatAddCheckpoint,
  memoryWitnessStore,
  type Witness,
  type WitnessClient,
  type WitnessedLog,
  type WitnessOptions,
  type WitnessResponse,
  type WitnessStore,
} from './witness.ts'
