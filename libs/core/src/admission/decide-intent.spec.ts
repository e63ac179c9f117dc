import { describe, expect, it } from '@jest/globals';
import { type AdmissionDenial, DENIALS } from '../denials.js';
import * as example from '../examples/admission-example.js';
import { HOUR_MS, level, OWN, T0_MS, TEAM } from '../examples/admission-example.js';
import { LIFECYCLE, type FlowState } from '../lifecycle.js';
import { LIMITS } from '../limits.js';
import type { CountedLimit, Mandate } from '../mandates/types.js';
import { decimal } from '../money.js';
import { ADMISSION_ELSEWHERE } from './admission-checks.js';
import { decideIntent } from './decide-intent.js';
import { type AdmissionFacts, type AdmissionState, type Intent, STAGES } from './types.js';

interface Change {
  readonly intent?: Partial<Intent>;
  readonly facts?: Partial<AdmissionFacts>;
  readonly state?: Partial<AdmissionState>;
}

function decide({ intent, facts, state }: Change = {}) {
  return decideIntent({ ...example.intent, ...intent }, { ...example.state, ...state }, { ...example.facts, ...facts });
}

/** The agent's own mandate changed, the levels above as they are. */
function own(change: Partial<Mandate>): Change {
  return { state: { levels: [level(0), level(1), level(2, change)] } };
}
function inFlow(state: FlowState): Change {
  return { state: { flow: { ...example.flow, state } } };
}
function watching(limb: keyof AdmissionFacts['watches'], verdict: 'broken' | 'stale' | 'unknown'): Change {
  return { facts: { watches: { ...example.facts.watches, [limb]: verdict } } };
}
function counting(entry: Partial<CountedLimit>): Change {
  const counted: CountedLimit = {
    ...{ kind: 'window', name: 'per_day', of: 'amount', counterparty: null },
    ...{ limit: decimal('20'), used: decimal('7.51'), ...entry },
  };
  return { state: { levels: [{ ...level(0), counted: [counted] }, level(1), level(2)] } };
}
const attestation = example.facts.attestation;
function attested(change: Partial<Exclude<AdmissionFacts['attestation'], string>>): AdmissionFacts['attestation'] {
  return typeof attestation === 'string' ? attestation : { ...attestation, ...change };
}
const policy = example.facts.policy;
function policySays(verdict: 'deny' | 'error' | 'unavailable'): Change {
  return { facts: { policy: policy === 'unknown' ? policy : { ...policy, verdict } } };
}
const REQUIRED = { environment: { maxAgeSeconds: 300, measurements: ['build-7'] } };
const shop = example.facts.counterparty;
function shopIs(change: Partial<Exclude<AdmissionFacts['counterparty'], string>>): Change {
  return { facts: { counterparty: typeof shop === 'string' ? shop : { ...shop, ...change } } };
}

