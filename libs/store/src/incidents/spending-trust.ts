import {
  DRIFT_MODES,
  type DriftVerdict,
  STREAMS,
  type Stream,
  driftEvidence,
  driftThresholds,
  judgeDrift,
  thawDrift,
} from '@spendgate/core';

/** A watched flow's row, and the domain's. */
export interface SpendingRow {
  /** `null`: its spending is not watched. */
  readonly profile_hash: string | null;
  /** Canonical JSON. */
  readonly drift: string | null;
  readonly drift_mode: string;
  readonly drift_events_per_day: number;
}

/**
 * What a flow's spending has shown so far. For people only: told how close it is, an attacker stops just before.
 * Evidence is whole, rounded down.
 */
export interface SpendingTrust {
  /** `shadow`: shown, and stops nothing. */
  readonly mode: string;
  readonly verdict: DriftVerdict['verdict'];
  /** `null`: nobody can read it, so the flow is denied. */
  readonly evidence: number | null;
  readonly warn_at: number;
  readonly halt_at: number;
  readonly events: number | null;
  readonly streams: Readonly<Record<Stream, number>> | null;
  /** The latest events that carried it, oldest first. */
  readonly carried_by: readonly string[];
}

/** @returns `null`: the flow declares no profile, so nothing is counted */
export function spendingTrust(row: SpendingRow): SpendingTrust | null {
  if (row.profile_hash === null) return null;
  const mode = DRIFT_MODES.find((each) => each === row.drift_mode) ?? 'enforce';
  const thresholds = driftThresholds(row.drift_events_per_day);
  const state = thawDrift(parsed(row.drift), row.profile_hash);
  const { verdict } = judgeDrift(state, thresholds, mode);
  const told = { mode, verdict, warn_at: thresholds.warn, halt_at: thresholds.halt };
  if (state === 'unknown') return { ...told, evidence: null, events: null, streams: null, carried_by: [] };
  const { total, streams } = driftEvidence(state);
  const parts = STREAMS.map((stream) => [stream, Math.floor(streams[stream])]);
  return {
    ...told,
    evidence: Math.floor(total),
    events: state.events,
    streams: Object.fromEntries(parts) as Record<Stream, number>, // as: one for each stream
    carried_by: state.carriers.map(
      ({ intentId, stream, rank }) => `intent ${intentId}: ${WORDS[stream]} above ${rank / 100} % of the profile`,
    ),
  };
}

const WORDS: Readonly<Record<Stream, string>> = {
  amount: 'amount',
  gap: 'pause',
  new_counterparty: 'new payee',
  denial: 'denial',
};

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}
