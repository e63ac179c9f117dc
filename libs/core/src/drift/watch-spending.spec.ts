import { describe, expect, it } from '@jest/globals';
import { decideIntent } from '../admission/decide-intent.js';
import { replayDecision } from '../admission/replay-decision.js';
import type { AdmissionFacts, AdmissionResult, AdmissionState, Intent } from '../admission/types.js';
import type { DenialCode } from '../denials.js';
import { facts, flow, intent, state, T0_MS } from '../examples/admission-example.js';
import { EXAMPLE_BASELINE_HASH, EXAMPLE_PROFILE, EXAMPLE_WATCH } from '../examples/drift-example.js';
import type { DriftSignal } from './drift-signal.js';
import { decimal } from '../money.js';
import { startDrift } from './drift-state.js';

const watched: AdmissionState = {
  ...state,
  flow: { ...flow, drift: startDrift(EXAMPLE_PROFILE, EXAMPLE_BASELINE_HASH) },
};
/** A limit of 1.00 at one level of the chain: 0 is the root, which others spend from too. */
function limited(at: number): AdmissionState {
  if (typeof watched.levels === 'string') return watched;
  const levels = watched.levels.map((level, index) =>
    index === at ? { ...level, mandate: { ...level.mandate, perTransactionLimit: decimal('1') } } : level,
  );
  return { ...watched, levels };
}

/** Speaks at the first event. */
const HALTING = { ...EXAMPLE_WATCH, thresholds: { warn: 0, halt: 0 } };
const decide = (
  change: { facts?: Partial<AdmissionFacts>; intent?: Partial<Intent> } = {},
  from: AdmissionState = watched,
): AdmissionResult =>
  decideIntent({ ...intent, ...change.intent }, from, { ...facts, spending: EXAMPLE_WATCH, ...change.facts });
const eventsOf = ({ state: { flow: after } }: AdmissionResult): number | null =>
  typeof after === 'string' || after.drift === null || after.drift === 'unknown' ? null : after.drift.events;

describe('an intent whose spending is watched', () => {
  it('is one event of its flow, and its score is part of the decision', () => {
    const { decision, drift } = decide();
    expect(decision).toMatchObject({ outcome: 'authorized', spending: { verdict: 'none', evidence: 1 } });
    expect(eventsOf(decide())).toBe(1);
    expect(drift).toBeNull();
  });

  it('E15: that brings the evidence to HALT is itself refused, and contains the flow in the same decision', () => {
    const { decision, drift, transitions, state: after } = decide({ facts: { spending: HALTING } });
    expect(decision).toMatchObject({ outcome: 'denied', code: 'drift_detected', field: 'spend', terms: null });
    expect(drift).toMatchObject({ kind: 'spend', rule: 'evidence.spend', evidence: { threshold: 0 } });
    expect(transitions).toEqual(['drift_found', 'flow_contained']);
    expect(after.flow).toMatchObject({ state: 'contained' });
    expect(after.levels).toBe(watched.levels);
  });

  it('is recorded and not stopped in shadow', () => {
    const { decision, drift } = decide({ facts: { spending: { ...HALTING, mode: 'shadow' } } });
    expect(decision).toMatchObject({ outcome: 'authorized', spending: { verdict: 'halt' } });
    expect(drift).toBeNull();
  });

  it('contains the flow also where it is refused for an earlier reason of its own', () => {
    const { decision, drift, transitions } = decide({
      facts: { spending: HALTING, audienceKey: 'absent' },
    });
    expect(decision).toMatchObject({ outcome: 'denied', code: 'audience_mismatch', spending: { verdict: 'halt' } });
    expect(drift?.kind).toBe('spend');
    expect(transitions).toEqual(['drift_found', 'flow_contained']);
  });

  it('names the events that carried the evidence', () => {
    let last = decide();
    for (let n = 0; n < 40 && last.drift === null; n += 1) {
      last = decide(
        {
          intent: { amountText: '900.00', intentId: `${'0'.repeat(8)}-0000-0000-0000-${String(n).padStart(12, '0')}` },
        },
        last.state,
      );
    }
    expect(last.decision.code).toBe('drift_detected');
    const evidence: DriftSignal['evidence'] = last.drift?.evidence ?? {};
    expect(evidence).toMatchObject({ threshold: 1_000_000, profile: EXAMPLE_BASELINE_HASH });
    expect(String(evidence.carried_by).split(', ')).toHaveLength(5);
    expect(Number(evidence.amount)).toBeGreaterThan(Number(evidence.evidence) * 0.9);
  });

  it('is replayed to the byte: score, state and containment', () => {
    for (const spending of [EXAMPLE_WATCH, HALTING, { ...HALTING, mode: 'shadow' as const }]) {
      const decided = decide({ facts: { spending } });
      const replayed = replayDecision(JSON.parse(JSON.stringify(decided.readSet)) as typeof decided.readSet, intent); // as: plain JSON
      expect(JSON.stringify(replayed.decision)).toBe(JSON.stringify(decided.decision));
      expect(replayed.drift).toEqual(decided.drift);
    }
  });
});

