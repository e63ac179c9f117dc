import { InvariantError } from '../errors.js';
import { driftEvidence } from './detector.js';
import type { DriftState } from './drift-state.js';

/** When evidence speaks. Pinned in the read set of every decision they had a part in. */
export interface DriftThresholds {
  readonly warn: number;
  readonly halt: number;
}

/** Whole evidence; one false warning in 1,000 events at the most, on average. */
export const WARN_EVIDENCE = 1_000;
const HALT_EVIDENCE_MIN = 1_000_000;
const HALT_EVENTS_FACTOR = 100;
/** Wealth is capped at 2^38, and one bet of 32 alone must be able to carry the whole. */
export const DRIFT_EVENTS_PER_DAY_MAX = 10_000_000;

/**
 * WARN at 10³, HALT at max(10⁶, 100 × the domain's expected events per day): by the bound, one false halt in the whole
 * domain in a hundred days at the most.
 *
 * @param eventsPerDay of the whole domain, a setting
 * @throws {InvariantError} `ERR_DRIFT_RATE_INVALID` outside 0 to 10⁷
 */
export function driftThresholds(eventsPerDay: number): DriftThresholds {
  if (!Number.isSafeInteger(eventsPerDay) || eventsPerDay < 0 || eventsPerDay > DRIFT_EVENTS_PER_DAY_MAX)
    throw new InvariantError('ERR_DRIFT_RATE_INVALID', `${eventsPerDay} events per day`);
  return { warn: WARN_EVIDENCE, halt: Math.max(HALT_EVIDENCE_MIN, HALT_EVENTS_FACTOR * eventsPerDay) };
}

/** `shadow`: the verdict is recorded and shown, and stops nothing. */
export const DRIFT_MODES = ['shadow', 'enforce'] as const;
export type DriftMode = (typeof DRIFT_MODES)[number];

export interface DriftVerdict {
  readonly verdict: 'none' | 'warn' | 'halt' | 'unknown';
  /** What the deciding transaction is told: shadow never says `found`, a state nobody could read is never `none`. */
  readonly drift: 'none' | 'found' | 'unknown';
}

/** Judges a flow's evidence. Monotone: more evidence never gives a lower verdict. */
export function judgeDrift(
  state: DriftState | 'unknown',
  { warn, halt }: DriftThresholds,
  mode: DriftMode,
): DriftVerdict {
  if (state === 'unknown') return { verdict: 'unknown', drift: 'unknown' };
  const { total } = driftEvidence(state);
  const verdict = total >= halt ? 'halt' : total >= warn ? 'warn' : 'none';
  return { verdict, drift: verdict === 'halt' && mode === 'enforce' ? 'found' : 'none' };
}
