export { type BrokenLineage, readBrokenLineages, sweepLineages } from './broken-lineages.js';
export { type ArtifactPlace, locateArtifacts, locateSettlements, lockSettlementRows } from './lock-settlement-rows.js';
export {
  type IssuedArtifact,
  type RecordedOutcome,
  type RecordedSettlement,
  type SettlementAttestation,
  type SettlementFlow,
  type SettlementKeys,
  type SettlementState,
  readSettlementState,
} from './read-settlement-state.js';
export {
  type BudgetChange,
  type HoldChange,
  type OutcomeRow,
  type SettlementChange,
  type SettlementRow,
  changeBudgetsWrite,
  changeHoldsWrite,
  changeSettlementsWrite,
  insertOutcomesWrite,
  insertSettlementsWrite,
  revokeArtifactsWrite,
} from './write-settlements.js';
export * from './reconcile-reads.js';
export * from './refund-shares.js';
export * from './settlement-cases.js';
export * from './settlement-reads.js';
export * from './sweep-settlements.js';
