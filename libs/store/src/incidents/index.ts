export type { SpendingTrust } from './spending-trust.js';
export { type BlastRadius, readBlastRadius } from './blast-radius.js';
export { type Contained, type FoundDrift, containWrites, recordContainment, suspendWrite } from './contain-flow.js';
export { type StandingHalt, listHalts } from './halts.js';
export { type OpsActRow, listWaitingActs, readOpsAct, takeOpsAct } from './ops-acts.js';
export type { OpsAnswer, OpsChange, OpsDone, OpsRefusal } from './ops-answer.js';
export { cascadeRevocations } from './revoke-parties.js';
export { type LearningWindow, learnFrom, profileTarget } from './learn-profile.js';
export { markOverdue } from './mark-overdue.js';
export { proveFlows } from './prove-flows.js';
export { type BaselineProposal, readProposal } from './propose-baseline.js';
export {
  type IncidentMoney,
  type IncidentRow,
  type IncidentView,
  readFlowIncident,
  readIncident,
  readIncidentView,
} from './read-incident.js';
export { type FlowTrust, type LimbTrust, type TrustLimb, limbOf, readFlowTrust } from './flow-trust.js';
export {
  type CaseRow,
  type IncidentFilter,
  type IncidentLine,
  INCIDENT_STATES,
  readCasesPage,
  readIncidentsPage,
} from './list-incidents.js';
