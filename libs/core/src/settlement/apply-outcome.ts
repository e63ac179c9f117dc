import { InvariantError } from '../errors.js';
import type { Hold, OutcomeResult, OutcomeWord, PendingSettlement } from './types.js';

/** Applies what a rail or service reports to a settlement and its hold. */
export function applyOutcome(pending: PendingSettlement, hold: Hold, outcome: OutcomeWord): OutcomeResult {
  throw new InvariantError('ERR_NOT_WRITTEN', `${pending.state} ${hold.mode} ${outcome}`);
}
