import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { level, mandate, T0_MS } from '../examples/admission-example.js';
import { decimal } from '../money.js';
import { checkScope, isNarrower, type ScopeDimension } from './check-scope.js';
import { effectiveBound } from './levels.js';
import type { Mandate } from './types.js';

const bounded: Partial<Mandate> = {
  perTransactionLimit: decimal('100'),
  counterparties: ['a', 'b'],
  environment: { maxAgeSeconds: 300, measurements: ['m1', 'm2'] },
  approvals: { above: decimal('50') },
};
const parent = mandate(1, bounded);
const same = mandate(2, bounded);

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
  ['validity', { validFromMs: parent.validFromMs - 1 }],
  ['validity', { validUntilMs: parent.validUntilMs + 1 }],
  ['validity', { validUntilMs: NaN }],
  ['environment', { environment: null }],
  ['environment', { environment: { maxAgeSeconds: 301, measurements: ['m1'] } }],
  ['environment', { environment: { maxAgeSeconds: 300, measurements: ['m1', 'm3'] } }],
  ['approvals', { approvals: null }],
  ['approvals', { approvals: { above: decimal('50.01') } }],
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
      approvals: { above: decimal('0.01') },
      parkSeconds: 60,
    };
    expect(checkScope(same, parent)).toEqual({ code: null, dimension: null });
    expect(isNarrower({ ...same, ...narrower }, parent)).toBe(true);
  });

  it('lets a child bound what its parent leaves open', () => {
    expect(isNarrower(same, mandate(1))).toBe(true);
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
