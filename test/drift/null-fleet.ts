import {
  DriftDetector,
  type DriftEvent,
  type SpendingProfile,
  driftEvidence,
  learnProfile,
  startDrift,
} from '@spendgate/core';
import { Draws, eventOf } from './draws.js';
import { BASELINE_HASH } from './run-attacks.js';
import { USUAL_PROFILE } from './usual-flow.js';

export const FLEET = 1_000;
/** The least that learns all four streams, gaps included, and more. */
const LEARNED_EVENTS = [65, 100, 200, 500, 1_500];

/** Alarms a fleet may show when the bound holds: its mean, and five standard deviations above it. */
export function allowedAlarms(events: number, threshold: number): number {
  const mean = events / threshold;
  return mean + 5 * Math.sqrt(mean);
}

export interface NullRun {
  readonly flows: number;
  readonly events: number;
  readonly threshold: number;
  /** Times evidence reached the threshold; the state then begins anew, as after a revalidation. */
  readonly alarms: number;
  readonly microsecondsPerEvent: number;
}

/**
 * A fleet without drift, of which every alarm is false. Half of the flows follow their declared profile to its edge, the
 * others a law of their own that 65 to 1,500 events were learned from. Independent events: the null the bound is stated
 * for.
 */
export function runNullFleet(events: number, threshold: number, seed: number, flows = FLEET): NullRun {
  const draws = new Draws(seed);
  const perFlow = Math.ceil(events / flows);
  let alarms = 0;
  let spent = 0;
  for (let index = 0; index < flows; index += 1) {
    const law = lawOf(index, draws);
    const profile =
      index % 2 === 0 ? USUAL_PROFILE : learned(law, LEARNED_EVENTS[(index >> 1) % LEARNED_EVENTS.length] ?? 65);
    const detector = new DriftDetector(profile);
    const start = startDrift(profile, BASELINE_HASH);
    let state = start;
    const begun = performance.now();
    for (let n = 0; n < perFlow; n += 1) {
      state = detector.advance(state, law());
      if (driftEvidence(state).total < threshold) continue;
      alarms += 1;
      state = { ...start, lastIatMs: state.lastIatMs, known: state.known };
    }
    spent += performance.now() - begun;
  }
  return {
    flows,
    events: perFlow * flows,
    threshold,
    alarms,
    microsecondsPerEvent: (spent * 1_000) / (perFlow * flows),
  };
}

function learned(law: () => DriftEvent, events: number): SpendingProfile {
  return learnProfile(Array.from({ length: events }, law), USUAL_PROFILE);
}

/** Tables of 1,024 equally likely amounts and gaps: drawing one costs less than judging it. */
function lawOf(index: number, draws: Draws): () => DriftEvent {
  const isDeclared = index % 2 === 0;
  const median = 5 * 1.5 ** (index % 10);
  const amounts = table((share) => (isDeclared ? declaredAmount(share) : median * 3 ** draws.normal()).toFixed(2));
  const gaps = table((share) => (isDeclared ? declaredGap(share) : Math.floor(600_000 * 3 ** draws.normal())));
  const newcomers = isDeclared ? 0.05 : 0.02 * (index % 5);
  const denials = isDeclared ? 0.03 : 0.01 * (index % 7);
  let atMs = 1_767_225_600_000;
  let fresh = 0;
  return () => {
    atMs += gaps[draws.below(1_024)] ?? 0;
    // a declared quiet quarter stays all but empty: its flow is told to skip it
    if (isDeclared && atMs % 86_400_000 < 21_600_000) atMs += 21_600_000;
    const isNew = draws.chance(newcomers);
    if (isNew) fresh += 1;
    return eventOf(draws, {
      amount: amounts[draws.below(1_024)] ?? '1.00',
      counterparty: isNew ? `newcomer-${index}-${fresh}` : `shop-${draws.below(12)}`,
      iatMs: atMs,
      isDenied: draws.chance(denials),
    });
  };
}

function table<T>(at: (share: number) => T): readonly T[] {
  return Array.from({ length: 1_024 }, (_, n) => at((n + 0.5) / 1_024));
}

function declaredAmount(share: number): number {
  return share < 0.9 ? 50 : share < 0.985 ? 100 : 200;
}

/** Milliseconds, as the profile declares them. */
function declaredGap(share: number): number {
  return share < 0.005 ? 5_000 : share < 0.05 ? 60_000 : share < 0.5 ? 180_000 : 600_000;
}
