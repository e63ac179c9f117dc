import { canonicalize, settlementActionId } from '@spendgate/codec';
import {
  type SettlementDecision,
  type SettlementDenial,
  type SettlementResult,
  decimal,
  isDenialCode,
} from '@spendgate/core';
import type { IssuedArtifact, RecordedSettlement, SettlementRow } from '@spendgate/store';
import type { ManagedTransfer } from '../rails/rail-port.js';
import type { FoldContext, Folded } from './fold-context.js';
import type { FoldState } from './fold-state.js';
import type { RequestItem, SettlementAnswer } from './gate-item.js';
import { decisionHashOf, receiptText } from './receipt.js';
import { keepsNoId } from './refused-id.js';
import { decidedEvent } from './settlement-events.js';
import { settlementLeafType, settlementPayload } from './settlement-leaves.js';

/** The flow of what belongs to no flow we know. */
const NO_FLOW = '00000000-0000-0000-0000-000000000000';

/** Where a decision is recorded, and what it is about. */
export interface Place {
  readonly settlementId: string;
  readonly attempt: number;
  readonly row: IssuedArtifact | undefined;
  readonly capture: RecordedSettlement | undefined;
}

/** Records a decision: row, receipt, leaf, event, and when granted the money it moves. */
export function recordSettlement(
  item: RequestItem,
  result: SettlementResult,
  place: Place,
  state: FoldState,
  context: FoldContext,
  folded: Folded,
): SettlementAnswer {
  const decision = toldDecision(result.decision);
  const { row, settlementId: id, attempt } = place;
  const { judgedAtMs } = context;
  const flowId = row?.flowId ?? NO_FLOW;
  const readSet = canonicalize(result.readSet);
  const decisionHash = decisionHashOf(readSet);
  const agent = row?.agentId ?? null;
  const payload = settlementPayload(item, decision, { settlementId: id, attempt, flowId, agent }, decisionHash);
  const causes = place.capture?.leafHash ?? row?.decisionLeafHash;
  const type = settlementLeafType(item.claims.action, decision.outcome);
  const leaf = context.leafWriter.write(type, judgedAtMs, payload, causes === undefined ? [] : [causes]);
  folded.leaves.push(leaf);
  const rail = place.capture?.rail ?? railOf(row, context);
  const awaits = decision.state === 'capturing' || decision.state === 'refunding';
  const outcomeDueAtMs = awaits ? judgedAtMs + context.outcomeDueMs : null;
  const claims = receiptText(item, decision, visibleHold(result, row), {
    issuer: context.issuer,
    settlementId: id,
    judgedAtMs,
    outcomeDueAtMs,
    decisionHash,
    leafHash: leaf.leafHash,
  });
  const { outcome, code, field, amount, currency, state: word } = decision;
  const actionId = settlementActionId(item.claims);
  const recorded: SettlementRow = {
    settlementId: id, flowId, attempt, artifactId: item.claims.artifact.id, holdId: row?.holdId ?? null,
    action: item.claims.action, actionId, presenter: item.by.partyId, presenterKind: item.by.kind,
    bodyHash: item.bodyHash, request: item.token,
    outcome, code, field, amount, currency, state: word, rail, refundOf: place.capture?.settlementId ?? null,
    refunding: '0', refunded: '0', restored: false,
    outcomeDueAtMs, claims, readSet, decisionHash, leafHash: leaf.leafHash, judgedAtMs,
  }; // prettier-ignore
  state.insert(recorded);
  if (outcome === 'authorized' && row !== undefined) apply(item, result, place, row, state);
  if (awaits && row !== undefined && context.isManaged(rail)) {
    folded.transfers.push(transferOf(item, id, decision, row, rail));
  }
  const event = { settlementId: id, attempt, flowId: row?.flowId ?? null, outcome, code, field, state: word };
  folded.events.push(
    decidedEvent(item, { ...event, requestJti: item.claims.jti, decisionHash, leafHash: leaf.leafHash, judgedAtMs }),
  );
  return answerOf(recorded, false);
}

/** The rail of the payee as it is registered now; a refund goes the way its capture went. */
function railOf(row: IssuedArtifact | undefined, { sources }: FoldContext): string {
  return (row === undefined ? undefined : sources.registry.counterparty(row.counterpartyId)?.rail) ?? 'external';
}

/** The money side of a granted request. */
function apply(item: RequestItem, result: SettlementResult, place: Place, row: IssuedArtifact, state: FoldState): void {
  if (typeof result.hold !== 'string') state.move(row, result.hold, result.delta);
  if (item.claims.action === 'void') state.revoked.add(row.artifactId);
  const { capture } = place;
  if (item.claims.action === 'refund' && capture !== undefined && result.decision.amount !== null) {
    const refunding = decimal(capture.refunding).plus(result.decision.amount);
    state.change({ ...capture, refunding: refunding.toFixed() });
  }
}

/** What the rail is asked for once this is committed. */
function transferOf(
  item: RequestItem,
  id: string,
  decision: SettlementDecision,
  row: IssuedArtifact,
  rail: string,
): ManagedTransfer {
  return {
    rail,
    transferId: id,
    direction: item.claims.action === 'refund' ? 'refund' : 'capture',
    amount: decision.amount ?? '0',
    currency: row.currency,
    counterparty: row.counterpartyId,
  };
}

/** Who is not the artifact's presenter learns nothing of it: which checks would pass tells payee, amount and state. */
function toldDecision(decision: SettlementDecision): SettlementDecision {
  if (decision.code !== 'audience_mismatch') return decision;
  return { ...decision, checks: decision.checks.map(({ name }) => ({ name, ok: false, codes: [] })) };
}

/** Nor of its money. */
function visibleHold({ decision, hold }: SettlementResult, row: IssuedArtifact | undefined) {
  const hidden = keepsNoId(decision.code) && decision.code !== 'idempotency_conflict';
  return row === undefined || typeof hold === 'string' || hidden ? null : { hold, currency: row.currency };
}

/** The recorded answer, told again. */
export function repeatSettlement(item: RequestItem, recorded: RecordedSettlement, folded: Folded): SettlementAnswer {
  const { flowId, claims } = recorded;
  if (item.appendedAtMs !== null) {
    // Who asked over the log is answered there, by the same event again: it names the request that was decided.
    const { request_jti: requestJti } = JSON.parse(claims) as { request_jti: string }; // the gate wrote these claims
    folded.events.push(decidedEvent(item, { ...recorded, requestJti, flowId: flowId === NO_FLOW ? null : flowId }));
  }
  return answerOf(recorded, true);
}

/** What the door tells of a recorded settlement. */
function answerOf(recorded: SettlementRow | RecordedSettlement, replayed: boolean): SettlementAnswer {
  const { settlementId, flowId, outcome, code, field, state, claims: receiptClaims } = recorded;
  const known = code !== null && isDenialCode(code) ? (code as SettlementDenial) : null; // the gate wrote it
  return { kind: 'settlement', settlementId, flowId, outcome, code: known, field, state, receiptClaims, replayed };
}
