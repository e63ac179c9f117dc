import { type Answer, PROBLEM_TYPE, REPLAYED, jsonAnswer, problemOf } from '@spendgate/http-edge';
import type { GateRefusal, OutcomeAnswer, SettlementAnswer } from '../settling/gate-item.js';

export const UNSUPPORTED: Answer = {
  status: 415,
  headers: { 'content-type': PROBLEM_TYPE },
  body: { type: 'about:blank', title: 'send one signed object as application/jwt', status: 415 },
};

export function refusalAnswer({ code, field, verified, retryAfterMs }: GateRefusal): Answer {
  return verified ? problemOf(code, { field, retryAfterMs }) : problemOf(code);
}

/** @param receipt the signed receipt of this answer */
export function settlementAnswer(answer: SettlementAnswer, receipt: string): Answer {
  const headers = answer.replayed ? REPLAYED : {};
  const { settlementId, outcome, code, field, state } = answer;
  if (code !== null) return problemOf(code, { field, settlement_id: settlementId, receipt }, headers);
  return jsonAnswer(201, { settlement_id: settlementId, outcome, state, receipt }, headers);
}

export function outcomeAnswer({ settlementId, outcomeId, applied, state, replayed }: OutcomeAnswer): Answer {
  const body = { settlement_id: settlementId, outcome_id: outcomeId, applied, state };
  return jsonAnswer(200, body, replayed ? REPLAYED : {});
}
