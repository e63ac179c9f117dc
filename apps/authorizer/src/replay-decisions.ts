import { type Queryable, readStoredDecisions } from '@spendgate/store';
import { differenceOf } from '@spendgate/verifier';

/** A stored decision that its own read set does not give again. */
export interface ReplayDifference {
  readonly decisionId: string;
  readonly problem: string;
}

export interface ReplayReport {
  readonly checked: number;
  readonly differences: readonly ReplayDifference[];
  /** Decided under other rules than this release has: neither right nor wrong. */
  readonly notRecomputable: number;
}

/** Differences kept with their reason; beyond these only the count grows. */
const DIFFERENCES_MAX = 1_000;

/**
 * Recomputes stored decisions from their stored inputs and compares bytes (D2): outcome, code, read set and hash.
 *
 * @param fromMs first append time, Unix ms @param toMs first append time no longer included
 */
export async function replayDecisions(
  db: Queryable,
  fromMs = 0,
  toMs = Number.MAX_SAFE_INTEGER,
  onDecision: (checked: number) => void = () => undefined,
): Promise<ReplayReport> {
  let [checked, notRecomputable] = [0, 0];
  const differences: ReplayDifference[] = [];
  for await (const stored of readStoredDecisions(db, fromMs, toMs)) {
    const problem = differenceOf(stored);
    if (problem === 'other rules') notRecomputable += 1;
    else if (problem !== null && differences.length < DIFFERENCES_MAX) {
      differences.push({ decisionId: stored.decisionId, problem });
    }
    checked += 1;
    onDecision(checked);
  }
  return { checked, differences, notRecomputable };
}
