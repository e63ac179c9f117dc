import { settlementId } from '@spendgate/codec';
import {
  type SettlementDecision,
  type SettlementFacts,
  LIMITS,
  containmentSteps,
  decideSettlement,
  decimal,
  driftOfSettlement,
  isDenialCode,
  isRetryable,
} from '@spendgate/core';
import type { RecordedSettlement } from '@spendgate/store';
import { contain } from './contain.js';
import { type FoldContext, type Folded, refuseUntimely } from './fold-context.js';
import type { FoldState } from './fold-state.js';
import { factsOf, requestOf } from './gate-facts.js';
import { type GateAnswer, type RequestItem, refuse } from './gate-item.js';
import { recordSettlement, repeatSettlement } from './record-settlement.js';
import { keepsNoId, refusedId } from './refused-id.js';

/** Retryable denials recorded under one id, when their codes alternate; beyond this the last is told again. */
const ATTEMPTS_MAX = 1_000;

/**
 * Decides one request. An id once used is answered from the record: the same body with its receipt, another body with a
 * conflict, also where the record is a retryable denial. Only that denial's own body is decided again, and recorded
 * again only when something else came out.
 */
export function foldRequest(item: RequestItem, state: FoldState, context: FoldContext, folded: Folded): GateAnswer {
  if (item.appendedAtMs !== null && item.appendedAtMs - context.judgedAtMs > LIMITS.clockAheadMsMax) {
    return refuse('clock_untrusted', null, { verified: true });
  }
  const recorded = state.settlement(item.settlementId);
  const isAgain = recorded?.bodyHash.equals(item.bodyHash) === true;
  if (recorded !== undefined && isAgain && !mayRetry(recorded)) return repeatSettlement(item, recorded, folded);
  const untimely = refuseUntimely(item.claims, context.judgedAtMs);
  if (untimely !== null) return untimely;
  const row = state.artifact(item.claims.artifact.id);
  const capture = captureOf(item, state);
  const facts = factsOf(item, context.sources, {
    recorded:
      recorded === undefined || isAgain
        ? null
        : { settlementId: recorded.settlementId, bodyHash: recorded.bodyHash.toString('base64url') },
    hold: row === undefined ? 'absent' : state.hold(row),
    capture: capture === undefined ? 'absent' : captureFacts(capture),
  });
  const result = decideSettlement(requestOf(item), facts, context.judgedAtMs);
  const { code } = result.decision;
  const id = keepsNoId(code) ? refusedId(item) : item.settlementId;
  const last = state.settlement(id);
  if (code !== null && last !== undefined && (last.code === code || last.attempt >= ATTEMPTS_MAX)) {
    return repeatSettlement(item, last, folded); // under either kind of id it has this very body
  }
  const place = { settlementId: id, attempt: last === undefined ? 0 : last.attempt + 1, row, capture };
  const answer = recordSettlement(item, result, place, state, context, folded);
  const drift = driftOfSettlement(result.decision, facts);
  const leaf = state.settlement(id)?.leafHash;
  // A flow contained before gets no further cause from what it is refused for: whoever asks again and again adds nothing.
  const isRunning = typeof facts.flow !== 'string' && containmentSteps(facts.flow.state).length > 0;
  if (drift !== null && leaf !== undefined && row !== undefined && isRunning) {
    contain(row.flowId, drift, leaf, state, context, folded);
  }
  return answer;
}

function mayRetry({ code }: RecordedSettlement): boolean {
  return code !== null && isDenialCode(code) && isRetryable(code);
}

/** The capture a refund gives back; only a granted one can be. */
function captureOf(item: RequestItem, state: FoldState): RecordedSettlement | undefined {
  const { action, artifact, capture_id: captureId } = item.claims;
  if (action !== 'refund' || captureId === undefined) return undefined;
  const found = state.settlement(settlementId(artifact.id, 'capture', captureId));
  return found?.outcome === 'authorized' ? found : undefined;
}

function captureFacts(capture: RecordedSettlement): Exclude<SettlementFacts['capture'], string> {
  return {
    captureId: capture.actionId,
    service: capture.presenter,
    state: capture.state as SettlementDecision['state'], // the gate wrote it
    amount: decimal(capture.amount ?? '0'),
    refunded: decimal(capture.refunded),
    refunding: decimal(capture.refunding),
  };
}
