import { describe, expect, it } from '@jest/globals';
import { DEFAULT_POLICY, DEFAULT_SCHEMA } from './default-policy.js';
import { PolicySet } from './policy-set.js';
import type { PolicyRequest } from './types.js';

const load = (policyText: string, schemaText = DEFAULT_SCHEMA): PolicySet =>
  PolicySet.load({ policyId: 'test', version: 1, policyText, schemaText });

const request: PolicyRequest = {
  principal: 'agent-a',
  action: 'spend',
  resource: 'merchant-a',
  context: {
    amount_minor: 1250,
    currency: 'USD',
    category: '5411',
    mandate: '0b5e2a1c-0000-4000-8000-000000000001',
    principal: 'acme',
    depth: 2,
    capture_mode: 'single',
  },
};
const withContext = (change: Partial<PolicyRequest['context']>): PolicyRequest => ({
  ...request,
  context: { ...request.context, ...change } as PolicyRequest['context'], // as: spreading a Partial admits undefined
});
const without = (name: string): PolicyRequest['context'] =>
  Object.fromEntries(Object.entries(request.context).filter(([each]) => each !== name));
const verdictOf = (set: PolicySet, one: PolicyRequest): string | undefined => set.evaluate([one])[0]?.verdict;

describe('the default policy', () => {
  const set = PolicySet.load(DEFAULT_POLICY);

  it('A12: allows an ordinary purchase and names the policy that decided', () => {
    expect(set.evaluate([request])[0]).toEqual({
      verdict: 'allow',
      policyId: 'default',
      version: 1,
      setHash: set.setHash,
      hash: set.slice(request).hash,
      deciding: ['spend-within-mandate'],
    });
  });
  it('denies quasi-cash by its category', () => {
    expect(set.evaluate([withContext({ category: '6051' })])[0]).toMatchObject({
      verdict: 'deny',
      deciding: ['no-cash-like'],
    });
  });
  it('allows a counterparty without a category', () => {
    const context = without('category');
    expect(verdictOf(set, { ...request, context })).toBe('allow');
  });
});

describe('a policy verdict', () => {
  const permitAll = '@id("all") permit (principal, action, resource);';

  it('is deny where nothing permits', () => {
    expect(load('').evaluate([request])[0]).toMatchObject({ verdict: 'deny', deciding: [] });
  });
  it('is error, never allow, when a forbid errs, though Cedar itself would skip it and allow', () => {
    const set = load(`${permitAll}
      @id("errs") forbid (principal, action, resource) when { context.amount_minor * 9007199254740991 > 0 };`);
    expect(set.evaluate([withContext({ amount_minor: 5_000 })])[0]).toMatchObject({
      verdict: 'error',
      deciding: ['errs'],
    });
    expect(verdictOf(set, withContext({ amount_minor: 1 }))).toBe('deny');
  });
  it('is error when a permit errs, also beside another that permits', () => {
    const set = load(`${permitAll}
      @id("errs") permit (principal, action, resource) when { context.amount_minor * 9007199254740991 > 0 };`);
    expect(verdictOf(set, withContext({ amount_minor: 5_000 }))).toBe('error');
  });
  it.each([
    ['an amount at 2^53', { amount_minor: 2 ** 53 }],
    ['an amount of 2^63', { amount_minor: 2n ** 63n }],
    ['an amount that is no integer', { amount_minor: 12.5 }],
    ['an amount that is not a number', { amount_minor: Number.NaN }],
    ['an amount as text', { amount_minor: '1250' }],
    ['an attribute the schema does not know', { surprise: 1 }],
  ])('is error for %s', (_case, change) => {
    expect(verdictOf(load(permitAll), withContext(change))).toBe('error');
  });
  it('is error for a missing attribute and for an action the schema does not know', () => {
    const context = without('currency');
    expect(verdictOf(load(permitAll), { ...request, context })).toBe('error');
    expect(verdictOf(load(permitAll), { ...request, action: 'refund' })).toBe('error');
  });
  it('takes the largest safe amount exactly', () => {
    const set = load(
      '@id("most") permit (principal, action, resource) when { context.amount_minor == 9007199254740991 };',
    );
    expect(verdictOf(set, withContext({ amount_minor: 2n ** 53n - 1n }))).toBe('allow');
    expect(verdictOf(set, withContext({ amount_minor: 2 ** 53 - 2 }))).toBe('deny');
  });
  it('is the same for equal requests of a batch and for each asked alone', () => {
    const set = load(
      `${permitAll} @id("cap") forbid (principal, action, resource) when { context.amount_minor > 100 };`,
    );
    const batch = [100, 101, 100, 99, 101].map((amount) => withContext({ amount_minor: amount }));
    expect(set.evaluate(batch).map(({ verdict }) => verdict)).toEqual(['allow', 'deny', 'allow', 'allow', 'deny']);
    expect(batch.map((one) => verdictOf(set, one))).toEqual(['allow', 'deny', 'allow', 'allow', 'deny']);
  });
});

