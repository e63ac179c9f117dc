import { declareProfile } from '../drift/declare-profile.js';
import { driftThresholds } from '../drift/judge-drift.js';
import type { DriftEvent } from '../drift/observe.js';
import type { SpendingProfile } from '../drift/profile.js';
import type { SpendingWatch } from '../drift/watch-spending.js';

/** Nine in ten at most 50, an intent every ten minutes or more, one in twenty at somebody new, nights quiet. */
export const EXAMPLE_PROFILE: SpendingProfile = declareProfile({
  amounts: [
    { bound: '50.00', share: 9_000 },
    { bound: '200.00', share: 900 },
    { bound: '500.00', share: 100 },
  ],
  gapsSeconds: [
    { bound: '60', share: 500 },
    { bound: '600', share: 9_500 },
  ],
  newCounterparties: 500,
  denials: 200,
  quiet: [0],
  quietShare: 50,
  counterparties: ['merchant-0', 'merchant-1', 'merchant-2'],
});

export const EXAMPLE_BASELINE_HASH = 'x7'.repeat(21) + 'A';
/** Watched against the example's profile, at the thresholds of a small domain. */
export const EXAMPLE_WATCH: SpendingWatch = {
  profileHash: EXAMPLE_BASELINE_HASH,
  profile: EXAMPLE_PROFILE,
  thresholds: driftThresholds(0),
  mode: 'enforce',
};

const NOON_MS = 1_768_478_400_000;

/** The n-th intent of a flow well within its profile: 12.50 at one of three counterparties, every 20 minutes from noon. */
export function exampleEvent(n: number, change: Partial<DriftEvent> = {}): DriftEvent {
  const hex = digits(n, 16, 32);
  return {
    intentId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    amount: '12.50',
    counterparty: `merchant-${n % 3}`,
    iatMs: NOON_MS + n * 1_200_000,
    appendedAtMs: change.iatMs ?? NOON_MS + n * 1_200_000,
    isDenied: false,
    hash: digits(n, 36, 43),
    ...change,
  };
}

/** Digits that look random and are always the same: a linear congruential sequence. */
function digits(n: number, base: number, length: number): string {
  let value = (n + 1) * 2_654_435_761;
  return Array.from({ length }, () => {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
    return ((value >>> 16) % base).toString(base);
  }).join('');
}
