import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { betsOn, betsOnSide, settleBet, WEALTH_MAX, WEALTH_ONE } from './bets.js';
import { DECLARED_BOUNDS, LEARNED_BOUNDS, TAILS } from './tail-bounds.js';

const UNIT = 65_536;

describe('betting tables', () => {
  it.each(LEARNED_BOUNDS)(
    'bound the tails of $events observations as the two inequalities say',
    ({ events, bounds }) => {
      const expected = TAILS.map((tail) => {
        const k = (tail / UNIT) * (events + 1);
        const chernoff = (k + 16 + Math.sqrt(2 * k * 16 + 256)) / events;
        const massart = k / events + Math.sqrt(10 / (2 * events));
        return Math.ceil(Math.min(chernoff, massart) * UNIT) + 1;
      });
      expect(bounds).toEqual(expected);
    },
  );

  it.each(LEARNED_BOUNDS)(
    'cover the true tail of $events observations with the stated confidence',
    ({ events, bounds }) => {
      // P(tail > bound) = P(Bin(n, bound) ≤ k): exact, by the recurrence of the binomial law, for each tail
      TAILS.forEach((tail, index) => {
        const p = Math.min(1, (bounds[index] ?? UNIT) / UNIT);
        const k = Math.ceil((tail / UNIT) * (events + 1));
        let log = events * Math.log1p(-p);
        let sum = Math.exp(log);
        for (let i = 1; i <= k; i += 1) {
          log += Math.log(events - i + 1) - Math.log(i) + Math.log(p) - Math.log1p(-p);
          sum += Math.exp(log);
        }
        expect(p === 1 ? 0 : sum).toBeLessThan(Math.exp(-9.9));
      });
    },
  );

  const every = [
    { name: 'declared', bounds: DECLARED_BOUNDS, bets: betsOn('declared', 1) },
    ...LEARNED_BOUNDS.map(({ events, bounds }) => ({
      name: `${events} learned`,
      bounds,
      bets: betsOn('learned', events),
    })),
  ];

  it.each(every)('of $name: no bet gains on average, whatever the tail up to its bound', ({ bounds, bets }) => {
    expect(bets).toHaveLength(8);
    for (const { tail, win, lose } of bets) {
      const bound = bounds[TAILS.findIndex((each) => each === tail)] ?? 0;
      expect(bound).toBeGreaterThan(tail);
      // BigInt: exact beyond every doubt; the mean grows with the tail, so its bound is the worst case
      expect(win).toBeGreaterThanOrEqual(lose);
      expect(BigInt(lose) * BigInt(UNIT - bound) + BigInt(win) * BigInt(bound)).toBeLessThanOrEqual(2n ** 32n);
    }
  });

  it('of a declared law: the mean over all 65,536 uniform ranks is at most 1, bet by bet', () => {
    for (const { isUpper, tail, win, lose } of betsOn('declared', 1)) {
      let sum = 0;
      for (let rank = 0; rank < UNIT; rank += 1) sum += (isUpper ? rank >= UNIT - tail : rank < tail) ? win : lose;
      expect(sum).toBeLessThanOrEqual(UNIT * UNIT);
    }
  });

  it('are pinned by their hash: another table is another detector', () => {
    const hash = createHash('sha256')
      .update(JSON.stringify(every.map(({ bets }) => bets)))
      .digest('base64url');
    expect(hash).toBe('lA93ODSzt3fxOdk1aIarrjU_QLtmt9p273DFA3nCwLA');
  });
});

describe('settleBet', () => {
  it('is (M + 1) · e rounded down, exactly, and stops at the cap', () => {
    const outcomes = everyOutcome();
    for (let wealth = 0; wealth <= WEALTH_MAX; wealth = wealth * 3 + 7) {
      for (const outcome of outcomes) {
        const exact = (BigInt(wealth + WEALTH_ONE) * BigInt(outcome)) / BigInt(UNIT);
        const expected = exact > BigInt(WEALTH_MAX) ? WEALTH_MAX : Number(exact);
        expect(settleBet(wealth, outcome)).toBe(expected);
      }
    }
  });

  function everyOutcome(): number[] {
    const tables = [betsOn('declared', 1), ...LEARNED_BOUNDS.map(({ events }) => betsOn('learned', events))];
    return [...tables, betsOnSide(true, 'declared', [0, 0, 0, 0], 1)].flat().flatMap(({ win, lose }) => [win, lose]);
  }
});
