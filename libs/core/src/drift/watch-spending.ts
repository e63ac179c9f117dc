import type { AdmissionDenial } from '../denials.js';
import { DriftDetector, driftEvidence } from './detector.js';
import type { DriftSignal } from './drift-signal.js';
import { type DriftState, type FrozenDrift, freezeDrift } from './drift-state.js';
import { type DriftMode, type DriftThresholds, type DriftVerdict, judgeDrift } from './judge-drift.js';
import type { DriftEvent } from './observe.js';
import type { SpendingProfile } from './profile.js';

/** What a flow's spending is ranked against, when the evidence speaks, and whether it may halt. */
export interface SpendingWatch {
  /** base64url SHA-256 of the profile's RFC 8785 form. */
  readonly profileHash: string;
  readonly profile: SpendingProfile;
  readonly thresholds: DriftThresholds;
  readonly mode: DriftMode;
}

/** What one event did to the evidence of its flow: part of the decision, so its hash covers it and a replay finds it. */
export interface SpendingScore {
  readonly verdict: DriftVerdict['verdict'];
  /** Whole, rounded down. */
  readonly evidence: number;
  /** The state after it. */
  readonly after: FrozenDrift;
}

export interface Watched {
  readonly state: DriftState;
  readonly score: SpendingScore;
  /** `null`: it says nothing, or may only be shown. */
  readonly signal: DriftSignal | null;
}

/** Rule of the signal; never renamed. */
const RULE = 'evidence.spend';

/**
 * Denials of what was asked for. Every other one is about facts outside the flow's conduct (a halt, a lapse, a key, a
 * repeat), and no event of it.
 */
const ASKED_DENIALS: ReadonlySet<AdmissionDenial> = new Set<AdmissionDenial>([
  'audience_mismatch',
  'currency_unsupported',
  'currency_precision',
  'amount_invalid',
  'currency_mismatch',
  'scope_mismatch',
  'per_transaction_limit',
  'counterparty_limit',
  'window_limit',
  'budget_exceeded',
  'policy_denied',
]);

/** Whether a first decision with this code says something of how the flow spends; `null`: authorized. */
export function isConduct(code: AdmissionDenial | null): boolean {
  return code === null || code === 'approval_required' || ASKED_DENIALS.has(code);
}

/** A denial as far as it tells whose doing it was. */
interface Denied {
  readonly code: AdmissionDenial | null;
  readonly field: string | null;
  /** The mandate whose limit it was; `null`: none. */
  readonly limitOf: string | null;
}

/**
 * Whether a denial is the agent's own doing; `null`: others may have brought it about. A limit shared with others, a payee
 * or a service that was disabled, people who are slow to answer: nobody else may move a flow's denials.
 */
export function isOwnDenial({ code, field, limitOf }: Denied, mandate: string): boolean | null {
  if (code === null || code === 'approval_required') return false;
  if (code === 'audience_mismatch' || (code === 'scope_mismatch' && field === 'counterparty')) return null;
  if (SHARED_LIMITS.has(code)) return limitOf === mandate ? true : null;
  return ASKED_DENIALS.has(code);
}

/** Every level above has them too. */
const SHARED_LIMITS: ReadonlySet<AdmissionDenial> = new Set<AdmissionDenial>([
  'per_transaction_limit',
  'counterparty_limit',
  'window_limit',
  'budget_exceeded',
]);

/** Folds one event of a flow into its evidence and judges it. Pure; what is given is not changed. */
export function watchSpending(watch: SpendingWatch, before: DriftState, event: DriftEvent): Watched {
  const state = detectorOf(watch.profile).advance(before, event);
  const { verdict, drift } = judgeDrift(state, watch.thresholds, watch.mode);
  const { total, streams } = driftEvidence(state);
  const score = { verdict, evidence: Math.floor(total), after: freezeDrift(state) };
  if (drift !== 'found') return { state, score, signal: null };
  const evidence = {
    profile: watch.profileHash,
    threshold: watch.thresholds.halt,
    evidence: Math.floor(total),
    amount: Math.floor(streams.amount),
    gap: Math.floor(streams.gap),
    new_counterparty: Math.floor(streams.new_counterparty),
    denial: Math.floor(streams.denial),
    carried_by: state.carriers.map(({ intentId, stream, rank }) => `${intentId} ${stream} ${rank}`).join(', '),
  };
  return { state, score, signal: { kind: 'spend', rule: RULE, evidence } };
}

/** Ranking needs sums over the histograms: made once a profile. */
const DETECTORS = new WeakMap<SpendingProfile, DriftDetector>();

function detectorOf(profile: SpendingProfile): DriftDetector {
  const known = DETECTORS.get(profile);
  if (known !== undefined) return known;
  const made = new DriftDetector(profile);
  DETECTORS.set(profile, made);
  return made;
}
