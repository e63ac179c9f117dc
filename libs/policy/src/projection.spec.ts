import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DEFAULT_SCHEMA } from './default-policy.js';
import { parsePolicy } from './cedar.js';
import { projectionOf } from './projection.js';
import { PolicySet } from './policy-set.js';
import type { PolicyRequest } from './types.js';

const projected = (condition: string) => {
  const parsed = parsePolicy(`permit (principal, action, resource) when { ${condition} };`);
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return projectionOf([parsed.value.conditions]);
};

describe('what a slice reads of a request', () => {
  it('is the side of a threshold where an attribute is only compared with literals', () => {
    expect(projected('context.amount_minor > 500 || 10 == context.amount_minor')).toEqual({
      principal: false,
      resource: false,
      attributes: [],
      literals: [['amount_minor', [10, 500]]],
    });
  });
  it('is the value where it is computed with', () => {
    expect(projected('context.amount_minor + 1 > 500 && context.amount_minor < 9')).toMatchObject({
      attributes: ['amount_minor'],
      literals: [],
    });
  });
  it('is which literal it equals where a text is only compared with literals', () => {
    const condition = 'context.currency != "USD" || ["EUR", "CHF"].contains(context.currency)';
    expect(projected(condition)).toMatchObject({ attributes: [], literals: [['currency', ['CHF', 'EUR', 'USD']]] });
    expect(projected('["EUR", context.mandate].contains(context.currency)')).toMatchObject({
      attributes: ['currency', 'mandate'],
    });
    expect(projected('context.currency like "U*"').attributes).toEqual(['currency']);
  });
  it('is everything where the context is used as a whole', () => {
    expect(projected('[context].contains(context)').attributes).toEqual(['*']);
  });
  it('includes principal and resource where a condition names them, also inside a record called Var', () => {
    expect(projected('{ Var: principal } == { Var: principal }')).toMatchObject({ principal: true, resource: false });
    expect(projected('resource == Counterparty::"m"')).toMatchObject({ principal: false, resource: true });
  });

  it('never lets two requests share an answer Cedar would give differently', () => {
    const comparison = fc
      .tuple(fc.constantFrom('<', '<=', '>', '>=', '==', '!='), fc.integer({ min: -2, max: 6 }), fc.boolean())
      .map(([op, literal, swap]) =>
        swap ? `${literal} ${op} context.amount_minor` : `context.amount_minor ${op} ${literal}`,
      );
    const condition = fc.oneof(
      comparison,
      fc.constantFrom(
        'context.currency == "USD"',
        'context.currency like "*R"',
        '["USD", "CHF"].contains(context.currency)',
        '[1, 3].contains(context.amount_minor)',
        '["USD", context.mandate].contains(context.currency)',
        '{ Var: principal } == { Var: Agent::"b" }',
        'principal == Agent::"a"',
        'resource == Counterparty::"m"',
        'context.amount_minor * 9007199254740991 * 1025 > 0',
        'context has category && context.category == "5411"',
      ),
      fc.constant('context.amount_minor + context.depth > 3'),
    );
    const policies = fc.array(
      fc.tuple(fc.constantFrom('permit', 'forbid'), fc.constantFrom('when', 'unless'), condition),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    const requests = fc.array(
      fc.record({
        principal: fc.constantFrom('a', 'b'),
        resource: fc.constantFrom('m', 'n'),
        amount: fc.integer({ min: -2, max: 6 }),
        currency: fc.constantFrom('USD', 'EUR', 'CHF', 'x'),
        category: fc.constantFrom(undefined, '5411', '5812'),
      }),
      { minLength: 2, maxLength: 12 },
    );
    fc.assert(
      fc.property(policies, requests, (written, drawn) => {
        const policyText = written
          .map(
            ([effect, clause, text], n) =>
              `@id("p${n}") ${effect} (principal, action, resource) ${clause} { ${text} };`,
          )
          .join('\n');
        const source = { policyId: 'p', version: 1, policyText, schemaText: DEFAULT_SCHEMA };
        const asked = drawn.map(({ principal, resource, amount, currency, category }): PolicyRequest => ({
          principal,
          action: 'spend',
          resource,
          context: {
            amount_minor: amount,
            currency,
            mandate: 'x',
            principal: 'y',
            depth: 1,
            capture_mode: 'single',
            ...(category !== undefined && { category }),
          },
        }));
        const together = PolicySet.load(source).evaluate(asked);
        // A fresh set remembers nothing, so each of its answers comes from Cedar.
        expect(together).toEqual(asked.flatMap((one) => PolicySet.load(source).evaluate([one])));
      }),
      { numRuns: 60 },
    );
  });
});
