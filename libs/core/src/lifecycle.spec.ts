import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InvariantError } from './errors.js';
import { advance, type FlowEvent, type FlowState, isFlowState, LIFECYCLE } from './lifecycle.js';

const STATES = Object.keys(LIFECYCLE) as FlowState[]; // keys of the table
const EVENTS = [...new Set(STATES.flatMap((state) => Object.keys(LIFECYCLE[state].on)))] as FlowEvent[]; // same

function tryAdvance(state: FlowState, event: FlowEvent): FlowState | undefined {
  try {
    return advance(state, event);
  } catch (error) {
    expect(error).toBeInstanceOf(InvariantError);
    return undefined;
  }
}

describe('lifecycle', () => {
  it('E11–E19: walks the nine phases from baseline to proof and into the next epoch', () => {
    const events: FlowEvent[] = [
      ...(['authority_verified', 'environment_trusted', 'first_artifact_issued', 'drift_found'] as const),
      ...(['flow_contained', 'recovery_opened', 'flow_revalidated', 'proof_persisted', 'baseline_signed'] as const),
    ];
    const walked = events.reduce<FlowState[]>(
      (seen, event) => [...seen, advance(seen.at(-1) ?? 'baseline', event)],
      [],
    );
    expect(['baseline' as const, ...walked].map((state) => LIFECYCLE[state].phase)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 1,
    ]);
  });

  it('E20: no event skips a phase, over all pairs of state and event', () => {
    for (const state of STATES) {
      for (const event of EVENTS) {
        const next = tryAdvance(state, event);
        if (next === undefined) continue;
        const [from, to] = [LIFECYCLE[state].phase, LIFECYCLE[next].phase];
        const step = to === from + 1 || next === state;
        const drifts = event === 'drift_found' && from <= 4 && to === 5;
        const closes = event === 'flow_closed' && from <= 4 && next === 'archived';
        const opensEpoch = event === 'baseline_signed' && from === 9 && to === 1;
        expect([state, event, step || drifts || closes || opensEpoch]).toEqual([state, event, true]);
      }
    }
  });

  it('E20: whatever happens, a revoked flow ends archived and never leaves it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 60 }), (events) => {
        let state: FlowState = 'revoked';
        for (const event of events) state = tryAdvance(state, event) ?? state;
        expect(['revoked', 'archived']).toContain(state);
      }),
    );
    expect(EVENTS.map((event) => tryAdvance('archived', event))).toEqual(EVENTS.map(() => undefined));
  });

  it('E20: execution is reached through authority and trust only, from wherever a flow stands', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 80 }), (events) => {
        const trail: FlowState[] = ['baseline'];
        for (const event of events)
          trail.push(tryAdvance(trail.at(-1) ?? 'baseline', event) ?? trail.at(-1) ?? 'baseline');
        const changes = trail.filter((state, index) => state !== trail[index - 1]);
        changes.forEach((state, index) => {
          if (state === 'executing')
            expect(changes.slice(index - 3, index)).toEqual(['baseline', 'authorized', 'activated']);
        });
      }),
    );
  });

  it('E15, E16: further drift while contained or recovering keeps the state', () => {
    expect(advance('contained', 'drift_found')).toBe('contained');
    expect(advance('recovering', 'drift_found')).toBe('recovering');
  });

  it('throws an illegal event by its name and never ignores it', () => {
    expect(() => advance('archived', 'baseline_signed')).toThrow(
      'ERR_ILLEGAL_TRANSITION: no "baseline_signed" in state "archived"',
    );
  });

  it('knows its own states and no inherited name', () => {
    expect([isFlowState('executing'), isFlowState('toString'), isFlowState('')]).toEqual([true, false, false]);
  });
});
