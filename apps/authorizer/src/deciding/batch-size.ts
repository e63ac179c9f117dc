/** Locks are held no longer than this per batch (design 2): everybody who shares a root waits for it. */
export const LOCKED_MS_MAX = 20;
const SIZE_MIN = 8;
/** Bounds the parameters of one statement to a few MB. */
export const SIZE_MAX = 512;
/** Below this share of the bound there is room to grow. */
const ROOMY = 0.6;
const GROWTH = 1.25;

/** How many records one transaction takes: follows how long the last ones held their locks. */
export class BatchSize {
  private size: number;

  constructor(start = 64) {
    this.size = Math.min(Math.max(start, SIZE_MIN), SIZE_MAX);
  }

  get current(): number {
    return Math.floor(this.size);
  }

  /** @param records in the batch just done @param lockedMs from its first row lock to its commit, waiting left out */
  learn(records: number, lockedMs: number): void {
    if (lockedMs > LOCKED_MS_MAX) {
      // One slow commit (a checkpoint of the database) must not shrink everything: at most by half at a time.
      this.size = Math.max(SIZE_MIN, this.size / 2, (records * LOCKED_MS_MAX) / lockedMs);
    } else if (records >= this.current && lockedMs < LOCKED_MS_MAX * ROOMY) {
      this.size = Math.min(SIZE_MAX, this.size * GROWTH);
    }
  }
}
