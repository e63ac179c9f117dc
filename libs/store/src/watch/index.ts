export {
  type DomainLimb,
  type DomainLook,
  type DomainVerdicts,
  type HeldWatch,
  type WatchBounds,
  armWatch,
  beatWatch,
  claimWatch,
  lookAtDomain,
  releaseWatch,
} from './domain-watch.js';
export { type FleetFindingOf, judgeFleet, readFleet, recordFleetAlerts } from './fleet.js';
export { type SweepOptions, type SweepPlace, type SweptFlows, sweepFlows } from './sweep-flows.js';
export { type WatchState, readWatchState } from './watch-state.js';
export { touchFlowsWrite } from './watch-facts.js';
export { type DigestedSweep, writeDigest } from './write-digest.js';
