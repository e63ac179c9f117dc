import { type Basis, type Bet, type Sides, betsOn, betsOnSide } from './bets.js';
import { TAILS } from './tail-bounds.js';

/** The law of one stream before drift, as the baseline holds it: plain JSON, frozen, signed with its document. */
export interface Histogram {
  readonly basis: Basis;
  readonly sides: Sides;
  /** Bins that are not empty, ascending, with their counts; of a declared one the counts are shares of their sum. */
  readonly bins: readonly (readonly [bin: number, count: number])[];
}

/** Counts of a histogram together: ranks stay exact integers below it. */
export const HISTOGRAM_TOTAL_MAX = 2 ** 20;
/** Bits of the randomisation within a bin. */
const SEED = 2 ** 30;

/** A rank as an exact fraction: `place` of `whole`. */
export interface Rank {
  readonly place: number;
  readonly whole: number;
}

/** A histogram made ready for ranking. */
export class RankedHistogram {
  readonly bets: readonly Bet[];
  private readonly values: readonly number[];
  private readonly below: readonly number[];
  private readonly total: number;
  /** The event itself counts among the learned ones (conformal rank); a declared law is complete as it is. */
  private readonly own: number;
  private readonly sides: Sides;

  constructor({ basis, sides, bins }: Histogram) {
    this.values = bins.map(([bin]) => bin);
    const below = [0];
    for (const [, count] of bins) below.push((below.at(-1) ?? 0) + count);
    this.below = below;
    this.total = below.at(-1) ?? 0;
    this.own = basis === 'learned' ? 1 : 0;
    this.sides = sides;
    this.bets =
      sides === 'both'
        ? betsOn(basis, this.total)
        : betsOnSide(sides === 'upper', basis, this.tailMasses(sides === 'upper'), this.total);
  }

  /**
   * The conformal rank of an event, from 0 (below everything) to 1.
   *
   * With both sides bet on, ties are broken by the seed, so that the rank is uniform under the null. With one side, the
   * end of the tie that speaks least for drift: no tail is then likelier than its nominal probability, a flow within its
   * profile wins no bet at all, and an agent gains nothing by choosing among hashes.
   *
   * @param seed 30 bits of the intent's hash
   */
  rank(bin: number, seed: number): Rank {
    const at = this.firstNotBelow(bin);
    const low = this.below[at] ?? this.total;
    const same = this.values[at] === bin ? (this.below[at + 1] ?? this.total) - low : 0;
    const within = this.sides === 'both' ? seed : this.sides === 'upper' ? 0 : SEED;
    return { place: low * SEED + within * (same + this.own), whole: (this.total + this.own) * SEED };
  }

  /** Counts of the whole bins that lie within each tail: the same bins whose rank is in it. */
  private tailMasses(isUpper: boolean): number[] {
    const whole = (this.total + this.own) * SEED;
    return TAILS.map((tail) =>
      this.values.reduce((mass, bin, at) => {
        const isInside = inTail({ place: this.rank(bin, 0).place, whole }, { isUpper, tail });
        return isInside ? mass + (this.below[at + 1] ?? 0) - (this.below[at] ?? 0) : mass;
      }, 0),
    );
  }

  private firstNotBelow(bin: number): number {
    let low = 0;
    let high = this.values.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.values[middle] ?? Infinity) < bin) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether a rank lies in the tail a bet is on. Exact: `whole` is a multiple of 2^30 and below 2^51. */
export function inTail({ place, whole }: Rank, { isUpper, tail }: Pick<Bet, 'isUpper' | 'tail'>): boolean {
  const part = whole / 65_536;
  return isUpper ? place >= part * (65_536 - tail) : place < part * tail;
}
