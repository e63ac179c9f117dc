import type { AdmissionDenial } from '../denials.js';
import type { EnvironmentRequirement, LevelState } from '../mandates/types.js';
import { LIMITS } from '../limits.js';
import type { AdmissionFacts, Intent } from './types.js';

/** One of the instants an artifact cannot outlive, and the denial when that instant is already past. */
interface Bound {
  readonly endsAtMs: number;
  readonly code: Extract<AdmissionDenial, 'deadline_passed' | 'mandate_expired' | 'environment_stale'>;
  readonly field: string;
}

/** Times of an artifact in whole seconds, and what bounds its `exp` most tightly. */
export interface IssueTimes {
  readonly iat: number;
  readonly exp: number;
  readonly settleBy: number;
  readonly bound: Bound;
}

/**
 * When an artifact begins and ends. It begins when the log received the intent. It ends, exclusively, at the earliest
 * of: the configured lifetime after that, the deadline and `settle_by` the agent asked for, the validity of every level
 * of its mandate, and, where a level requires attestation, the end of the evidence it was issued on. Fractions of a
 * second are cut off: an artifact may end early, never late. Captures after the first may come until `settle_by`, which
 * never lies beyond the mandate either.
 */
export function issueTimes(
  intent: Intent,
  levels: readonly LevelState[],
  requirements: readonly EnvironmentRequirement[],
  facts: AdmissionFacts,
): IssueTimes {
  const iat = Math.floor(facts.appendedAtMs / 1000);
  const mandateEndsAtMs = earliest(levels.map(({ mandate }) => mandate.validUntilMs));
  const bounds: Bound[] = [
    { endsAtMs: (iat + lifetimeSeconds(facts)) * 1000, code: 'deadline_passed', field: 'artifact_lifetime' },
    { endsAtMs: mandateEndsAtMs, code: 'mandate_expired', field: 'mandate' },
    { endsAtMs: evidenceEndsAtMs(requirements, facts.attestation), code: 'environment_stale', field: 'attestation' },
    { endsAtMs: intent.deadlineMs ?? Infinity, code: 'deadline_passed', field: 'deadline' },
    { endsAtMs: intent.capture.settleByMs ?? Infinity, code: 'deadline_passed', field: 'capture.settle_by' },
  ];
  const bound = bounds.reduce((tightest, next) => (next.endsAtMs < tightest.endsAtMs ? next : tightest));
  const exp = Math.floor(bound.endsAtMs / 1000);
  const settleByMs = earliest([
    intent.capture.settleByMs ?? bound.endsAtMs,
    mandateEndsAtMs,
    (iat + LIMITS.settleBySecondsMax) * 1000,
  ]);
  return { iat, exp, settleBy: Math.max(exp, Math.floor(settleByMs / 1000)), bound };
}

/** Nobody could ever use it: it ends before it begins, or before it was judged. */
export function isBornDead({ iat, exp }: IssueTimes, judgedAtMs: number): boolean {
  return !(exp > iat && exp * 1000 > judgedAtMs);
}

/** End of the evidence a mandate requires, Unix ms: its own, or its age limit at the strictest level. */
export function evidenceEndsAtMs(
  requirements: readonly EnvironmentRequirement[],
  attestation: AdmissionFacts['attestation'],
): number {
  if (requirements.length === 0) return Infinity;
  if (typeof attestation === 'string') return -Infinity;
  const ages = requirements.map(({ maxAgeSeconds }) => attestation.recordedAtMs + maxAgeSeconds * 1000);
  return earliest([attestation.validUntilMs, ...ages]);
}

function lifetimeSeconds(facts: AdmissionFacts): number {
  return Math.min(facts.rules.artifactLifetimeSeconds, LIMITS.artifactLifetimeSecondsMax);
}

function earliest(instantsMs: readonly number[]): number {
  return instantsMs.reduce((first, next) => Math.min(first, next), Infinity);
}
