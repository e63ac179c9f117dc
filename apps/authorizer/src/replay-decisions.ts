import { canonicalize, sha256 } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import { type Queryable, type StoredDecision, readStoredDecisions } from '@spendgate/store';
import { decisionText } from './deciding/compose-decision.js';
import { recomputeStored } from './deciding/recompute.js';

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

/** @returns what differs in words; `'other rules'` when it cannot be told; `null` when every byte is the same */
export function differenceOf(stored: StoredDecision): string | null {
  try {
    const { intent, result } = recomputeStored(stored);
    const readSet = canonicalize(result.readSet);
    if (readSet !== stored.readSet) return 'the read set is not what it was decided on';
    if (intent.bodyHash !== stored.bodyHash.toString('base64url')) return 'the request is another one';
    const { outcome, code, field } = result.decision;
    if (outcome !== stored.outcome || code !== stored.code || field !== stored.field) {
      return `recomputed ${outcome} ${code ?? ''} ${field ?? ''}, stored ${stored.outcome} ${stored.code ?? ''} ${stored.field ?? ''}`;
    }
    const hash = sha256(decisionText(intent, result.decision, readSet));
    return hash.equals(stored.decisionHash) ? null : 'the decision hash is not that of the decision';
  } catch (error) {
    if (error instanceof InvariantError && error.code === 'ERR_RULES_VERSION') return 'other rules';
    if (error instanceof Error) return error.message;
    throw error;
  }
}
