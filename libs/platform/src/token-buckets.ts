/** How much one caller may ask: `perSecond` on average, `burst` at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  /** Thousandths of a token: one per millisecond and unit of rate, so that sums stay exact integers. */
  milliTokens: number;
  atMs: number;
}

/** Keys remembered at most. A forgotten key starts full again, so the oldest go first: they had the time to refill. */
const BUCKETS_MAX = 100_000;

/**
 * Token buckets by key. Time is an argument: for records it is the log's own clock, so a backlog is judged by how fast
 * it was sent, not by how fast it is read, and a redelivery meets the same answer.
 */
export class TokenBuckets {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly rate: Rate,
    private readonly keysMax = BUCKETS_MAX,
  ) {}

  /** Takes one token. @returns 0 when there was one, else milliseconds until there is one again. */
  take(key: string, atMs: number): number {
    const bucket = this.buckets.get(key) ?? { milliTokens: this.rate.burst * 1000, atMs };
    const elapsedMs = Math.max(0, atMs - bucket.atMs); // a clock that goes back refills nothing
    bucket.milliTokens = Math.min(this.rate.burst * 1000, bucket.milliTokens + elapsedMs * this.rate.perSecond);
    bucket.atMs = Math.max(bucket.atMs, atMs);
    this.buckets.delete(key); // re-inserted at the end: a Map keeps the order of insertion
    this.buckets.set(key, bucket);
    if (this.buckets.size > this.keysMax) this.forgetOldest();
    if (bucket.milliTokens < 1000) return Math.ceil((1000 - bucket.milliTokens) / this.rate.perSecond);
    bucket.milliTokens -= 1000;
    return 0;
  }

  /** Puts back a token that was taken for nothing. A bucket never holds more than its burst. */
  giveBack(key: string): void {
    const bucket = this.buckets.get(key);
    if (bucket !== undefined) bucket.milliTokens = Math.min(this.rate.burst * 1000, bucket.milliTokens + 1000);
  }

  private forgetOldest(): void {
    const oldest = this.buckets.keys().next();
    if (oldest.done !== true) this.buckets.delete(oldest.value);
  }
}
