export {
  type Checkpoint,
  type CheckpointProblem,
  type CheckpointVerdict,
  type TreeHead,
  formatCheckpoint,
  logOrigin,
  parseCheckpoint,
  signCheckpoint,
  verifyCheckpoint,
} from './checkpoint.js';
export { CompactRange, type NodePlace, type NodeVisitor, peakPlaces } from './compact-range.js';
export { type CosignatureVerdict, cosign, cosignedText, verifyCosignature } from './cosignature.js';
export { formatEntries, parseEntries } from './entries.js';
export { EMPTY_ROOT, leafHash, nodeHash, sameHash } from './hashing.js';
export { proveConsistency, proveInclusion } from './make-proof.js';
export { HASH_BYTES } from './sha256.js';
export {
  type NoteKey,
  type NoteProblem,
  type NoteSignature,
  type SignedNote,
  NOTE_SIGNATURE,
  formatNote,
  formatNoteKey,
  isKeyName,
  noteKeyId,
  parseNote,
  parseNoteKey,
  signaturesOf,
  verifyNote,
} from './signed-note.js';
export { TILE_HEIGHT, TILE_WIDTH, type TileAddress, parseTilePath, tilePath, tilesOfLevel } from './tile-path.js';
export {
  TileCollector,
  type TileGrowth,
  type TileNeed,
  TileProblem,
  type TileReader,
  readCompactRange,
  readNodes,
} from './tiles.js';
export {
  type ConsistencyProof,
  type InclusionProof,
  type ProofProblem,
  type ProofVerdict,
  type TreeNumber,
  verifyConsistency,
  verifyInclusion,
} from './verify-proof.js';
export { type LogEntry, type LogFault, type WholeLog, type WholeLogVerdict, verifyWholeLog } from './whole-log.js';
export {
  type AddCheckpoint,
  type WitnessRefusal,
  type WitnessVerdict,
  formatAddCheckpoint,
  judgeAddCheckpoint,
  parseAddCheckpoint,
} from './witness.js';
