/** How much a run does: the full form, or the short form of CI. */
export interface BenchOptions {
  /** Operations of one run, warm-up included. */
  readonly count: number;
  /** Runs of each side, alternating A B B A. */
  readonly pairs: number;
}

/** One line of `npm run bench NAME -- --json`. `ratio` is to the floor, or to the reference the design's table names. */
export interface BenchResult {
  readonly name: string;
  /** Operations per second, median of the runs. */
  readonly rate: number;
  readonly ratio: number;
  readonly ratio_min: number;
  readonly ratio_max: number;
  /** CPU microseconds per operation, our processes and PostgreSQL. */
  readonly cpu_us: number;
  readonly floor?: number;
  /** From what the benchmark times to its effect, open loop. */
  readonly p50_ms?: number;
  readonly p99_ms?: number;
  /** The same at the higher of two paces. */
  readonly p50_fast_ms?: number;
  readonly p99_fast_ms?: number;
  /** One inclusion proof over the whole log. */
  readonly proof_ms?: number;
  /** One artifact's bundle verified. */
  readonly bundle_p50_ms?: number;
  readonly bundle_p99_ms?: number;
  readonly rss_mb?: number;
}