describe('containment is no weapon: the evidence of a flow is moved by nothing but its own conduct', () => {
  const recorded = (bodyHash: string): Partial<AdmissionFacts> => ({ recorded: { decisionId: 'd', bodyHash } });

  it.each<[DenialCode, string, Partial<AdmissionFacts>]>([
    ['intent_replayed', 'a copy of an intent', recorded(intent.bodyHash)],
    ['idempotency_conflict', 'another body under its id', recorded('x')],
    ['intent_expired', 'an intent that came too late', { judgedAtMs: intent.expMs }],
    ['agent_key_mismatch', "another agent's signature", { signer: { kid: 'k', agent: 'mallory' } }],
    ['audit_unavailable', 'the log is down', { watches: { ...facts.watches, audit: 'stale' } }],
    ['trust_unverifiable', 'a watch is overdue', { watches: { ...facts.watches, governance: 'stale' } }],
    ['flow_contained', 'a halt over it', { scope: 'halted' }],
    ['environment_stale', 'an attestation that lapsed', { attestation: 'absent' }],
  ])('%s (%s) leaves the state untouched, at any threshold', (code, _what, change) => {
    const withEnvironment: AdmissionState =
      code === 'environment_stale' && typeof watched.levels !== 'string'
        ? {
            ...watched,
            levels: watched.levels.map((level) => ({
              ...level,
              mandate: { ...level.mandate, environment: { maxAgeSeconds: 60, measurements: ['build-7'] } },
            })),
          }
        : watched;
    const {
      decision,
      drift,
      transitions,
      state: after,
    } = decide({ facts: { spending: HALTING, ...change } }, withEnvironment);
    expect(decision.code).toBe(code === 'environment_stale' ? 'environment_unattested' : code);
    expect(decision.spending).toBeNull();
    expect(drift).toBeNull();
    expect(transitions).not.toContain('drift_found');
    const evidence = [after.flow, watched.flow].map((each) => (typeof each === 'string' ? each : each.drift));
    expect(evidence[0]).toBe(evidence[1]);
  });

  it('an intent that waited for a person is no second event; one that waited for a release is its first', () => {
    const parked = { spending: HALTING, parked: { decisionId: 'd', untilMs: T0_MS + 60_000 } };
    const approved = decide({ facts: { ...parked, approval: 'approved' } });
    expect(approved.decision).toMatchObject({ outcome: 'authorized', spending: null });
    expect(eventsOf(decide({ facts: parked }))).toBe(1);
  });

  it.each<[string, AdmissionState, Partial<AdmissionFacts>, number | null]>([
    ['a limit of its own', limited(2), {}, 1],
    ['a limit it shares with others', limited(0), {}, null],
    ['a payee somebody disabled', watched, { counterparty: 'absent' }, null],
    ['a service that lost its key', watched, { audienceKey: 'absent' }, null],
  ])('what %s denies moves its denials only where it is its own doing', (_what, from, change, bit) => {
    const before = typeof watched.flow === 'string' ? null : watched.flow.drift;
    const { decision, state: after } = decide({ facts: change }, from);
    expect(decision.outcome).toBe('denied');
    const drift = typeof after.flow === 'string' ? null : after.flow.drift;
    const denials = (each: typeof drift) => (each === null || each === 'unknown' ? [] : each.wealth.slice(24));
    expect(denials(drift).some((wealth, at) => wealth > (denials(before)[at] ?? 0) + 256)).toBe(bit === 1);
  });
});

describe('evidence nobody can read', () => {
  it.each<[string, Partial<AdmissionFacts>, AdmissionState]>([
    ['lost', {}, { ...watched, flow: { ...flow, drift: null } }],
    ['damaged', {}, { ...watched, flow: { ...flow, drift: 'unknown' } }],
    ['without its profile', { spending: 'unknown' }, watched],
    ['of a flow that declares no profile', { spending: null }, watched],
    ['of another profile', { spending: { ...EXAMPLE_WATCH, profileHash: 'A'.repeat(43) } }, watched],
  ])('%s makes the flow unverifiable and denies; it is never begun anew', (_what, change, from) => {
    const { decision, state: after, drift } = decide({ facts: change }, from);
    expect(decision).toMatchObject({ outcome: 'denied', code: 'trust_unverifiable', field: 'drift', spending: null });
    expect(typeof after.flow === 'string' || typeof from.flow === 'string' ? null : after.flow.drift).toBe(
      typeof from.flow === 'string' ? null : from.flow.drift,
    );
    expect(drift).toBeNull();
  });
});
