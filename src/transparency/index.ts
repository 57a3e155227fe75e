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
export { appendLeaf, copyFrontier, emptyFrontier, type Frontier, frontierRoot } from './frontier.ts'
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
export { proveConsistency, proveInclusion, readEntries, rootFromTiles } from './prove.ts'
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