/** Stage (or intake), code, field, what is changed, why. Every row of the denials table that core checks is here. */
type Case = readonly [place: string, code: AdmissionDenial, field: string | null, why: string, change: Change];
const DENIED: readonly Case[] = [
  [
    'intake',
    'clock_untrusted',
    null,
    'the log runs ahead by more than 30 s',
    { facts: { appendedAtMs: T0_MS + 30_021 } },
  ],
  ['intake', 'clock_untrusted', null, 'a time is not a number', { facts: { judgedAtMs: NaN } }],
  ['intake', 'audit_unavailable', null, 'no audit, no decision', watching('audit', 'stale')],
  [
    'intake',
    'idempotency_conflict',
    null,
    'the same jti had another body',
    { facts: { recorded: { decisionId: OWN, bodyHash: 'x' } } },
  ],
  [
    'intake',
    'intent_replayed',
    null,
    'it was decided before',
    { facts: { recorded: { decisionId: OWN, bodyHash: example.intent.bodyHash } } },
  ],
  ['intake', 'intent_expired', null, 'judged at exp itself', { intent: { expMs: T0_MS + 20 } }],
  ['intake', 'deadline_passed', 'deadline', 'judged at the deadline itself', { intent: { deadlineMs: T0_MS + 20 } }],
  ['policy', 'trust_unverifiable', 'policy', 'nobody could evaluate', { facts: { policy: 'unknown' } }],
  ['policy', 'trust_unverifiable', 'governance', 'its watch is overdue', watching('governance', 'stale')],
  ['policy', 'governance_discontinuity', null, 'an epoch went back', watching('governance', 'broken')],
  ['policy', 'policy_unavailable', null, 'no active set', policySays('unavailable')],
  ['identity', 'trust_unverifiable', 'agent', 'the registry could not say', { facts: { agent: 'unknown' } }],
  ['identity', 'trust_unverifiable', 'signer', 'the key holder is not known', { facts: { signer: 'unknown' } }],
  ['identity', 'trust_unverifiable', 'mandate', 'the chain could not be read', { state: { levels: 'unknown' } }],
  ['identity', 'trust_unverifiable', 'identity', 'its watch is overdue', watching('identity', 'unknown')],
  ['identity', 'trust_unverifiable', 'lineage', 'its watch is overdue', watching('lineage', 'stale')],
  ['identity', 'trust_unverifiable', 'domain', 'the peer is not known', watching('domain', 'unknown')],
  ['identity', 'domain_stale', null, 'the peer is late', watching('domain', 'stale')],
  ['identity', 'domain_divergence', null, 'the peer showed two histories', watching('domain', 'broken')],
  ['identity', 'agent_unknown', null, 'not registered', { facts: { agent: 'absent' } }],
  ['identity', 'agent_unknown', null, 'disabled', { facts: { agent: 'disabled' } }],
  [
    'identity',
    'agent_key_mismatch',
    null,
    "another agent's key",
    { facts: { signer: { kid: 'k', agent: 'shopper-2' } } },
  ],
  ['identity', 'identity_discontinuity', null, 'key changed without a transition', watching('identity', 'broken')],
  ['identity', 'mandate_unknown', null, 'no such mandate', { state: { levels: 'absent' } }],
  ['identity', 'mandate_unknown', null, "another agent's mandate", own({ agent: 'shopper-2' })],
  ['identity', 'mandate_unknown', null, 'a level that only groups', own({ agent: null })],
  ['identity', 'mandate_expired', OWN, 'judged at its last instant', own({ validUntilMs: T0_MS + 20 })],
  ['identity', 'mandate_expired', OWN, 'not yet begun', own({ validFromMs: T0_MS + 21 })],
  [
    'identity',
    'mandate_expired',
    TEAM,
    'an ancestor is over',
    { state: { levels: [level(0), level(1, { validUntilMs: T0_MS }), level(2)] } },
  ],
  [
    'identity',
    'mandate_revoked',
    TEAM,
    'an ancestor is revoked',
    { state: { levels: [level(0), level(1, { revokedAtMs: 1 }), level(2)] } },
  ],
  ['identity', 'authorization_discontinuity', OWN, 'a parent is missing', { state: { levels: [level(0), level(2)] } }],
  [
    'identity',
    'authorization_discontinuity',
    OWN,
    'granted under other claims',
    own({ parentHash: example.hash('x') }),
  ],
  ['identity', 'lineage_fragmented', null, 'a parent was altered', watching('lineage', 'broken')],
  [
    'runtime_integrity',
    'trust_unverifiable',
    'attestation',
    'the record could not be read',
    { facts: { attestation: 'unknown' } },
  ],
  [
    'runtime_integrity',
    'environment_unattested',
    null,
    'none is on record',
    { ...own(REQUIRED), facts: { attestation: 'absent' } },
  ],
  [
    'runtime_integrity',
    'environment_stale',
    null,
    'at the end of the result',
    { ...own(REQUIRED), facts: { attestation: attested({ validUntilMs: T0_MS + 20 }) } },
  ],
  [
    'runtime_integrity',
    'environment_stale',
    null,
    'older than the mandate allows',
    { ...own(REQUIRED), facts: { attestation: attested({ recordedAtMs: T0_MS + 20 - 300_000 }) } },
  ],
  [
    'runtime_integrity',
    'runtime_integrity_failure',
    'debug',
    'debug is on',
    { ...own(REQUIRED), facts: { attestation: attested({ debug: true }) } },
  ],
  [
    'runtime_integrity',
    'runtime_integrity_failure',
    'compromised',
    'also where none is required',
    { facts: { attestation: attested({ compromised: true }) } },
  ],
  [
    'environment',
    'environment_integrity_failure',
    'measurement',
    'another build',
    { ...own(REQUIRED), facts: { attestation: attested({ measurement: 'build-8' }) } },
  ],
  [
    'governance',
    'audience_mismatch',
    'audience',
    'does not settle for the payee',
    shopIs({ settlementServices: ['other'] }),
  ],
  ['governance', 'audience_mismatch', 'audience', 'has no key to bind to', { facts: { audienceKey: 'absent' } }],
  ['governance', 'trust_unverifiable', 'flow', 'the row could not be read', { state: { flow: 'unknown' } }],
  ['governance', 'trust_unverifiable', 'scope', 'halts could not be read', { facts: { scope: 'unknown' } }],
  [
    'governance',
    'trust_unverifiable',
    'counterparty',
    'the registry could not say',
    { facts: { counterparty: 'unknown' } },
  ],
  ['governance', 'trust_unverifiable', 'audience', 'its key could not be read', { facts: { audienceKey: 'unknown' } }],
  ['governance', 'trust_unverifiable', 'drift', 'the detector did not answer', { facts: { drift: 'unknown' } }],
  ['governance', 'trust_unverifiable', 'approval', 'the record could not be read', { facts: { approval: 'unknown' } }],
  ['governance', 'flow_revoked', null, 'revoked', inFlow('revoked')],
  ['governance', 'flow_revoked', null, 'archived', inFlow('archived')],
  ['governance', 'flow_contained', 'flow', 'contained', inFlow('contained')],
  ['governance', 'flow_contained', 'scope', 'halted over it', { facts: { scope: 'halted' } }],
  ['governance', 'flow_not_activated', null, 'phase 1', inFlow('baseline')],
  ['governance', 'flow_not_activated', null, 'there is no flow', { state: { flow: 'absent' } }],
  ['governance', 'drift_detected', null, 'this event shows it', { facts: { drift: 'found' } }],
  ['governance', 'currency_unsupported', 'amount.currency', 'gold has no exponent', { intent: { currency: 'XAU' } }],
  ['governance', 'currency_precision', 'amount.value', 'USD has two digits', { intent: { amountText: '12.505' } }],
  ['governance', 'amount_invalid', 'amount.value', 'zero', { intent: { amountText: '0.00' } }],
  ['governance', 'currency_mismatch', 'amount.currency', "not the mandate's", { intent: { currency: 'EUR' } }],
  ['governance', 'scope_mismatch', 'counterparty', 'not registered', { facts: { counterparty: 'absent' } }],
  ['governance', 'scope_mismatch', 'counterparty', 'disabled', shopIs({ state: 'disabled' })],
  ['governance', 'scope_mismatch', 'counterparty', 'not on the list', own({ counterparties: ['other'] })],
  ['governance', 'scope_mismatch', 'counterparty', 'facts of another payee', shopIs({ id: 'other' })],
  [
    'governance',
    'scope_mismatch',
    'capture.max_captures',
    'single is one',
    { intent: { capture: { mode: 'single', maxCaptures: 2, settleByMs: null } } },
  ],
  [
    'governance',
    'scope_mismatch',
    'capture.settle_by',
    'is no time',
    { intent: { capture: { mode: 'single', maxCaptures: 1, settleByMs: NaN } } },
  ],
  [
    'governance',
    'per_transaction_limit',
    'amount.value',
    'one cent above',
    own({ perTransactionLimit: decimal('12.49') }),
  ],
  [
    'governance',
    'counterparty_limit',
    'amount.value',
    'one cent above',
    counting({ kind: 'counterparty', counterparty: 'cdnow' }),
  ],
  ['governance', 'window_limit', 'amount.value', 'one cent above', counting({})],
  [
    'governance',
    'window_limit',
    'amount.value',
    'one too many',
    counting({ of: 'count', limit: decimal('3'), used: decimal('3') }),
  ],
  ['governance', 'window_limit', 'amount.value', 'nobody could count', counting({ used: 'unknown' })],
  ['governance', 'budget_exceeded', 'amount.value', 'one cent short', own({ totalLimit: decimal('12.49') })],
  ['governance', 'policy_error', null, 'an evaluation with an error', policySays('error')],
  ['governance', 'policy_denied', 'buy', 'names the policy', policySays('deny')],
  ['governance', 'approval_refused', null, 'a person said no', { facts: { approval: 'refused' } }],
  ['issue', 'trust_unverifiable', 'issuer', 'the domain cannot sign', { facts: { issuer: 'unknown' } }],
  [
    'issue',
    'deadline_passed',
    'artifact_lifetime',
    'queued longer than an artifact lives',
    { facts: { judgedAtMs: T0_MS + 900_000 } },
  ],
  ['issue', 'deadline_passed', 'deadline', 'ends within its first second', { intent: { deadlineMs: T0_MS + 999 } }],
  [
    'issue',
    'deadline_passed',
    'capture.settle_by',
    'no capture could come',
    { intent: { capture: { mode: 'single', maxCaptures: 1, settleByMs: T0_MS } } },
  ],
  ['issue', 'mandate_expired', 'mandate', 'ends within its first second', own({ validUntilMs: T0_MS + 999 })],
  [
    'issue',
    'environment_stale',
    'attestation',
    'ends within its first second',
    { ...own(REQUIRED), facts: { attestation: attested({ validUntilMs: T0_MS + 999 }) } },
  ],
];

