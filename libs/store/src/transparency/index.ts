export { AUDIT_SETTINGS, readAuditLate, watchAudit } from './audit-watch.js';
export {
  type BundledArtifact,
  type BundledOutcome,
  type BundledSettlement,
  type EvidenceLeaf,
  type PartyKeyRow,
  readBundledArtifact,
  readBundledOutcomes,
  readBundledSettlements,
  readEvidenceLeaves,
  readFoundations,
  readPartyKeys,
  readSettledArtifact,
} from './bundle-reads.js';
export { type BundledIncident, readBundledIncident, readEvidenceRange, readIncidentActs } from './incident-reads.js';
export {
  type StoredCheckpoint,
  addCosignatures,
  readAllCheckpoints,
  readCheckpointBefore,
  readCheckpointFrom,
  readCheckpointUpTo,
  readCheckpointCovering,
  readLastCheckpoint,
  writeCheckpoint,
} from './checkpoints.js';
export {
  type PlacedLeaf,
  type ReadableLeaf,
  findIntegrated,
  findLeafIndex,
  readAllPlacedLeaves,
  readPlacedLeaves,
  readReadableLeaves,
} from './leaves-by-place.js';
export {
  type LogStanding,
  type WitnessAnswers,
  readLogAcceptance,
  readLogStanding,
  recordWitnessAnswers,
} from './log-acceptance.js';
export { type LogLag, readLogLag } from './log-lag.js';
export {
  type LeafCursors,
  LogLost,
  type LogState,
  acquireLog,
  confirmLog,
  isLogConfirmed,
  readLogState,
  releaseLog,
  renewLog,
} from './log-state.js';
export { type LoggedDecision, readLoggedDecisions, readLostDecisions } from './logged-decisions.js';
export { type PendingLane, type PendingLeaf, readPendingLeaves } from './read-leaves.js';
export { type StatusEntry, readStatusEntries } from './status-entries.js';
export { type TilePlace, readTiles } from './tiles.js';
export { type Integration, type TileAddition, writeIntegration } from './write-integration.js';
export { type AlteredRow, readAlteredRows } from './rows/read-altered-rows.js';
export { type LaneLeaf, readLaneLeaves, readWaitingHashes } from './rows/lane-leaves.js';
