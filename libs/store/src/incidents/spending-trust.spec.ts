import { describe, expect, it } from '@jest/globals';
import { canonicalize } from '@spendgate/codec';
import { DriftDetector, declareProfile, freezeDrift, startDrift } from '@spendgate/core';
import { spendingTrust } from './spending-trust.js';

const HASH = 'x7'.repeat(21) + 'A';
const PROFILE = declareProfile({
  amounts: [
    { bound: '20.00', share: 9_000 },
    { bound: '100.00', share: 1_000 },
  ],
  gapsSeconds: [{ bound: '0', share: 10_000 }],
  newCounterparties: 100,
  denials: 100,
  quiet: [],
  quietShare: 0,
  counterparties: ['shop'],
});

/** The row of a flow after so many intents of 95.00. */
function rowAfter(events: number) {
  const detector = new DriftDetector(PROFILE);
  let state = startDrift(PROFILE, HASH);
  for (let n = 1; n <= events; n += 1) {
    const at = 1_795_301_121_000 + n * 100;
    const intentId = `00000000-0000-8000-8000-${String(n).padStart(12, '0')}`;
    const event = { intentId, amount: '95.00', counterparty: 'shop', iatMs: at, appendedAtMs: at };
    state = detector.advance(state, { ...event, isDenied: false, hash: HASH });
  }
  const drift = canonicalize(freezeDrift(state));
  return { profile_hash: HASH, drift, drift_mode: 'enforce', drift_events_per_day: 0 };
}

describe('what people are told of a flow’s spending', () => {
  it('is the evidence in total and by stream, against the bounds of the domain, and what carried it in words', () => {
    const told = spendingTrust(rowAfter(10));
    expect(told).toMatchObject({ mode: 'enforce', verdict: 'warn', warn_at: 1_000, halt_at: 1_000_000, events: 10 });
    const { evidence, streams, carried_by: carried } = told ?? {};
    expect(evidence).toBeGreaterThan(1_000);
    expect(streams?.amount).toBeGreaterThan(1_000);
    expect(carried?.at(-1)).toBe('intent 00000000-0000-8000-8000-000000000010: amount above 90 % of the profile');
  });

  it('is nothing where no profile is declared', () => {
    expect(spendingTrust({ ...rowAfter(1), profile_hash: null })).toBeNull();
  });

  it.each([
    ['lost', null],
    ['no JSON', '{'],
    ['ranked against another profile', rowAfter(1).drift.replace(HASH, HASH.toLowerCase())],
  ])('is unknown, never nothing, where the evidence is %s', (_, drift) => {
    expect(spendingTrust({ ...rowAfter(1), drift })).toMatchObject({
      verdict: 'unknown',
      evidence: null,
      events: null,
    });
  });
});
