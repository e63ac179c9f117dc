import { describe, expect, it } from '@jest/globals';
import { LIFECYCLE, isFlowState } from '../lifecycle.js';
import { TRUST_PHASES, trustPhase } from './trust-phases.js';

describe('the six phases of continuous trust', () => {
  it('each state falls under one, and a flow without drift never goes back in them', () => {
    const phases = Object.keys(LIFECYCLE).flatMap((state) =>
      isFlowState(state) ? [trustPhase('flow_transition', state)] : [],
    );
    expect(phases).not.toContain(null);
    const quiet = (['baseline', 'authorized', 'activated', 'executing', 'archived'] as const).map((state) =>
      TRUST_PHASES.findIndex((phase) => phase === trustPhase('flow_transition', state)),
    );
    expect(quiet).toEqual([0, 0, 1, 2, 5]);
  });

  it('a record that is no step of a flow falls under none', () => {
    expect(trustPhase('key_changed', null)).toBeNull();
    expect(trustPhase('toString', null)).toBeNull();
    expect(trustPhase('checkpoint_signed', null)).toBe('proof_generated');
  });
});
