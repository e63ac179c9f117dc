import { describe, expect, it } from '@jest/globals';
import { mandate, T0_MS } from '../examples/admission-example.js';
import type { FlowState } from '../lifecycle.js';
import { LIMITS } from '../limits.js';
import { decimal } from '../money.js';
import { type GrantFacts, type Grantor, checkGrant, checkStatedAmounts } from './check-grant.js';
import type { Mandate } from './types.js';

const ACME: Grantor = { kind: 'principal', id: 'acme' };
const TEAM_AGENT: Grantor = { kind: 'agent', id: 'team-agent' };

/** Organisation and team, both live; the team's agent may hand on one level. */
function above(team: Partial<Mandate> = {}, organisation: Partial<Mandate> = {}, flow: FlowState = 'executing') {
  return [
    { mandate: mandate(0, { delegationLevels: 2, ...organisation }), flow: 'activated' as const },
    { mandate: mandate(1, { agent: 'team-agent', delegationLevels: 1, ...team }), flow },
  ];
}

/** A sub-mandate for `shopper-1` that is in order for either signer. */
function grant(change: Partial<GrantFacts> = {}): GrantFacts {
  return {
    proposed: mandate(2),
    standing: null,
    above: above(),
    delegated: { ofParent: 0, byAgent: 0 },
    atMs: T0_MS,
    ...change,
  };
}

const standing = (grantor: Grantor, change: Partial<Mandate> = {}) => ({ mandate: mandate(2, change), grantor });

describe('what one signature may grant', () => {
  it.each([ACME, TEAM_AGENT])('a sub-mandate within the tree, by its $kind', (grantor) => {
    expect(checkGrant(grantor, grant())).toBeNull();
  });

  it('the next version of a sub-mandate, by the agent that signed the last one', () => {
    expect(checkGrant(TEAM_AGENT, grant({ standing: standing(TEAM_AGENT) }))).toBeNull();
  });

  it('the next version of any mandate below its root, by the principal', () => {
    expect(checkGrant(ACME, grant({ standing: standing(TEAM_AGENT) }))).toBeNull();
  });

  it('a root made narrower, by the principal', () => {
    const [proposed, before] = [mandate(0, { totalLimit: decimal('999') }), mandate(0)];
    const facts = grant({ proposed, above: [], standing: { mandate: before, grantor: ACME } });
    expect(checkGrant(ACME, facts)).toBeNull();
  });
});

describe('how the flows of a sub-mandate are watched', () => {
  const spending: Mandate['spending'] = {
    amounts: [{ bound: '20.00', share: 10_000 }],
    gapsSeconds: [{ bound: '0', share: 10_000 }],
    ...{ newCounterparties: 100, denials: 100, quiet: [], quietShare: 0, counterparties: [] },
  };
  const own = { proposed: mandate(2, { spending }) };

  it('is not for an agent to say where its parent says nothing: a level above that does would be escaped', () => {
    const facts = grant({ ...own, above: above({}, { spending }) });
    expect(checkGrant(TEAM_AGENT, facts)).toEqual({ code: 'scope_escalation', field: 'spending' });
  });

  it('may be repeated by it from its parent, and said by the principal', () => {
    expect(checkGrant(TEAM_AGENT, grant({ ...own, above: above({ spending }) }))).toBeNull();
    expect(checkGrant(ACME, grant(own))).toBeNull();
  });
});

