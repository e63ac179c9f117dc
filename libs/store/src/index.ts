export { type ControlAct, CONTROL_LANE, inControlAct, readControlEpoch, shareControl } from './control-lock.js';
export { type ControlNotice, LaneRecords } from './lane-records.js';
export { type LanePlace, readLanePlaces, readStoppedLanes } from './lane-places.js';
export {
  type LaneLease,
  LaneLost,
  type LaneProgress,
  type LaneSource,
  type LaneState,
  LaneStopped,
  acquireLane,
  advanceLane,
  advanceLaneWrite,
  fence,
  fenceInPlace,
  fenceLeased,
  markPublished,
} from './lanes.js';
export { acquireLeasedLane, adoptEndedLanes, releaseLane, renewLane } from './leased-lanes.js';
export { type LeafRow, type SaltSource, randomSalts, leavesWrite, writeLeaves } from './leaves.js';
export { LOCK_ORDER, type LockLevel, type LockingStatement, lock, locking } from './lock-order.js';
export { type SchemaState, createDataSource, migrate, readSchemaState } from './migrate.js';
export { type NumberedOutboxRow, type OutboxRow, readOutbox, trimOutbox, outboxWrite, writeOutbox } from './outbox.js';
export { type Pool, type PoolOptions, createPool } from './pool.js';
export { type RunningLogin, readRunningLogins } from './rights/read-excess.js';
export { type DatabaseRole } from './rights/role-rights.js';
export { type Queryable, type Statement, type Transaction, execute, query, statement } from './statement.js';
export { type Write, run, runTogether } from './together.js';
export { guarded, inSnapshot, inTransaction, readClockMs } from './transaction.js';
export { beat, leave } from './embedded-log/members.js';
export {
  type AppendedRecord,
  type PartitionRange,
  type ReadCursor,
  type RecordPlace,
  type StoredRecord,
  appendRecords,
  readRanges,
  readRecords,
  trimRecords,
} from './embedded-log/records.js';
export { type Retention, trimAged } from './embedded-log/retention.js';
export {
  type EmbeddedTopic,
  type ExistingTopic,
  checkTopics,
  createTopics,
  deleteTopic,
  readTopics,
} from './embedded-log/topics.js';
export { AppendListener, notifyAppended } from './embedded-log/wake-up.js';
export * from './authorization/index.js';
export type {
  ActivePolicy,
  KeyContinuity,
  PartyFacts,
  PartyKind,
  PartyRef,
  RegisteredCounterparty,
  RegisteredKey,
  RegistryFacts,
  RegistryNeeds,
} from './registry/facts.js';
export { PARTY_KINDS } from './registry/facts.js';
export { mandateOf, type MandatePlace, type RegisteredMandate } from './registry/mandate-row.js';
export { Registry, RegistryMoved } from './registry/registry.js';
export * from './settlement/index.js';
export * from './webhooks/index.js';
export * from './control/index.js';
export * from './incidents/index.js';
export * from './lineage/index.js';
export * from './operations/index.js';
export {
  CounterpartyEntity,
  ENTITIES,
  MandateEntity,
  PartyEntity,
  PartyKeyEntity,
  PolicyEntity,
} from './entities/index.js';
export * from './transparency/index.js';
export * from './watch/index.js';
