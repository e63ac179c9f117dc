import type { Decimal } from 'decimal.js';

/** What one settlement service was granted on one day, in one currency; major units. */
export interface RefundDay {
  /** Number of refunds. */
  readonly refunds: number;
  readonly refunded: Decimal;
  readonly captured: Decimal;
}

/** When refunds are no longer ordinary business. */
export interface RefundBounds {
  /** Of what was captured, in per cent. */
  readonly sharePercent: number;
  /** Fewer refunds than this are never a case: on a day with one sale, one refund is all of it. */
  readonly countMin: number;
}

/** Whether a person must look at a day's refunds. Exactly the share is not above it. */
export function exceedsRefundShare(day: RefundDay, { sharePercent, countMin }: RefundBounds): boolean {
  return day.refunds >= countMin && day.refunded.times(100).gt(day.captured.times(sharePercent));
}
