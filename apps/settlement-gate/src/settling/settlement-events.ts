import { type EventOf, canonicalize, settlementActionId } from '@spendgate/codec';
import { type OutcomeWord, isDenialCode } from '@spendgate/core';
import { TOPICS } from '@spendgate/messaging';
import type { OutboxRow, RecordedSettlement } from '@spendgate/store';
import type { OutcomeItem, ReportItem, RequestItem } from './gate-item.js';

type SettlementDecided = EventOf<'settlement-decisions.v1'>;

/** What a decided event says beside the request: a recorded settlement, now or of before. */
export type DecidedSettlement = Pick<
  RecordedSettlement,
  'settlementId' | 'attempt' | 'outcome' | 'code' | 'field' | 'state' | 'decisionHash' | 'leafHash' | 'judgedAtMs'
> & { readonly flowId: string | null; readonly requestJti: string };

/** Ids, outcome, code and hashes only: the receipt is fetched, by who may see it. */
export function decidedEvent(item: RequestItem, decided: DecidedSettlement): OutboxRow {
  const { code } = decided;
  const event: SettlementDecided = {
    v: 1,
    kind: 'decision',
    settlement_id: decided.settlementId,
    flow_id: decided.flowId,
    artifact_id: item.claims.artifact.id,
    action: item.claims.action,
    action_id: settlementActionId(item.claims),
    presenter: item.by.partyId,
    state: decided.state,
    leaf_hash: decided.leafHash.toString('base64url'),
    judged_at_ms: decided.judgedAtMs,
    request_jti: decided.requestJti,
    request_hash: item.bodyHash.toString('base64url'),
    outcome: decided.outcome === 'authorized' ? 'authorized' : 'denied',
    code: code !== null && isDenialCode(code) ? code : null,
    field: decided.field,
    decision_hash: decided.decisionHash.toString('base64url'),
  };
  return rowOf(`decision/${decided.attempt}`, decided.settlementId, decided.flowId, event);
}

export interface ReportedOutcome {
  readonly outcome: OutcomeWord;
  readonly applied: boolean;
  readonly state: string;
  readonly leafHash: Buffer;
  readonly judgedAtMs: number;
}

export function outcomeEvent(
  item: OutcomeItem | ReportItem,
  settlement: RecordedSettlement,
  reported: ReportedOutcome,
): OutboxRow {
  const event: SettlementDecided = {
    v: 1,
    kind: 'outcome',
    settlement_id: item.settlementId,
    flow_id: settlement.flowId,
    artifact_id: settlement.artifactId,
    action: settlement.action as 'capture' | 'void' | 'refund', // the gate wrote it
    action_id: settlement.actionId,
    presenter: settlement.presenter,
    state: reported.state,
    leaf_hash: reported.leafHash.toString('base64url'),
    judged_at_ms: reported.judgedAtMs,
    reporter: item.kind === 'outcome' ? item.by.partyId : item.reporter,
    outcome: reported.outcome,
    applied: reported.applied,
  };
  return rowOf(`outcome/${item.outcomeId}`, item.settlementId, settlement.flowId, event);
}

/** `kind` and the settlement make the event's id: published twice, it is the same event. */
function rowOf(kind: string, ref: string, flowId: string | null, event: SettlementDecided): OutboxRow {
  return { topic: TOPICS.settlementDecisions, key: flowId, kind, ref, flowId, body: canonicalize(event) };
}
