import { DependencyError, InvariantError } from '@spendgate/core';
import { LaneLost } from '@spendgate/store';

/** First pause after a failed delivery; doubles up to the maximum, without end: a dependency comes back or an operator acts. */
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 10_000;
/** An error of no known kind may be passing or may be a record we cannot bear; after this many it counts as the latter. */
const UNKNOWN_ERROR_ATTEMPTS_MAX = 4;

/**
 * What a throw out of a handler leads to.
 * `drop`: another owner has the lane. `rewind`: deliver again from the stored offset after the pause.
 * `isolate`: deliver again in smaller batches until the one record that does it stands alone; that one is a defect.
 */
export type Reaction = 'drop' | 'rewind' | 'isolate';

/** @param failures consecutive failed deliveries at this place, this one included */
export function reactionTo(error: unknown, failures: number): Reaction {
  if (error instanceof LaneLost) return 'drop';
  if (error instanceof DependencyError) return 'rewind';
  if (error instanceof InvariantError) return 'isolate';
  return failures >= UNKNOWN_ERROR_ATTEMPTS_MAX ? 'isolate' : 'rewind';
}

/** @returns the pause before the delivery after `failures` failed ones, in ms: bounded exponential. */
export function backoffMs(failures: number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 16); // above, the shift says nothing new
  return Math.min(BACKOFF_MIN_MS * 2 ** doublings, BACKOFF_MAX_MS);
}
