import { LIMITS } from '@spendgate/core';

/** Append times of one lane: never back, and never from a clock that runs ahead of the database's. */
export class AppendedTimes {
  /** @param markMs highest time decided so far in the lane, Unix ms @param judgedAtMs database clock after the locks */
  constructor(
    private markMs: number,
    private readonly judgedAtMs: number,
  ) {}

  get mark(): number {
    return this.markMs;
  }

  /**
   * @param logMs what the log says, Unix ms
   * @returns the record's `appended_at`; `undefined`: too far ahead (`clock_untrusted`), and the mark stays where it is,
   * or one bad timestamp would carry every later decision of the partition into the future
   */
  next(logMs: number): number | undefined {
    if (!(logMs <= this.judgedAtMs + LIMITS.clockAheadMsMax)) return undefined;
    this.markMs = Math.max(this.markMs, logMs);
    return this.markMs;
  }
}
