import { InvariantError } from '../errors.js';
import type { SettlementFacts, SettlementReadSet, SettlementRequest, SettlementResult } from './types.js';

/**
 * Decides a settlement request by its action.
 *
 * @param judgedAtMs database clock after the locks, Unix ms
 */
export function decideSettlement(
  request: SettlementRequest,
  facts: SettlementFacts,
  judgedAtMs: number,
): SettlementResult {
  throw new InvariantError('ERR_NOT_WRITTEN', `${request.actionId} ${typeof facts} ${judgedAtMs}`);
}

export function decideCapture(
  request: SettlementRequest,
  facts: SettlementFacts,
  judgedAtMs: number,
): SettlementResult {
  return decideSettlement(request, facts, judgedAtMs);
}
export function decideVoid(request: SettlementRequest, facts: SettlementFacts, judgedAtMs: number): SettlementResult {
  return decideSettlement(request, facts, judgedAtMs);
}
export function decideRefund(request: SettlementRequest, facts: SettlementFacts, judgedAtMs: number): SettlementResult {
  return decideSettlement(request, facts, judgedAtMs);
}

/** Recomputes a stored settlement decision from its stored read set and the presenter's own request. */
export function replaySettlement(readSet: SettlementReadSet, request: SettlementRequest): SettlementResult {
  throw new InvariantError('ERR_NOT_WRITTEN', `${Object.keys(readSet).length} ${request.actionId}`);
}
