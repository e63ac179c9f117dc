import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { level, mandate, T0_MS } from '../examples/admission-example.js';
import { decimal } from '../money.js';
import { admitsCounterparty } from './check-chain.js';
import { checkScope, isNarrower, type ScopeDimension } from './check-scope.js';
import { effectiveBound } from './levels.js';
import type { CountedTerms, Mandate } from './types.js';

function terms(change: Partial<CountedTerms>): CountedTerms {
  const window = { unit: 'day', zone: 'UTC' } as const;
  return { window, counterparty: null, category: null, amount: decimal('50'), count: null, ...change };
}

const bounded: Partial<Mandate> = {
  perTransactionLimit: decimal('100'),
  counterparties: ['a', 'b', 'e'],
  blockedCounterparties: ['e'],
  categories: ['5411', '5735', '5999'],
  blockedCategories: ['5999'],
  countedLimits: [
    terms({}),
    terms({ counterparty: '*', window: null }),
    terms({ window: { seconds: 60 }, amount: null, count: 3 }),
  ],
  environment: { maxAgeSeconds: 300, measurements: ['m1', 'm2'] },
  approvals: { above: decimal('50'), twoAbove: decimal('80') },
  delegationLevels: 2,
};
const parent = mandate(1, bounded);
const same = mandate(2, { ...bounded, delegationLevels: 1 });

const WIDER: readonly (readonly [ScopeDimension, Partial<Mandate>])[] = [
  ['principal', { principal: 'other' }],
  ['depth', { depth: 1 }],
  ['depth', { depth: 3 }],
  ['currency', { currency: 'EUR' }],
  ['total_limit', { totalLimit: decimal('1000.01') }],
  ['per_transaction_limit', { perTransactionLimit: decimal('100.01') }],
  ['per_transaction_limit', { perTransactionLimit: null }],
  ['counterparties', { counterparties: ['a', 'c'] }],
  ['counterparties', { counterparties: null }],
  ['blocked_counterparties', { blockedCounterparties: [] }],
  ['blocked_counterparties', { blockedCounterparties: ['a'] }],
  ['categories', { categories: null }],
  ['categories', { categories: ['5411', '1234'] }],
  ['blocked_categories', { blockedCategories: ['5411'] }],
  ['counted_limits', { countedLimits: [terms({ amount: decimal('50.01') })] }],
  ['counted_limits', { countedLimits: [terms({ counterparty: '*', window: null, amount: decimal('50.01') })] }],
  ['counted_limits', { countedLimits: [terms({ counterparty: 'a', window: null, amount: decimal('50.01') })] }],
  ['counted_limits', { countedLimits: [terms({ window: { seconds: 60 }, amount: null, count: 4 })] }],
  ['validity', { validFromMs: parent.validFromMs - 1 }],
  ['validity', { validUntilMs: parent.validUntilMs + 1 }],
  ['validity', { validUntilMs: NaN }],
  ['environment', { environment: null }],
  ['environment', { environment: { maxAgeSeconds: 301, measurements: ['m1'] } }],
  ['environment', { environment: { maxAgeSeconds: 300, measurements: ['m1', 'm3'] } }],
  ['approvals', { approvals: null }],
  ['approvals', { approvals: { above: decimal('50.01'), twoAbove: decimal('80') } }],
  ['approvals', { approvals: { above: decimal('50'), twoAbove: decimal('80.01') } }],
  ['approvals', { approvals: { above: decimal('50'), twoAbove: null } }],
  ['delegation', { delegationLevels: 2 }],
  ['policy', { policyId: 'other' }],
];

