import type { RefundBounds } from '@spendgate/core';
import { type Pool, type ServiceDay, openRefundCases, readExcessiveDays, readRefundDays } from '@spendgate/store';

/** Every so many runs all of it is looked at again. */
const RUNS_PER_ROUND = 20;
/** Days remembered: two days of every service that gives many refunds. */
const REMEMBERED_MAX = 10_000;

/**
 * Opens a case when a settlement service gives back more than its share of what it captured that day: the way money
 * leaves a merchant without anybody buying. A service's captures are not summed over and over: a day is looked at again
 * when its refunds have changed, and now and then because captures came back.
 */
export class RefundSweep {
  private readonly seen = new Map<string, string>();
  private runs = 0;

  constructor(
    private readonly pool: Pool,
    private readonly bounds: RefundBounds,
  ) {}

  /** @returns services with a new case */
  async run(): Promise<string[]> {
    if ((this.runs += 1) % RUNS_PER_ROUND === 0) this.seen.clear();
    const days = (await readRefundDays(this.pool, this.bounds.countMin)).filter((day) => this.isNews(day));
    const excessive = await readExcessiveDays(this.pool, days, this.bounds);
    const opened = excessive.length === 0 ? [] : await openRefundCases(this.pool, this.bounds);
    if (this.seen.size + days.length > REMEMBERED_MAX) this.seen.clear();
    for (const day of days) this.seen.set(placeOf(day), sumOf(day)); // only now: what failed above is looked at again
    return opened;
  }

  private isNews(day: ServiceDay): boolean {
    return this.seen.get(placeOf(day)) !== sumOf(day);
  }
}

function placeOf({ service, day, currency }: ServiceDay): string {
  return `${day} ${currency} ${service}`;
}

function sumOf({ refunds, refunded }: ServiceDay): string {
  return `${refunds} ${refunded}`;
}
