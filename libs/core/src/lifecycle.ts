import { InvariantError } from './errors.js';

export type FlowState =
  | 'baseline'
  | 'authorized'
  | 'activated'
  | 'executing'
  | 'drifting'
  | 'contained'
  | 'recovering'
  | 'revalidated'
  | 'revoked'
  | 'proven'
  | 'archived';

export type FlowEvent =
  | 'authority_verified'
  | 'environment_trusted'
  | 'first_artifact_issued'
  | 'drift_found'
  | 'flow_contained'
  | 'recovery_opened'
  | 'flow_revalidated'
  | 'flow_revoked'
  | 'proof_persisted'
  | 'baseline_signed'
  | 'flow_closed';

interface Phase {
  /** 1 to 9, as the standard counts them. */
  readonly phase: number;
  readonly on: Readonly<Partial<Record<FlowEvent, FlowState>>>;
}

/**
 * The nine phases of a flow. Two states share phase 8, two share phase 9. An event missing from a row is illegal there.
 * A further drift while contained or recovering adds a cause and keeps the state. `archived` is final: a revoked flow
 * has no way back. `proven` opens the next epoch.
 */
export const LIFECYCLE: Readonly<Record<FlowState, Phase>> = {
  baseline: { phase: 1, on: { authority_verified: 'authorized', drift_found: 'drifting', flow_closed: 'archived' } },
  authorized: { phase: 2, on: { environment_trusted: 'activated', drift_found: 'drifting', flow_closed: 'archived' } },
  activated: { phase: 3, on: { first_artifact_issued: 'executing', drift_found: 'drifting', flow_closed: 'archived' } },
  executing: { phase: 4, on: { drift_found: 'drifting', flow_closed: 'archived' } },
  drifting: { phase: 5, on: { flow_contained: 'contained' } },
  contained: { phase: 6, on: { drift_found: 'contained', recovery_opened: 'recovering' } },
  recovering: { phase: 7, on: { drift_found: 'recovering', flow_revalidated: 'revalidated', flow_revoked: 'revoked' } },
  revalidated: { phase: 8, on: { proof_persisted: 'proven' } },
  revoked: { phase: 8, on: { proof_persisted: 'archived' } },
  proven: { phase: 9, on: { baseline_signed: 'baseline' } },
  archived: { phase: 9, on: {} },
};

/** @throws {InvariantError} `ERR_ILLEGAL_TRANSITION`: an event nobody foresaw holds the flow, it is never ignored. */
export function advance(state: FlowState, event: FlowEvent): FlowState {
  const next = LIFECYCLE[state].on[event];
  if (next === undefined) throw new InvariantError('ERR_ILLEGAL_TRANSITION', `no "${event}" in state "${state}"`);
  return next;
}

/** For what a database or a message says: only a name of the table is a state. */
export function isFlowState(value: string): value is FlowState {
  return Object.hasOwn(LIFECYCLE, value);
}
