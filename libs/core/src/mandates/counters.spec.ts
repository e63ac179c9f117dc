import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mandate, OWN } from '../examples/admission-example.js';
import { decimal } from '../money.js';
import {
  type Counter,
  changeCounter,
  countedLimits,
  counterId,
  countersOf,
  entriesOf,
  rollingBounds,
  TOTAL_BOUNDS,
  windowName,
} from './counters.js';
import type { CountedTerms, Mandate } from './types.js';

const DAY = { unit: 'day', zone: 'UTC' } as const;
const PAYEE = { id: 'shop', category: '5411' };

function terms(change: Partial<CountedTerms>): CountedTerms {
  return { window: null, counterparty: null, category: null, amount: decimal('10'), count: null, ...change };
}
function counting(...limits: Partial<CountedTerms>[]): Mandate {
  return mandate(2, { countedLimits: limits.map(terms) });
}
const named = (...limits: Partial<CountedTerms>[]): string[] =>
  countersOf(counting(...limits), PAYEE).map(({ counter }) => counter);

describe('the counters of a spend', () => {
  it('are named by window and subject, so that the same spends have one sum', () => {
    expect(named({ window: DAY }, { window: DAY, amount: null, count: 3 })).toEqual(['day/UTC']);
    expect(named({ counterparty: '*' }, { counterparty: 'shop' })).toEqual(['total counterparty/shop']);
    expect(named({ category: '5411', window: { seconds: 60 } })).toEqual(['rolling/60 category/5411']);
  });

  it('are none of another counterparty or category', () => {
    expect(named({ counterparty: 'other' }, { category: '5735' })).toEqual([]);
    expect(countersOf(counting({ category: '5411' }), { id: 'shop', category: null })).toEqual([]);
  });

  it('keep the spelling of a zone apart: two clocks, two sums', () => {
    expect([DAY, { unit: 'day', zone: 'Etc/UTC' } as const].map(windowName)).toEqual(['day/UTC', 'day/Etc/UTC']);
  });
});

describe('what a counted limit has taken', () => {
  const id = counterId({ mandate: OWN, counter: 'day/UTC' });
  const at = { fromMs: 100, bucketMs: 100, untilMs: 200 };
  const one = counting({ window: DAY, count: 4 });

  it('is what entered in its window, amount and count apart', () => {
    const counter: Counter = [{ startsMs: 0, amount: decimal('9'), count: 9 }, { startsMs: 100, amount: decimal('7.5'), count: 3 }]; // prettier-ignore
    const limits = countedLimits(one, PAYEE, new Map([[id, counter]]), new Map([[id, at]]));
    expect(limits.map(({ kind, name, of, used }) => [kind, name, of, String(used)])).toEqual([
      ['window', 'per_day', 'amount', '7.5'],
      ['window', 'per_day/count', 'count', '3'],
    ]);
  });

  it('is unknown where nobody can place the spend in time', () => {
    const later: Counter = [{ startsMs: 200, amount: decimal('1'), count: 1 }];
    const used = (counters: Map<string, Counter>, bounds = new Map([[id, at]])) =>
      countedLimits(one, PAYEE, counters, bounds).map((each) => each.used);
    expect(used(new Map(), new Map())).toEqual(['unknown', 'unknown']);
    expect(used(new Map([[id, later]]))).toEqual(['unknown', 'unknown']);
  });

  it('names whom it is about', () => {
    const limits = [{ counterparty: 'shop' }, { counterparty: '*', window: DAY }, { category: '5411', window: { seconds: 90 } }]; // prettier-ignore
    const names = countedLimits(counting(...limits), PAYEE, new Map(), new Map()).map(({ kind, name }) => [kind, name]);
    expect(names).toEqual([
      ['counterparty', 'counterparty:shop'],
      ['counterparty', 'each_counterparty/per_day'],
      ['counterparty', 'category:5411/per_90s'],
    ]);
  });

  it('takes out what left, of the bucket it entered and of no other, and keeps the count', () => {
    const entered = changeCounter(changeCounter([], 100, decimal('5'), 1), 100, decimal('2'), 1);
    const left = changeCounter(entered, 100, decimal('-5'), 0);
    expect(left).toEqual([{ startsMs: 100, amount: decimal('2'), count: 2 }]);
    expect(changeCounter(left, 0, decimal('-2'), 0)).toEqual(left);
  });
});

