import { InvariantError } from '../errors.js';
import { DECLARED_BOUNDS, LEARNED_BOUNDS, TAILS } from './tail-bounds.js';

/** Which tails of a histogram are drift. `upper`: only more of it, `lower`: only less. */
export type Sides = 'both' | 'upper' | 'lower';
export const SIDES = ['both', 'upper', 'lower'] as const;
/** A learned histogram counts observations, a declared one states the law itself. */
export type Basis = 'learned' | 'declared';
export const BASES = ['learned', 'declared'] as const;

export const BETS_PER_STREAM = 8;
/** Fixed point of a bet's outcome: 1/65536. */
const UNIT = 65_536;
/** Fixed point of wealth: 1/256. */
export const WEALTH_ONE = 256;
/** Wealth stops growing here (2^38): far above every threshold, and every product below stays an exact integer. */
export const WEALTH_MAX = 2 ** 46;
const SPLIT = 2 ** 24;

/**
 * One bet: a share of the wealth is staked on the event falling into a tail, at the odds of that tail. Two values are
 * its whole table: `win` and `lose`, in 1/65536.
 */
export interface Bet {
  readonly isUpper: boolean;
  /** The tail, in 1/65536 of the ranks. */
  readonly tail: number;
  readonly win: number;
  readonly lose: number;
}

/** Shares staked: a quarter on wide tails, half on narrow ones; a one-sided histogram has both on each tail. */
const QUARTER = UNIT / 4;
const HALF = UNIT / 2;

/** The bets on a histogram, the same array each time. @param total observations, when learned */
export function betsOn(sides: Sides, basis: Basis, total: number): readonly Bet[] {
  const bounds = basis === 'declared' ? DECLARED_BOUNDS : boundsOf(total);
  const known = MADE[sides].get(bounds);
  if (known !== undefined) return known;
  const made = makeBets(sides, bounds);
  MADE[sides].set(bounds, made);
  return made;
}

/** Twelve tables a side, made once each. */
const MADE: Readonly<Record<Sides, Map<readonly number[], readonly Bet[]>>> = {
  both: new Map(),
  upper: new Map(),
  lower: new Map(),
};

function boundsOf(total: number): readonly number[] {
  const row = LEARNED_BOUNDS.findLast(({ events }) => events <= total);
  if (row === undefined) throw new InvariantError('ERR_BASELINE_TOO_SMALL', `${total} observations`);
  return row.bounds;
}

function makeBets(sides: Sides, bounds: readonly number[]): readonly Bet[] {
  return TAILS.flatMap((tail, index) => {
    const bound = bounds[index] ?? UNIT;
    const share = index < 2 ? QUARTER : HALF;
    if (sides === 'both') return [bet(true, tail, bound, share), bet(false, tail, bound, share)];
    return [bet(sides === 'upper', tail, bound, QUARTER), bet(sides === 'upper', tail, bound, HALF)];
  });
}

/** Fair for every law under which the tail is no likelier than its bound: lose + bound · (win − lose) ≤ 1, rounded down. */
function bet(isUpper: boolean, tail: number, bound: number, share: number): Bet {
  const lose = UNIT - share;
  return { isUpper, tail, lose, win: lose + Math.floor((share * UNIT) / bound) };
}

/**
 * One step of the Shiryaev–Roberts e-detector, M ← (M + 1) · e, rounded down: what is lost to rounding only makes a
 * false alarm rarer. Exact: no product leaves 2^53.
 *
 * @param wealth M in 1/256
 * @param outcome e in 1/65536, at most 2^26
 */
export function settleBet(wealth: number, outcome: number): number {
  const staked = wealth + WEALTH_ONE;
  const high = Math.floor(staked / SPLIT);
  const low = staked - high * SPLIT;
  const top = high * outcome;
  if (top >= WEALTH_MAX / (SPLIT / UNIT)) return WEALTH_MAX;
  return Math.min(WEALTH_MAX, top * (SPLIT / UNIT) + Math.floor((low * outcome) / UNIT));
}
