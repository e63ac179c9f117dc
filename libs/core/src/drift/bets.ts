import { InvariantError } from '../errors.js';
import { CHERNOFF_L, DECLARED_BOUNDS, LEARNED_BOUNDS, TAILS } from './tail-bounds.js';

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

/** Shares of the wealth staked. Half finds what happens every time, a sixteenth what happens one time in ten. */
const HALF = UNIT / 2;
const QUARTER = UNIT / 4;
const SIXTEENTH = UNIT / 16;
/** On the tails 1/4, 1/16, 1/64, 1/512 of a two-sided histogram. */
const SHARES = [QUARTER, QUARTER, HALF, SIXTEENTH];
/** No tail is taken to be less likely than this, in 1/65536: what a baseline calls impossible is only very unlikely. */
const BOUND_MIN = 129;

/** The bets on both tails of a histogram, the same array each time. @param total observations, when learned */
export function betsOn(basis: Basis, total: number): readonly Bet[] {
  const bounds = basis === 'declared' ? DECLARED_BOUNDS : boundsOf(total);
  const known = MADE.get(bounds);
  if (known !== undefined) return known;
  const made = TAILS.flatMap((tail, index) => {
    const [bound = UNIT, share = QUARTER] = [bounds[index], SHARES[index]];
    return [bet(true, tail, bound, share), bet(false, tail, bound, share)];
  });
  MADE.set(bounds, made);
  return made;
}

/** Twelve tables, made once each. */
const MADE = new Map<readonly number[], readonly Bet[]>();

/**
 * The bets on one tail of a histogram. Its tails are whole bins, so their own counts bound them, not the nominal ones.
 *
 * @param masses counts within each of `TAILS`
 */
export function betsOnSide(isUpper: boolean, basis: Basis, masses: readonly number[], total: number): readonly Bet[] {
  return TAILS.flatMap((tail, index) => {
    const mass = masses[index] ?? 0;
    const bound =
      basis === 'declared'
        ? Math.ceil((mass * UNIT) / total) + 1
        : Math.min(boundsOf(total)[index] ?? UNIT, observedBound(mass, total));
    const sound = Math.max(BOUND_MIN, bound);
    return [bet(isUpper, tail, sound, HALF), bet(isUpper, tail, sound, SIXTEENTH)];
  });
}

/** Chernoff's upper confidence bound, see tail-bounds.ts, in 1/65536, rounded up. */
function observedBound(mass: number, total: number): number {
  const radicand = 2 * CHERNOFF_L * mass + CHERNOFF_L * CHERNOFF_L;
  let root = Math.floor(Math.sqrt(radicand));
  while (root * root < radicand) root += 1; // exact whatever a machine's sqrt does in its last digit
  return Math.min(UNIT, Math.ceil(((mass + CHERNOFF_L + root) * UNIT) / total));
}

function boundsOf(total: number): readonly number[] {
  const row = LEARNED_BOUNDS.findLast(({ events }) => events <= total);
  if (row === undefined) throw new InvariantError('ERR_BASELINE_TOO_SMALL', `${total} observations`);
  return row.bounds;
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