describe('decideIntent', () => {
  it('A12–A17, F4: authorizes when six stages pass, and holds the amount at every level', () => {
    const { decision, state, transitions } = decide();
    expect(decision.stages).toEqual(STAGES.map((stage) => ({ stage, verdict: 'passed' })));
    expect(decision).toMatchObject({ outcome: 'authorized', code: null, terms: { amount: '12.50', currency: 'USD' } });
    const levels = typeof state.levels === 'string' ? [] : state.levels;
    expect(levels.map(({ budget }) => budget.held.toFixed())).toEqual(['12.5', '12.5', '12.5']);
    expect(transitions).toEqual([]);
  });

  it.each(DENIED)('A12–A17: in %s denies with %s (%s): %s', (place, code, field, _why, change) => {
    const before = { ...example.state, ...change.state };
    const { decision, state } = decide(change);
    expect(decision).toMatchObject({ outcome: 'denied', code, field, terms: null });
    expect(state.levels).toBe(before.levels);
    const failedAt = place === 'intake' ? -1 : STAGES.findIndex((stage) => stage === place);
    const verdicts = STAGES.map((_, at) => (at < failedAt ? 'passed' : at === failedAt ? 'failed' : 'not_run'));
    expect(decision.stages.map(({ verdict }) => verdict)).toEqual(verdicts);
  });

  it('shows every admission row of the table denying, or names who decides it elsewhere', () => {
    const shown = new Set<string>(DENIED.map(([, code]) => code));
    const missing = DENIALS.filter((row) => row.admission !== null && !shown.has(row.code)).map(({ code }) => code);
    const elsewhere = Object.keys(ADMISSION_ELSEWHERE);
    expect(missing.filter((code) => !elsewhere.includes(code))).toEqual(['approval_required']); // parks, below
    expect(elsewhere.filter((code) => shown.has(code))).toEqual([]);
  });

  it('reports the first row of the table when several apply in a stage', () => {
    const both = decide({
      ...own({ totalLimit: decimal('1') }),
      ...policySays('deny'),
      intent: { amountText: '0.00' },
    });
    expect(both.decision.code).toBe('amount_invalid');
  });

  it('A12–A17: an earlier stage decides even when a later one would deny with an earlier row', () => {
    const { decision } = decide({ ...own({ agent: 'shopper-2' }), facts: { audienceKey: 'absent' } });
    expect(decision.code).toBe('mandate_unknown');
  });

  it('F4: authorizes to the last cent of every limit', () => {
    const edge = { totalLimit: decimal('12.50'), perTransactionLimit: decimal('12.50') };
    expect(decide(own(edge)).decision.outcome).toBe('authorized');
    expect(decide(counting({ used: decimal('7.50') })).decision.outcome).toBe('authorized');
    expect(decide(counting({ kind: 'counterparty', counterparty: 'other' })).decision.outcome).toBe('authorized');
  });

  it('A20: authorizes in the last millisecond before exp and deadline', () => {
    const last = decide({
      facts: { judgedAtMs: T0_MS + 2_000 - 1 },
      intent: { expMs: T0_MS + 2_000, deadlineMs: T0_MS + 2_000 },
    });
    expect(last.decision.outcome).toBe('authorized');
  });

  it('names the level whose limit stops a spend, root first', () => {
    const levels = [level(0), level(1, {}, { held: decimal('990') }), level(2, { totalLimit: decimal('1') })];
    expect(decide({ state: { levels } }).decision.limit).toEqual({
      ...{ mandate: TEAM, name: 'total', limit: '1000', available: '10' },
    });
  });

  it('counts what was granted in every counter it belongs to', () => {
    const { state } = decide(counting({ used: decimal('7.50') }));
    const counted = typeof state.levels === 'string' ? [] : state.levels.flatMap((one) => one.counted);
    expect(counted.map(({ used }) => String(used))).toEqual(['20']);
    const other = decide(counting({ kind: 'counterparty', counterparty: 'other' })).state;
    expect(typeof other.levels === 'string' ? [] : other.levels[0]?.counted[0]?.used).toEqual(decimal('7.51'));
  });

  it('E13: a trusted environment activates an authorized flow, and the first artifact makes it execute', () => {
    const { transitions, state } = decide(inFlow('authorized'));
    expect(transitions).toEqual(['environment_trusted', 'first_artifact_issued']);
    expect(state.flow).toEqual({ ...example.flow, state: 'executing', sequence: 10n });
    expect(decide(inFlow('activated')).transitions).toEqual(['first_artifact_issued']);
  });

  it('E13: a denial in stage 5 still activates, one before it does not', () => {
    const refused = { ...inFlow('authorized'), intent: { amountText: '0.00' } };
    expect(decide(refused).transitions).toEqual(['environment_trusted']);
    const unattested = {
      state: { ...own(REQUIRED).state, ...inFlow('authorized').state },
      facts: { attestation: 'absent' as const },
    };
    expect(decide(unattested).transitions).toEqual([]);
  });

  it('E14: in no phase but 2, 3 and 4 is anything authorized', () => {
    const states = Object.keys(LIFECYCLE) as FlowState[]; // keys of the table
    const passed = states.filter((name) => decide(inFlow(name)).decision.outcome === 'authorized');
    expect(passed.map((name) => LIFECYCLE[name].phase)).toEqual([2, 3, 4]);
  });

  it('a decision is an event of its flow, a repeat is none', () => {
    const sequence = ({ flow }: AdmissionState) => (typeof flow === 'string' ? null : flow.sequence);
    expect(sequence(decide().state)).toBe(8n);
    const recorded = { decisionId: OWN, bodyHash: example.intent.bodyHash };
    expect(sequence(decide({ facts: { recorded } }).state)).toBe(7n);
  });
});