describe('checkScope', () => {
  it.each(WIDER)('scope_escalation names %s', (dimension, change) => {
    expect(checkScope({ ...same, ...change }, parent)).toEqual({ code: 'scope_escalation', dimension });
    expect(isNarrower({ ...same, ...change }, parent)).toBe(false);
  });

  it('lets a child be as wide as its parent, or narrower in every dimension', () => {
    const narrower: Partial<Mandate> = {
      totalLimit: decimal('1'),
      perTransactionLimit: decimal('1'),
      counterparties: ['a'],
      validUntilMs: T0_MS,
      environment: { maxAgeSeconds: 1, measurements: ['m1'] },
      approvals: { above: decimal('0.01'), twoAbove: decimal('0.01') },
      parkSeconds: 60,
    };
    expect(checkScope(same, parent)).toEqual({ code: null, dimension: null });
    expect(isNarrower({ ...same, ...narrower }, parent)).toBe(true);
  });

  it.each<readonly [string, Partial<Mandate>]>([
    ['a blocked payee its own list leaves out', { counterparties: ['a'], blockedCounterparties: [] }],
    ['a blocked category its own list leaves out', { categories: ['5411'], blockedCategories: [] }],
    ['no window, for its parent’s counts its spends too', { countedLimits: [] }],
    [
      'a larger sum in another window',
      { countedLimits: [terms({ window: { unit: 'week', zone: 'UTC' }, amount: decimal('60') })] },
    ],
    [
      'a larger sum by another clock',
      { countedLimits: [terms({ window: { unit: 'day', zone: 'Asia/Tokyo' }, amount: decimal('60') })] },
    ],
    [
      'a larger sum at one payee, where its parent counts all',
      { countedLimits: [terms({ counterparty: 'a', amount: decimal('60') })] },
    ],
    ['a count where its parent bounds the amount', { countedLimits: [terms({ amount: null, count: 99 })] }],
  ])('lets a child have %s', (_what, change) => {
    expect(checkScope({ ...same, ...change }, parent)).toEqual({ code: null, dimension: null });
  });

  it('lets a child bound what its parent leaves open', () => {
    expect(isNarrower(same, mandate(1, { delegationLevels: 2 }))).toBe(true);
  });

  it('D24: narrower is transitive, so authority never widens down a tree', () => {
    const amount = fc.integer({ min: 1, max: 5 }).map((value) => decimal(String(value)));
    const change = fc.record<Partial<Mandate>>({
      totalLimit: amount,
      perTransactionLimit: fc.option(amount),
      counterparties: fc.option(fc.subarray(['a', 'b', 'c'])),
      validUntilMs: fc.integer({ min: T0_MS, max: T0_MS + 3 }),
    });
    let seen = 0;
    fc.assert(
      fc.property(change, change, change, (top, middle, bottom) => {
        const chain = [mandate(0, top), mandate(1, middle), mandate(2, bottom)] as const;
        if (!isNarrower(chain[1], chain[0]) || !isNarrower(chain[2], chain[1])) return;
        seen += 1;
        expect(isNarrower({ ...chain[2], depth: 1 }, chain[0])).toBe(true);
      }),
      { numRuns: 10_000 },
    );
    expect(seen).toBeGreaterThan(10);
  });

  it('D24: whom a child admits its parent admits, whatever each allows and blocks', () => {
    const free = fc.record<Partial<Mandate>>({
      counterparties: fc.option(fc.subarray(['a', 'b', 'c'])),
      blockedCounterparties: fc.subarray(['a']),
      categories: fc.option(fc.subarray(['1', '2'])),
      blockedCategories: fc.subarray(['1']),
    });
    // half of the children are cut out of their parent's lists: drawn freely, nine of ten are wider and show nothing
    const cutFrom = (above: Partial<Mandate>): fc.Arbitrary<Partial<Mandate>> =>
      fc
        .tuple(
          fc.subarray([...(above.counterparties ?? ['a', 'd'])]),
          fc.subarray([...(above.categories ?? ['2', '3'])]),
        )
        .map(([counterparties, categories]) => ({ ...above, counterparties, categories }));
    const pair = free.chain((above) => fc.tuple(fc.constant(above), fc.oneof(free, cutFrom(above))));
    let seen = 0;
    fc.assert(
      fc.property(pair, ([above, below]) => {
        const [top, child] = [mandate(0, above), mandate(1, below)];
        if (!isNarrower(child, top)) return;
        for (const id of ['a', 'b', 'c', 'd']) {
          for (const category of ['1', '2', '3', null]) {
            if (!admitsCounterparty(child, { id, category })) continue;
            seen += 1;
            expect(admitsCounterparty(top, { id, category })).toBe(true);
          }
        }
      }),
      { numRuns: 10_000 },
    );
    expect(seen).toBeGreaterThan(1_000);
  });
});

describe('effectiveBound', () => {
  it('is the least of what any level has left or allows at once', () => {
    const levels = [level(0), level(1, {}, { held: decimal('400'), captured: decimal('590') }), level(2)];
    expect(effectiveBound(levels)?.toFixed()).toBe('10');
    expect(effectiveBound([...levels, level(2, { perTransactionLimit: decimal('9.99') })])?.toFixed()).toBe('9.99');
    expect(effectiveBound([])).toBeNull();
  });

  it('a refund gives back what a level has left', () => {
    expect(effectiveBound([level(0, {}, { captured: decimal('1000'), refunded: decimal('5') })])?.toFixed()).toBe('5');
  });
});
