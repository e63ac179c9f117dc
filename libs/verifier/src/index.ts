export { INCIDENT_STATEMENTS, RANGE_STATEMENTS, STATEMENTS } from './bundle/bundle-report.js';
export type { BundleReport, StatementName, StatementReport } from './bundle/bundle-report.js';
export { PROOFS, type ProofName, type ProofReport } from './bundle/bundle-report.js';
export { type BundleVerification, verifyBundle } from './bundle/verify-bundle.js';
export { CHECK_NAMES } from './artifact-report.js';
export type {
  ArtifactReport,
  ArtifactVerification,
  CheckName,
  CheckReport,
  InclusionEvidence,
} from './artifact-report.js';
export {
  type FrozenInputs,
  type RecordedDecision,
  decisionText,
  differenceOf,
  recomputeStored,
} from './replay/recompute-decision.js';
export { toIntent } from './replay/to-intent.js';
export { type RangeTotals, totalsOf } from './bundle/range-totals.js';
export { type RecordedSettlement, settlementDifference } from './replay/recompute-settlement.js';
export { type Presenter, toSettlementRequest } from './replay/to-settlement-request.js';
export { verifyArtifact } from './verify-artifact.js';
export { verifyConsistencyCase, verifyInclusionCase, verifyJwsCase } from './verify-cases.js';
export type { CaseResult } from './verify-cases.js';
export { type LogReport, type LogStatement, type LogStatementName } from './log/log-report.js';
export { type LogSource, type SourceFault, SourceProblem } from './log/log-source.js';
export { type LogVerification, type VerifiedLog, verifyLog } from './log/verify-log.js';
export { type Head, trustedKeys, verifyHead } from './log/read-head.js';
