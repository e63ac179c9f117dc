export { LOG_ROUTES } from './http/routes.js';
export { type Integrated, IntegrateLeaves } from './integrating/integrate-leaves.js';
export { LogLoop, type LoopStatus } from './log-loop.js';
export { LOG_SETTINGS } from './log.settings.js';
export { PublishCheckpoints } from './signing/publish-checkpoints.js';
export { noteKeyOf } from './signing/note-key.js';
export { SignHead } from './signing/sign-head.js';
export { type WitnessPlace, Witnesses, readWitnesses, witnessedBy } from './signing/witnesses.js';
export { TransparencyLogModule } from './transparency-log.module.js';
export {
  type AlteredDecision,
  type DecisionFault,
  type DecisionsVerdict,
  verifyStoredDecisions,
} from './verify-stored-decisions.js';
export {
  type DatabaseFault,
  type DatabaseReport,
  type DatabaseStatement,
  type DatabaseVerification,
  verifyDatabase,
} from './verify-database.js';
export { verifyStoredLog } from './verify-stored-log.js';

/** Name of the role. */
export const ROLE = 'log';
export { type LineageBody, lineageBody } from './lineage/lineage-body.js';
export { type FlowTimeline, readTimeline } from './history/flow-timeline.js';
