import { canonicalize } from '@spendgate/codec';
import {
  type AdmissionFacts,
  type DriftState,
  type Flow,
  type SpendingProfile,
  driftThresholds,
  freezeDrift,
  thawDrift,
} from '@spendgate/core';
import type { DetectorSettings, FlowRow } from '@spendgate/store';

/** By profile hash. */
export type Profiles = ReadonlyMap<string, SpendingProfile>;

/** What a flow's spending is watched by; a profile that is not what its hash says is unknown, and denies. */
export function spendingWatch(
  row: FlowRow | undefined,
  profiles: Profiles,
  { mode, eventsPerDay }: DetectorSettings,
): AdmissionFacts['spending'] {
  const profileHash = row?.profileHash ?? null;
  if (profileHash === null) return null;
  const profile = profiles.get(profileHash);
  return profile === undefined ? 'unknown' : { profileHash, profile, thresholds: driftThresholds(eventsPerDay), mode };
}

/** What it has shown so far. Evidence without a profile, or the other way round, is a row somebody edited: unknown. */
export function evidenceOf({ profileHash, drift }: FlowRow): Flow['drift'] {
  if (profileHash === null) return drift === null ? null : 'unknown';
  return drift === null ? 'unknown' : readEvidence(drift, profileHash);
}

function readEvidence(text: string, profileHash: string): DriftState | 'unknown' {
  try {
    return thawDrift(JSON.parse(text), profileHash);
  } catch (error) {
    if (error instanceof SyntaxError) return 'unknown';
    throw error;
  }
}

/** As it is stored; `null`: nothing of it is known that could be. */
export function evidenceText({ drift }: Flow): string | null {
  return drift === null || drift === 'unknown' ? null : canonicalize(freezeDrift(drift));
}
