/** How much one caller may ask: `perSecond` on average, `burst` at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
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
    const bucket = this.buckets.get(key) ?? { tokens: this.rate.burst, atMs };
    const elapsedMs = Math.max(0, atMs - bucket.atMs); // a clock that goes back refills nothing
    bucket.tokens = Math.min(this.rate.burst, bucket.tokens + (elapsedMs * this.rate.perSecond) / 1000);
    bucket.atMs = Math.max(bucket.atMs, atMs);
    this.buckets.delete(key); // re-inserted at the end: a Map keeps the order of insertion
    this.buckets.set(key, bucket);
    if (this.buckets.size > this.keysMax) this.forgetOldest();
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1000) / this.rate.perSecond);
    bucket.tokens -= 1;
    return 0;
  }

  private forgetOldest(): void {
    const oldest = this.buckets.keys().next();
    if (oldest.done !== true) this.buckets.delete(oldest.value);
  }
}
