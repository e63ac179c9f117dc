import { describe, expect, it } from '@jest/globals';
import { facts, HOUR_MS, intent, level, T0_MS } from '../examples/admission-example.js';
import { LIMITS } from '../limits.js';
import { environmentRequirements } from '../mandates/levels.js';
import { isBornDead, issueTimes } from './issue-terms.js';
import type { AdmissionFacts, Intent } from './types.js';

const T0 = T0_MS / 1000;
const LIFETIME = facts.rules.artifactLifetimeSeconds;
const chain = [level(0), level(1), level(2)];

function times(change: { intent?: Partial<Intent>; facts?: Partial<AdmissionFacts>; levels?: typeof chain }) {
  const levels = change.levels ?? chain;
  const requirements = environmentRequirements(levels);
  return issueTimes({ ...intent, ...change.intent }, levels, requirements, { ...facts, ...change.facts });
}
function until(settleByMs: number): Partial<Intent> {
  return { capture: { ...intent.capture, settleByMs } };
}

describe('issueTimes', () => {
  it('A5, A6: begins when the log received the intent and lives for the configured time', () => {
    expect(times({})).toMatchObject({ iat: T0, exp: T0 + LIFETIME, settleBy: T0 + LIFETIME });
  });

  it('A6: cuts fractions off: an artifact may end early, never late', () => {
    const { iat, exp } = times({ facts: { appendedAtMs: T0_MS + 999 }, intent: { deadlineMs: T0_MS + 5_999 } });
    expect([iat, exp]).toEqual([T0, T0 + 5]);
  });

  it.each([
    ['deadline', { intent: { deadlineMs: T0_MS + 60_000 } }],
    ['capture.settle_by', { intent: until(T0_MS + 60_000) }],
    ['mandate', { levels: [level(0, { validUntilMs: T0_MS + 60_000 }), level(1), level(2)] }],
    [
      'attestation',
      { levels: [level(0, { environment: { maxAgeSeconds: 120, measurements: ['build-7'] } }), level(2)] },
    ],
  ])('F4: never outlives %s', (field, change) => {
    const { exp, settleBy, bound } = times(change);
    expect([exp, bound.field]).toEqual([T0 + 60, field]);
    expect(settleBy).toBeGreaterThanOrEqual(exp);
  });

  it('lets later captures come until settle_by, within the mandate and the named maximum', () => {
    expect(times({ intent: until(T0_MS + 2 * HOUR_MS) })).toMatchObject({ exp: T0 + LIFETIME, settleBy: T0 + 7_200 });
    expect(times({ intent: until(T0_MS * 2) }).settleBy).toBe(T0 + 86_400);
    const longMandate = [level(0, { validUntilMs: Infinity })];
    expect(times({ intent: until(T0_MS * 2), levels: longMandate }).settleBy).toBe(T0 + LIMITS.settleBySecondsMax);
  });

  it('keeps the configured lifetime below the named maximum', () => {
    const rules = { ...facts.rules, artifactLifetimeSeconds: 10 ** 9 };
    const levels = [level(0, { validUntilMs: Infinity })];
    expect(times({ facts: { rules }, levels }).exp).toBe(T0 + LIMITS.artifactLifetimeSecondsMax);
  });

  it('knows no evidence where a required attestation is missing', () => {
    const levels = [level(0, { environment: { maxAgeSeconds: 120, measurements: ['build-7'] } })];
    expect(isBornDead(times({ levels, facts: { attestation: 'absent' } }), T0_MS)).toBe(true);
  });
});

describe('isBornDead', () => {
  it('F4: an artifact that ends before it begins, or before it was judged, is not issued', () => {
    expect(isBornDead(times({}), T0_MS + LIFETIME * 1000 - 1)).toBe(false);
    expect(isBornDead(times({}), T0_MS + LIFETIME * 1000)).toBe(true);
    expect(isBornDead(times({ intent: { deadlineMs: T0_MS + 999 } }), T0_MS)).toBe(true);
    expect(isBornDead(times({ facts: { rules: { ...facts.rules, artifactLifetimeSeconds: NaN } } }), T0_MS)).toBe(true);
  });
});
