import { InvariantError } from '../errors.js';
import type { AdmissionFacts, AdmissionResult, AdmissionState, Intent } from './types.js';

/** Decides one payment intent. */
export function decideIntent(intent: Intent, state: AdmissionState, facts: AdmissionFacts): AdmissionResult {
  throw new InvariantError('ERR_NOT_WRITTEN', `${intent.jti} ${typeof state.flow} ${facts.appendedAtMs}`);
}