describe('what an agent credential may never grant (D24)', () => {
  const REFUSED: readonly (readonly [string, Grantor, Partial<GrantFacts>, string, string])[] = [
    ['its own mandate', { kind: 'agent', id: 'shopper-1' }, {}, 'mandate_unknown', 'parent'],
    ['a sibling of its own', { kind: 'agent', id: 'sibling' }, {}, 'mandate_unknown', 'parent'],
    [
      'a mandate two levels below its own',
      { kind: 'agent', id: 'uncle' },
      { above: above({}, { agent: 'uncle' }) },
      'mandate_unknown',
      'parent',
    ],
    [
      "a root, also under its principal's name",
      { kind: 'agent', id: 'acme' },
      { proposed: mandate(0), above: [] },
      'mandate_unknown',
      'parent',
    ],
    [
      'one below a mandate that lets it delegate nothing',
      TEAM_AGENT,
      { above: above({ delegationLevels: 0 }) },
      'scope_escalation',
      'delegation',
    ],
    [
      'one below an ancestor that delegates nothing any more',
      TEAM_AGENT,
      { above: above({}, { delegationLevels: 0 }) },
      'scope_escalation',
      'delegation',
    ],
    [
      'one level deeper than an ancestor allows',
      TEAM_AGENT,
      { above: above({}, { delegationLevels: 1 }) },
      'scope_escalation',
      'delegation',
    ],
    ['one for itself', TEAM_AGENT, { proposed: mandate(2, { agent: 'team-agent' }) }, 'scope_mismatch', 'agent'],
    ['one for an agent above it', TEAM_AGENT, { above: above({}, { agent: 'shopper-1' }) }, 'scope_mismatch', 'agent'],
    ['one for nobody', TEAM_AGENT, { proposed: mandate(2, { agent: null }) }, 'scope_mismatch', 'agent'],
    ['what its principal signed last', TEAM_AGENT, { standing: standing(ACME) }, 'scope_mismatch', 'iss'],
    [
      'what another agent signed last',
      TEAM_AGENT,
      { standing: standing({ kind: 'agent', id: 'before' }) },
      'scope_mismatch',
      'iss',
    ],
    [
      'another agent in its place',
      TEAM_AGENT,
      { standing: standing(TEAM_AGENT, { agent: 'other' }) },
      'scope_mismatch',
      'agent',
    ],
    ['one below a mandate that is over', TEAM_AGENT, { atMs: mandate(1).validUntilMs }, 'mandate_expired', 'parent'],
    ['one at a time that is no number', TEAM_AGENT, { atMs: NaN }, 'mandate_expired', 'parent'],
    [
      'one below a level whose ancestor is over',
      TEAM_AGENT,
      { above: above({}, { validUntilMs: T0_MS }) },
      'mandate_expired',
      'parent',
    ],
    ['one below a revoked mandate', TEAM_AGENT, { above: above({ revokedAtMs: 1 }) }, 'mandate_revoked', 'parent'],
    ['one beside a contained flow', TEAM_AGENT, { above: above({}, {}, 'contained') }, 'flow_contained', 'parent'],
    [
      'a wider version beside a contained flow',
      TEAM_AGENT,
      { above: above({}, {}, 'recovering'), standing: standing(TEAM_AGENT) },
      'flow_contained',
      'parent',
    ],
    ['one below a revoked flow', TEAM_AGENT, { above: above({}, {}, 'revoked') }, 'flow_revoked', 'parent'],
    [
      'more live sub-mandates of one mandate than its named limit',
      TEAM_AGENT,
      { delegated: { ofParent: LIMITS.delegatedPerMandateMax, byAgent: 0 } },
      'scope_escalation',
      'delegation.of_parent',
    ],
    [
      'more live sub-mandates of one agent than its named limit',
      TEAM_AGENT,
      { delegated: { ofParent: 0, byAgent: LIMITS.delegatedPerAgentMax } },
      'scope_escalation',
      'delegation.by_agent',
    ],
  ];

  it.each(REFUSED)('%s', (_what, grantor, change, code, field) => {
    expect(checkGrant(grantor, grant(change))).toEqual({ code, field });
  });
});

describe('what a principal alone may never grant', () => {
  const root = (change: Partial<Mandate>) =>
    mandate(0, { totalLimit: decimal('1000'), delegationLevels: 1, ...change });
  const amend = (change: Partial<Mandate>): Partial<GrantFacts> => ({
    proposed: root(change),
    standing: { mandate: root({}), grantor: ACME },
    above: [],
  });
  const REFUSED: readonly (readonly [string, Grantor, Partial<GrantFacts>, string, string])[] = [
    ['a new root', ACME, { proposed: mandate(0), above: [] }, 'scope_escalation', 'parent'],
    ['a root with more money', ACME, amend({ totalLimit: decimal('1000.01') }), 'scope_escalation', 'total_limit'],
    [
      'a root that holds for longer',
      ACME,
      amend({ validUntilMs: root({}).validUntilMs + 1 }),
      'scope_escalation',
      'validity',
    ],
    [
      'a root that lets more levels be delegated',
      ACME,
      amend({ delegationLevels: 2 }),
      'scope_escalation',
      'delegation',
    ],
    ['a root under another policy', ACME, amend({ policyId: 'lax' }), 'scope_escalation', 'policy'],
    ['a mandate of another principal', { kind: 'principal', id: 'rival' }, {}, 'mandate_unknown', 'principal'],
    [
      "a mandate of its own under another principal's",
      { kind: 'principal', id: 'rival' },
      { proposed: mandate(2, { principal: 'rival' }) },
      'mandate_unknown',
      'parent',
    ],
    ['a new mandate beside a contained flow', ACME, { above: above({}, {}, 'contained') }, 'flow_contained', 'parent'],
  ];

  it.each(REFUSED)('%s', (_what, grantor, change, code, field) => {
    expect(checkGrant(grantor, grant(change))).toEqual({ code, field });
  });

  it('but still makes narrower what stands beside a contained flow', () => {
    const facts = grant({ above: above({}, {}, 'contained'), standing: standing(TEAM_AGENT) });
    expect(checkGrant(ACME, facts)).toBeNull();
  });
});

describe('the amounts a mandate states', () => {
  it.each([
    ['amount_invalid', 'limits.total', '1e3'],
    ['amount_invalid', 'limits.total', '-1.00'],
    ['amount_invalid', 'limits.total', '0.00'],
    ['amount_invalid', 'limits.total', 'NaN'],
    ['amount_invalid', 'limits.total', '9'.repeat(50)],
    ['currency_precision', 'limits.total', '1.001'],
  ])('%s names %s for %s', (code, field, value) => {
    expect(checkStatedAmounts('USD', [{ field, value }])).toEqual({ code, field });
  });

  it('are in a currency there is, and may be left out; zero only where it means something', () => {
    const above = { field: 'approvals.above', value: '0.00', zero: true };
    expect(checkStatedAmounts('XXX', [])).toEqual({ code: 'currency_unsupported', field: 'limits.currency' });
    expect(checkStatedAmounts('USD', [{ field: 'limits.per_transaction', value: null }, above])).toBeNull();
  });
});
