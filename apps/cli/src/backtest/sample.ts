import { type Bet, type Rank, betsOn } from '@spendgate/core';

const SEED = 2 ** 30;

/** Numbers learned from, ready for ranking: the exact law where the core has bins. */
export class Sample {
  readonly bets: readonly Bet[];
  private readonly sorted: Float64Array;

  /** @param independent how many of the values count as observations: neighbours that move together are fewer */
  constructor(values: readonly number[], independent: number) {
    this.sorted = Float64Array.from(values).sort();
    this.bets = betsOn('learned', independent);
  }

  /** The smoothed conformal rank. @param seed 30 bits, for ties */
  rank(value: number, seed: number): Rank {
    const low = this.countBelow(value, false);
    const same = this.countBelow(value, true) - low;
    return { place: low * SEED + seed * (same + 1), whole: (this.sorted.length + 1) * SEED };
  }

  private countBelow(value: number, orEqual: boolean): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const each = this.sorted[middle] ?? Infinity;
      if (each < value || (orEqual && each === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The value below which a share of the numbers lies; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/**
 * How far values usually are from their middle: like a standard deviation, but not moved by outliers, and wide enough
 * for laws with heavy tails. Never 0.
 */
export function spreadOf(values: readonly number[], middle: number): number {
  const distances = values.map((value) => Math.abs(value - middle));
  const spread = Math.max(quantile(distances, 0.5) * 1.4826, quantile(distances, 0.99) / 3);
  return spread > 0 ? spread : Math.max(...distances.slice(0, 1_000), Math.abs(middle) * 1e-6, 1e-9);
}