describe('slices', () => {
  const text = (cap: number) => `
    @id("own") permit (principal == Agent::"agent-a", action == Action::"spend", resource);
    @id("other") permit (principal == Agent::"agent-b", action, resource) when { context.amount_minor < ${cap} };
    @id("shop") forbid (principal, action, resource == Counterparty::"merchant-x");
    @id("group") forbid (principal in Agent::"agent-c", action in [Action::"spend"], resource is Counterparty);
    @id("all") forbid (principal is Agent, action, resource) when { context.depth > 8 };`;

  it('hold exactly the policies whose scope head can match', () => {
    const set = load(text(5));
    expect(set.slice(request).policyIds).toEqual(['all', 'own']);
    expect(set.slice({ ...request, principal: 'agent-b', resource: 'merchant-x' }).policyIds).toEqual([
      'all',
      'other',
      'shop',
    ]);
    expect(set.slice({ ...request, principal: 'agent-c' }).policyIds).toEqual(['all', 'group']);
    expect(set.slice({ ...request, principal: 'stranger' }).policyIds).toEqual(['all']);
  });
  it('A21: change their hash with a policy that could apply, and only then', () => {
    const [before, after] = [load(text(5)), load(text(6))];
    expect(after.setHash).not.toBe(before.setHash);
    expect(after.slice(request).hash).toBe(before.slice(request).hash);
    const other = { ...request, principal: 'agent-b' };
    expect(after.slice(other).hash).not.toBe(before.slice(other).hash);
  });
  it('keep their hash when the policies stand in another order', () => {
    const [one, two] = [
      '@id("a") permit (principal, action, resource);',
      '@id("b") forbid (principal, action, resource);',
    ];
    expect(load(`${one}\n${two}`).setHash).toBe(load(`${two}\n${one}`).setHash);
  });
  it('do not let an id with a quote or a star in it pass for another head', () => {
    const set = load('@id("star") permit (principal == Agent::"*", action, resource);');
    expect(set.slice(request).policyIds).toEqual([]);
    expect(set.slice({ ...request, principal: '*' }).policyIds).toEqual(['star']);
  });
});

describe('loading', () => {
  const permitAll = 'permit (principal, action, resource);';
  it.each([
    ['text that is not Cedar', 'permit (', DEFAULT_SCHEMA, /unexpected/],
    ['a template', 'permit (principal == ?principal, action, resource);', DEFAULT_SCHEMA, /template/],
    [
      'an attribute the schema lacks',
      `${permitAll.slice(0, -1)} when { context.colour == "red" };`,
      DEFAULT_SCHEMA,
      /colour/,
    ],
    [
      'an optional attribute used without has',
      `${permitAll.slice(0, -1)} when { context.category == "1" };`,
      DEFAULT_SCHEMA,
      /category/,
    ],
    ['an unknown entity type', 'permit (principal == Robot::"r", action, resource);', DEFAULT_SCHEMA, /Robot/],
    [
      'a literal above 2^53',
      `${permitAll.slice(0, -1)} when { context.depth < 9007199254740993 };`,
      DEFAULT_SCHEMA,
      /2\^53/,
    ],
    [
      'two policies of one id',
      `@id("x") ${permitAll} @id("x") forbid (principal, action, resource);`,
      DEFAULT_SCHEMA,
      /two policies/,
    ],
    ['a schema that is not one', permitAll, 'entity', /expected/],
    ['a schema with a hierarchy', permitAll, `${DEFAULT_SCHEMA} entity Team; entity Bot in [Team];`, /plain/],
    ['a schema with entity attributes', permitAll, `${DEFAULT_SCHEMA} entity Bot { level: Long };`, /plain/],
    ['a schema without agents', permitAll, 'entity Counterparty;', /Agent/],
  ])('refuses %s', (_case, policyText, schemaText, message) => {
    expect(() => load(policyText, schemaText)).toThrow(message);
  });
  it('names a policy without an id by its content', () => {
    expect(load(permitAll).slice(request).policyIds[0]).toMatch(/^policy-[\w-]{16}$/);
  });
});
