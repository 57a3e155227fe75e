// transparency: an append-only public history that cannot show two faces unnoticed. It knows no person, only bytes.
export {
  type Checkpoint,
  formatCheckpoint,
  type LogPolicy,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  type VerifiedCheckpoint,
} from './checkpoint.ts'
export {
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
export { appendLeaf, copyFrontier, emptyFrontier, type Frontier, frontierRoot } from './frontier.ts'
export { type MemoryLogOptions, memoryLog } from './memory-log.ts'
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
