import { describe, expect, it } from '@jest/globals';
import { attested, counting, decide, inFlow, own, policySays, REQUIRED } from '../examples/admission-changes.js';
import * as example from '../examples/admission-example.js';
import { HOUR_MS, level, ORGANISATION, OWN, T0_MS, TEAM } from '../examples/admission-example.js';
import { type FlowState, LIFECYCLE } from '../lifecycle.js';
import { LIMITS } from '../limits.js';
import { decimal } from '../money.js';
import { type AdmissionState, STAGES } from './types.js';

describe('decideIntent', () => {
  it('A12–A17, F4: authorizes when six stages pass, and holds the amount at every level', () => {
    const { decision, state, transitions } = decide();
    expect(decision.stages).toEqual(STAGES.map((stage) => ({ stage, verdict: 'passed' })));
    expect(decision).toMatchObject({ outcome: 'authorized', code: null, terms: { amount: '12.50', currency: 'USD' } });
    const levels = typeof state.levels === 'string' ? [] : state.levels;
    expect(levels.map(({ budget }) => budget.held.toFixed())).toEqual(['12.5', '12.5', '12.5']);
    expect(transitions).toEqual([]);
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
    expect(decide(counting({ kind: 'counterparty', used: decimal('7.50') })).decision.outcome).toBe('authorized');
    expect(decide(counting({ of: 'count', limit: decimal('3'), used: decimal('2') })).decision.outcome).toBe(
      'authorized',
    );
  });

  it('A20: authorizes in the last millisecond before exp and deadline', () => {
    const last = decide({
      facts: { judgedAtMs: T0_MS + 2_000 - 1 },
      intent: { expMs: T0_MS + 2_000, deadlineMs: T0_MS + 2_000 },
    });
    expect(last.decision.outcome).toBe('authorized');
  });

  it('names the level whose limit stops a spend, root first', () => {
    const held = decimal('990');
    const levels = [
      level(0, { totalLimit: decimal('5000') }, { held }),
      level(1, {}, { held }),
      level(2, { totalLimit: decimal('1') }),
    ];
    expect(decide({ state: { levels } }).decision.limit).toEqual({
      ...{ mandate: TEAM, name: 'total', limit: '1000', available: '10' },
    });
  });

  it('tells until when a window is full, and of a limit that is none of time nothing', () => {
    const until = decide(counting({ window: { fromMs: 1, bucketMs: 2, untilMs: 3 } })).decision.limit;
    expect(until).toEqual({ mandate: ORGANISATION, name: 'per_day', limit: '20', available: '12.49', untilMs: 3 });
    expect(decide(counting({})).decision.limit).not.toHaveProperty('untilMs');
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
  const above = own({ approvals: { above: decimal('12.49'), twoAbove: null } });

  it('a spend above the approval bound waits for a person until its exp or deadline', () => {
    const { decision, state } = decide(above);
    expect(decision).toMatchObject({ outcome: 'parked', code: 'approval_required', parkedUntilMs: T0_MS + HOUR_MS });
    expect(state.levels).toBe((above.state ?? {}).levels);
    expect(decide({ ...above, intent: { deadlineMs: T0_MS + 5_000 } }).decision.parkedUntilMs).toBe(T0_MS + 5_000);
  });

  it('an approved spend is decided afresh, and the bound itself needs nobody', () => {
    expect(decide({ ...above, facts: { approval: 'approved' } }).decision.outcome).toBe('authorized');
    expect(decide(own({ approvals: { above: decimal('12.50'), twoAbove: null } })).decision.outcome).toBe('authorized');
  });

  const ada = { person: 'ada', kid: 'key-a' };
  const grace = { person: 'grace', kid: 'key-g' };
  const two = { above: decimal('1'), twoAbove: decimal('12.49') };
  it.each([
    ['nobody', [], 'approval_required', null, 0],
    ['one person', [ada], 'approval_required', 'approvals.two_above', 1],
    ['one person twice', [ada, { ...ada, kid: 'key-b' }], 'approval_required', 'approvals.two_above', 1],
    ['one key under two names', [ada, { ...grace, kid: 'key-a' }], 'approval_required', 'approvals.two_above', 1],
    ['two people', [ada, grace], null, null, null],
  ] as const)('I10: above the second bound, approved by %s', (_who, approvers, code, field, given) => {
    const said = { approval: approvers.length > 0 ? ('approved' as const) : ('none' as const), approvers };
    const { decision, awaits } = decide({ ...own({ approvals: two }), facts: said });
    expect([decision.code, decision.field]).toEqual([code, field]);
    expect(awaits).toEqual(given === null ? null : { given, needed: 2 });
  });

  it('the strictest of all levels says how many, and the second bound itself takes one', () => {
    const facts = { approval: 'approved' as const, approvers: [ada] };
    const levels = [level(0, { approvals: two }), level(1), level(2, { approvals: { ...two, twoAbove: null } })];
    expect(decide({ state: { levels }, facts }).awaits).toEqual({ given: 1, needed: 2 });
    const atBound = own({ approvals: { ...two, twoAbove: decimal('12.50') } });
    expect(decide({ ...atBound, facts }).decision.outcome).toBe('authorized');
    expect(decide(atBound).awaits).toEqual({ given: 0, needed: 1 });
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

  it('a flow on which as many wait as may takes no further one, for a person neither', () => {
    const full = { ...above, facts: { parkedCount: LIMITS.parkedPerFlowMax } };
    expect(decide(full).decision).toMatchObject({ outcome: 'denied', code: 'window_limit', field: 'approval' });
    const room = { ...above, facts: { parkedCount: LIMITS.parkedPerFlowMax - 1 } };
    expect(decide(room).decision).toMatchObject({ outcome: 'parked', code: 'approval_required' });
    const answered = { facts: { ...full.facts, approval: 'approved' as const } };
    expect(decide({ ...above, ...answered }).decision.outcome).toBe('authorized');
  });

  it.each([
    ['its exp', T0_MS + HOUR_MS],
    ['its deadline', T0_MS + 5_000],
    ['the time its mandate lets it wait', T0_MS + 60_000],
  ])('I2: a wait that ended at %s ends as deadline_passed, at that instant itself', (_why, untilMs) => {
    const parked = { decisionId: OWN, untilMs };
    const ended = decide({ ...above, facts: { parked, judgedAtMs: untilMs } });
    expect(ended.decision).toMatchObject({ outcome: 'denied', code: 'deadline_passed', field: 'parked_until' });
    expect(ended.decision.stages.map(({ verdict }) => verdict)).toEqual(STAGES.map(() => 'not_run'));
    const still = decide({ ...above, facts: { parked, judgedAtMs: untilMs - 1 } });
    expect(still.decision).toMatchObject({ outcome: 'parked', code: 'approval_required' });
  });

  it('a wait goes on until its own end when it is decided afresh', () => {
    const parked = { decisionId: OWN, untilMs: T0_MS + 60_000 };
    expect(decide({ ...above, facts: { parked } }).decision.parkedUntilMs).toBe(T0_MS + 60_000);
  });
});
