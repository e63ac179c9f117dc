import {
  DriftDetector,
  type DriftEvent,
  type DriftState,
  type DriftThresholds,
  type SpendingProfile,
  type Stream,
  STREAMS,
  driftEvidence,
  judgeDrift,
  learnProfile,
  startDrift,
} from '@spendgate/core';
import { ATTACKS, type Attack } from './attacks.js';
import { Draws } from './draws.js';
import { LEARNED_DAYS, USUAL_DAY, USUAL_PROFILE, UsualFlow } from './usual-flow.js';

export const BASELINE_HASH = 'A'.repeat(43);
/** Usual days between the baseline and the attack. */
const QUIET_DAYS = 5;
/** Found within these events, or not found. */
const EVENTS_MAX = 2_000;

export interface AttackResult {
  readonly name: string;
  readonly does: string;
  /** Events of the attack until HALT, that one included; `null`: not found. */
  readonly events: number | null;
  /** Money authorized until then, major units; the event that halts is itself refused. */
  readonly money: number;
  /** The stream with the most evidence. */
  readonly stream: Stream;
}

/** Runs every attack against a flow whose baseline is learned, or declared. */
export function runAttacks(basis: 'learned' | 'declared', thresholds: DriftThresholds, seed = 1): AttackResult[] {
  return ATTACKS.map((attack, index) => runAttack(attack, basis, thresholds, seed * 1_000 + index));
}

/** Money of a usual day, by the flow's own law. */
export function usualDayMoney(): number {
  const flow = new UsualFlow(new Draws(5));
  const total = Array.from({ length: USUAL_DAY * 200 }, () => flow.draft().amount).reduce((sum, each) => sum + each, 0);
  return total / 200;
}

export function learnUsual(flow: UsualFlow): SpendingProfile {
  return learnProfile(
    Array.from({ length: USUAL_DAY * LEARNED_DAYS }, () => flow.usual()),
    USUAL_PROFILE,
  );
}

function runAttack(
  attack: Attack,
  basis: 'learned' | 'declared',
  thresholds: DriftThresholds,
  seed: number,
): AttackResult {
  const flow = new UsualFlow(new Draws(seed));
  const learned = learnUsual(flow);
  const profile = basis === 'learned' ? learned : USUAL_PROFILE;
  const detector = new DriftDetector(profile);
  let state = startDrift(profile, BASELINE_HASH);
  for (let n = 0; n < USUAL_DAY * QUIET_DAYS; n += 1) state = detector.advance(state, flow.usual());
  let money = 0;
  for (let n = 0; n < EVENTS_MAX; n += 1) {
    const event = attack.next(flow, n);
    state = present(detector, state, event, flow.draws, attack.grinds ?? 1);
    if (judgeDrift(state, thresholds, 'enforce').drift === 'found') return result(attack, state, n + 1, money);
    if (!event.isDenied) money += Number(event.amount);
  }
  return result(attack, state, null, money);
}

/** The attacker knows the state, tries hashes and presents the one that gives the least evidence. */
function present(
  detector: DriftDetector,
  state: DriftState,
  event: DriftEvent,
  draws: Draws,
  tries: number,
): DriftState {
  let mildest = detector.advance(state, event);
  for (let n = 1; n < tries; n += 1) {
    const other = detector.advance(state, { ...event, hash: draws.hash() });
    if (driftEvidence(other).total < driftEvidence(mildest).total) mildest = other;
  }
  return mildest;
}

function result({ name, does }: Attack, state: DriftState, events: number | null, money: number): AttackResult {
  const { streams } = driftEvidence(state);
  const stream = STREAMS.reduce((most, each) => (streams[each] > streams[most] ? each : most));
  return { name, does, events, money, stream };
}