describe('environment', () => {
  it.each([
    ['environment_unattested', 'absent' as const],
    ['environment_stale', attested({ validUntilMs: T0_MS })],
    ['runtime_integrity_failure', attested({ debug: true })],
    ['environment_integrity_failure', attested({ measurement: 'build-8' })],
  ])('A24: a mandate that requires attestation denies with %s', (code, given) => {
    expect(decide({ ...own(REQUIRED), facts: { attestation: given } }).decision.code).toBe(code);
    const above = [level(0, REQUIRED), level(1), level(2)];
    expect(decide({ state: { levels: above }, facts: { attestation: given } }).decision.code).toBe(code);
  });

  it('E13: fresh evidence of a reference value passes', () => {
    expect(decide(own(REQUIRED)).decision.outcome).toBe('authorized');
    expect(decide({ facts: { attestation: 'absent' } }).decision.outcome).toBe('authorized');
  });
});

describe('parking', () => {
  const above = own({ approvals: { above: decimal('12.49') } });

  it('a spend above the approval bound waits for a person until its exp or deadline', () => {
    const { decision, state } = decide(above);
    expect(decision).toMatchObject({ outcome: 'parked', code: 'approval_required', parkedUntilMs: T0_MS + HOUR_MS });
    expect(state.levels).toBe((above.state ?? {}).levels);
    expect(decide({ ...above, intent: { deadlineMs: T0_MS + 5_000 } }).decision.parkedUntilMs).toBe(T0_MS + 5_000);
  });

  it('an approved spend is decided afresh, and the bound itself needs nobody', () => {
    expect(decide({ ...above, facts: { approval: 'approved' } }).decision.outcome).toBe('authorized');
    expect(decide(own({ approvals: { above: decimal('12.50') } })).decision.outcome).toBe('authorized');
  });

  it('an intent on a contained flow waits where the mandate opted in, within its bounds', () => {
    const levels = [level(0), level(1), level(2, { parkSeconds: 60 })];
    const contained = { state: { levels, ...inFlow('contained').state } };
    expect(decide(contained).decision).toMatchObject({
      ...{ outcome: 'parked', code: 'flow_contained', parkedUntilMs: T0_MS + 60_000 },
    });
    const full = { ...contained, facts: { parkedCount: LIMITS.parkedPerFlowMax } };
    expect(decide(full).decision).toMatchObject({ outcome: 'denied', code: 'flow_contained' });
    const late = { ...contained, facts: { judgedAtMs: T0_MS + 60_000 } };
    expect(decide(late).decision).toMatchObject({ outcome: 'denied', code: 'flow_contained', parkedUntilMs: null });
  });
});
