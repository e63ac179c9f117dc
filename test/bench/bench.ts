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
}
