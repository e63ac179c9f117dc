export { type AcceptedSource, acceptSource } from './accept-lane.js';
export { type PolicyDeclaration, activatePolicies } from './activate-policies.js';
export {
  CHANGE_ACTIONS,
  type ChangeRequest,
  type ChangeVerdict,
  approveChange,
  listOpenChanges,
  readChangeRequest,
  requestChange,
} from './change-requests.js';
export { type GrantVerdict, type GrantedVersion, grantMandate } from './grant-mandate.js';
export { type DomainRow, openDomain, readDomain, requireDomain } from './open-domain.js';
export { type MovingFlow, recordTransitions } from './open-flows.js';
export type { MandateDeclaration, MandatePlan, PlannedMandate, RefusedMandate } from './plan-mandates.js';
export { type CounterpartyDeclaration, recordCounterparties } from './record-counterparties.js';
export { type DomainKeyRow, readDomainKeys, recordDomainKeys } from './record-domain-keys.js';
export { type KeyDeclaration, recordKeys, retireKey, revokeKey } from './record-keys.js';
export { recordMandates } from './record-mandates.js';
export { type PartyDeclaration, recordParties } from './record-parties.js';
export { type PersonAct, recordPersonAct } from './record-person-act.js';
export { type KeyTransition, type TransitionVerdict, judgeTransition, rotateKey } from './rotate-key.js';
export { revokeIssuedArtifacts } from './revoke-artifacts.js';
export { type MandateRevocation, type RevokedMandates, revokeMandates } from './revoke-mandates.js';
export { type StandingMandate, hasDecided, readStandingMandates, takeAnyTime } from './standing.js';
export { type DetectorSettings, setDetectors } from './set-detectors.js';
export { personRoles } from './verify-person.js';
