import { InvariantError } from '../errors.js';
import type { AdmissionDecision, AdmissionReadSet, Intent } from './types.js';

/** What replay reproduces: the decision and the events it caused. */
export interface ReplayedDecision {
  readonly decision: AdmissionDecision;
  readonly readSet: AdmissionReadSet;
}

/** Recomputes a stored decision from its stored read set and the agent's own request. */
export function replayDecision(readSet: AdmissionReadSet, intent: Intent): ReplayedDecision {
  throw new InvariantError('ERR_NOT_WRITTEN', `${Object.keys(readSet).length} ${intent.jti}`);
}