describe('a rolling window', () => {
  it('counts the bucket it begins in, and nothing before', () => {
    expect(rollingBounds(60, 120_999)).toEqual({ fromMs: 60_000, bucketMs: 120_000, untilMs: 121_000 });
    expect(rollingBounds(3_600, 3_600_000)).toEqual({ fromMs: 0, bucketMs: 3_600_000, untilMs: 3_660_000 });
  });

  it('never needs two buckets in one place, whatever its length', () => {
    const any = fc.tuple(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 2 ** 40, max: 2 ** 41 }));
    fc.assert(
      fc.property(any, ([seconds, atMs]) => {
        const { fromMs, bucketMs, untilMs } = rollingBounds(seconds, atMs);
        const width = (untilMs ?? 0) - bucketMs;
        expect(fromMs <= atMs - seconds * 1000 && bucketMs <= atMs && atMs < bucketMs + width).toBe(true);
        expect((bucketMs - fromMs) / width).toBeLessThanOrEqual(60);
        const window = { seconds };
        const id = counterId({ mandate: OWN, counter: windowName(window) });
        const slots = [fromMs, bucketMs].map(
          (startsMs) => entriesOf(counting({ window }), PAYEE, new Map([[id, { fromMs, bucketMs: startsMs, untilMs }]]))[0]?.slot, // prettier-ignore
        );
        expect(slots.every((slot) => slot !== undefined && slot >= 0 && slot <= 60)).toBe(true);
        if (fromMs !== bucketMs) expect(slots[0]).not.toBe(slots[1]);
      }),
    );
  });

  it('I1: no window of its length ever holds more than the limit, against every spend remembered', () => {
    const spends = fc.array(fc.record({ gapMs: fc.integer({ min: 0, max: 40_000 }), cents: fc.integer({ min: 1, max: 400 }) }), { maxLength: 60 }); // prettier-ignore
    let denied = 0;
    fc.assert(
      fc.property(spends, fc.integer({ min: 1, max: 90 }), (stream, seconds) => {
        const one = counting({ window: { seconds } });
        const id = counterId({ mandate: OWN, counter: `rolling/${seconds}` });
        let counter: Counter = [];
        let atMs = 1_000_000;
        const granted: { atMs: number; cents: number }[] = [];
        for (const { gapMs, cents } of stream) {
          atMs += gapMs;
          const bounds = new Map([[id, rollingBounds(seconds, atMs)]]);
          const [limit] = countedLimits(one, PAYEE, new Map([[id, counter]]), bounds);
          const used = limit?.used;
          const exact = granted.filter((each) => each.atMs > atMs - seconds * 1000);
          const sum = exact.reduce((total, each) => total + each.cents, 0);
          expect(used === undefined || used === 'unknown' ? -1 : used.times(100).toNumber()).toBeGreaterThanOrEqual(
            sum,
          );
          if (used === undefined || used === 'unknown' || used.times(100).plus(cents).gt(1_000)) {
            denied += 1;
            continue;
          }
          granted.push({ atMs, cents });
          for (const entry of entriesOf(one, PAYEE, bounds)) {
            // As the table keeps it: one row a place, the newer bucket takes it.
            const width = Math.ceil((seconds * 1000) / 60);
            const kept = counter.filter((each) => each.startsMs === entry.startsMs || (each.startsMs / width) % 61 !== entry.slot); // prettier-ignore
            counter = changeCounter(kept, entry.startsMs, decimal((cents / 100).toFixed(2)), 1);
          }
          expect(counter.length).toBeLessThanOrEqual(61);
          expect(sum + cents).toBeLessThanOrEqual(1_000);
        }
      }),
    );
    expect(denied).toBeGreaterThan(0);
  });

  it('in total counts from the beginning', () => {
    expect(TOTAL_BOUNDS).toEqual({ fromMs: 0, bucketMs: 0, untilMs: null });
  });
});
