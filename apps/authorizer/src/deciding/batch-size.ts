/** Locks are held no longer than this per batch (design 2): everybody who shares a root waits for it. */
export const LOCKED_MS_MAX = 20;
/**
 * What a batch of one costs too (round trips, the durable commit) shrinks with no batch. When it alone uses up the
 * bound, on a slow disk or a busy machine, records still get this much: smaller batches would only repeat the cost.
 */
const RECORDS_MS_MIN = 10;
/**
 * Below this the fixed cost of a batch outweighs what shorter locks would give: about 1,440 µs CPU an intent at 8–15
 * records, 930 at 128 (`npm run bench intent-to-artifact`, `cpu_us`, on a busy machine).
 */
const SIZE_MIN = 64;
/** Bounds the parameters of one statement to a few MB. */
export const SIZE_MAX = 512;
/** One batch moves the size by at most this factor, so that one slow commit does not shrink everything. */
const STEP_MAX = 2;

/** Where the time of a batch went while it held row locks, ms. */
export interface LockedTime {
  /** From the last lock to the commit. */
  readonly lockedMs: number;
  /** The part that does not depend on the number of records. */
  readonly fixedMs: number;
}

/** How many records one transaction takes: follows how long the last ones held their locks. */
export class BatchSize {
  private size: number;

  constructor(start = 64) {
    this.size = Math.min(Math.max(start, SIZE_MIN), SIZE_MAX);
  }

  get current(): number {
    return Math.floor(this.size);
  }

  /** @param records in the batch just done */
  learn(records: number, { lockedMs, fixedMs }: LockedTime): void {
    const spentMs = Math.max(lockedMs - fixedMs, 0.001);
    const allowedMs = Math.max(LOCKED_MS_MAX - fixedMs, RECORDS_MS_MIN);
    const fitting = (records * allowedMs) / spentMs;
    // A small batch that was quick says little about a large one: only a full one lets the size grow.
    if (fitting > this.size && records < this.current) return;
    const step = Math.min(Math.max(fitting, this.size / STEP_MAX), this.size * STEP_MAX);
    this.size = Math.min(Math.max((this.size + step) / 2, SIZE_MIN), SIZE_MAX);
  }
}
