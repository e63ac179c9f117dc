import { type Decimal } from 'decimal.js';
import {
  type DriftSignal,
  type OutcomeResult,
  type OutcomeWitness,
  type OutcomeWord,
  type PendingSettlement,
  applyOutcome,
  decimal,
  parseMoney,
} from '@spendgate/core';
import type { RecordedSettlement } from '@spendgate/store';
import { contain } from './contain.js';
import { type FoldContext, type Folded, refuseUntimely } from './fold-context.js';
import type { FoldState } from './fold-state.js';
import { type GateRefusal, type OutcomeAnswer, type OutcomeItem, type ReportItem, refuse } from './gate-item.js';
import { outcomeEvent } from './settlement-events.js';
import { outcomePayload } from './settlement-leaves.js';

/**
 * Applies a report of what became of the money. Only the service that captured, or the rail that moved the money, may
 * report; silence is a report of the gate's own.
 */
export function foldOutcome(
  item: OutcomeItem | ReportItem,
  state: FoldState,
  context: FoldContext,
  folded: Folded,
): OutcomeAnswer | GateRefusal {
  const settlement = state.settlement(item.settlementId);
  const refused = item.kind === 'outcome' ? refuseReport(item, settlement, state, context) : null;
  if (refused !== null) return refused;
  const row = settlement === undefined ? undefined : state.artifact(settlement.artifactId);
  if (settlement === undefined || row === undefined) return refuse('artifact_not_issued', 'artifact');
  const known = state.outcome(item.outcomeId);
  if (known !== undefined) return answer(item, known.applied, settlement.state, true);
  const untimely = item.kind === 'outcome' ? refuseUntimely(item.claims, context.judgedAtMs) : null;
  if (untimely !== null) return untimely;
  const pending = pendingOf(settlement);
  const word = reportedWord(item);
  // Money that moved with another amount is neither the capture we granted nor none: unknown, and a person must look.
  const differs = word === 'completed' && !movedAmount(item, settlement)?.eq(pending.amount);
  const result = applyOutcome(pending, state.hold(row), differs ? 'unknown' : word, witnessOf(item));
  const opensCase = result.opensCase || differs;
  if (!result.applied && !opensCase) return answer(item, false, settlement.state, true);
  if (result.applied) applyResult(settlement, pending.amount, word, result, state);
  if (result.applied) state.move(row, result.hold, result.delta);
  const leaf = write(item, { ...result, opensCase, word }, settlement, state, context, folded);
  const drift = opensCase ? settlementDrift(item, settlement, word, differs) : null;
  if (drift !== null) contain(settlement.flowId, drift, leaf, state, context, folded);
  return answer(item, result.applied, result.state, false);
}

/**
 * Money that did move against what was granted, by the word of a rail: with another amount, or where nothing should have
 * moved any more. The word of a settlement service alone opens a case and contains nobody.
 */
function settlementDrift(
  item: OutcomeItem | ReportItem,
  { settlementId, amount, state }: RecordedSettlement,
  word: OutcomeWord,
  differs: boolean,
): DriftSignal | null {
  if (witnessOf(item) !== 'rail' || word !== 'completed') return null;
  const reported = (item.kind === 'outcome' ? item.claims.amount.value : item.amount) ?? amount;
  const rule = differs ? 'exact.settlement_amount' : 'exact.settlement_late';
  return { kind: 'settlement', rule, evidence: { settlement: settlementId, granted: amount, reported, state } };
}

function refuseReport(
  item: OutcomeItem,
  settlement: RecordedSettlement | undefined,
  state: FoldState,
  context: FoldContext,
): GateRefusal | null {
  const verified = { verified: true };
  // Who was disabled since has no word in what becomes of money: what it captured waits until it is active again.
  if (context.sources.registry.signatory(item.by) !== 'active') return refuse('audience_mismatch', 'iss', verified);
  const { artifact, amount } = item.claims;
  const row = state.artifact(artifact.id);
  if (row === undefined || row.claimsHash.toString('base64url') !== artifact.hash) {
    return refuse('artifact_not_issued', 'artifact', verified);
  }
  const idField = item.claims.capture_id === undefined ? 'refund_id' : 'capture_id';
  const granted = settlement?.outcome === 'authorized' ? settlement : undefined;
  if (granted === undefined)
    return refuse(isParty(item, row.audience) ? 'scope_mismatch' : 'audience_mismatch', idField, verified);
  // A service may not say that money a rail of ours moved did not move: it could capture the same hold again.
  const managed = context.isManaged(granted.rail);
  const may =
    item.by.kind === 'rail' ? item.by.partyId === granted.rail : item.by.partyId === granted.presenter && !managed;
  if (!may) return refuse('audience_mismatch', 'iss', verified);
  const money = parseMoney(amount.value, amount.currency);
  if (typeof money === 'string') return refuse(money, 'amount', verified);
  if (amount.currency !== granted.currency) return refuse('currency_mismatch', 'amount.currency', verified);
  if (item.claims.outcome !== 'completed' && !money.amount.eq(granted.amount ?? '0')) {
    return refuse('scope_mismatch', 'amount', verified);
  }
  return null;
}

function isParty(item: OutcomeItem, audience: string): boolean {
  return item.by.kind === 'settlement_service' && item.by.partyId === audience;
}

function reportedWord(item: OutcomeItem | ReportItem): OutcomeWord {
  return item.kind === 'outcome' ? item.claims.outcome : item.outcome;
}

/** @returns `undefined`: the rail named an amount that is none, which is another one than granted */
function movedAmount(item: OutcomeItem | ReportItem, { amount, currency }: RecordedSettlement): Decimal | undefined {
  if (item.kind === 'report' && item.amount === null) return decimal(amount ?? '0');
  const value = item.kind === 'outcome' ? item.claims.amount.value : item.amount;
  const money = parseMoney(value ?? '', currency ?? '');
  return typeof money === 'string' ? undefined : money.amount;
}

function pendingOf(settlement: RecordedSettlement): PendingSettlement {
  return {
    // The gate wrote both words.
    action: settlement.action as PendingSettlement['action'],
    state: settlement.state as PendingSettlement['state'],
    amount: decimal(settlement.amount ?? '0'),
    restored: settlement.restored,
  };
}

/** A rail that reports itself, or the rail the gate called. Silence is reported by nobody and completes nothing. */
function witnessOf(item: OutcomeItem | ReportItem): OutcomeWitness {
  const isRail = item.kind === 'outcome' ? item.by.kind === 'rail' : item.reporter !== null;
  return isRail ? 'rail' : 'presenter';
}

/** Moves the settlement, and for a refund also what its capture has being given back. */
function applyResult(
  settlement: RecordedSettlement,
  amount: Decimal,
  word: OutcomeWord,
  result: OutcomeResult,
  state: FoldState,
): void {
  state.change({ ...settlement, state: result.state, restored: result.restored });
  const capture = settlement.refundOf === null ? undefined : state.settlement(settlement.refundOf);
  const wasPending = settlement.state === 'refunding' || settlement.state === 'unknown';
  if (capture === undefined || word === 'unknown' || !wasPending) return;
  const refunding = decimal(capture.refunding).minus(amount).toFixed();
  const refunded = result.state === 'refunded' ? decimal(capture.refunded).plus(amount).toFixed() : capture.refunded;
  state.change({ ...capture, refunding, refunded });
}

function write(
  item: OutcomeItem | ReportItem,
  result: OutcomeResult & { readonly word: OutcomeWord },
  settlement: RecordedSettlement,
  state: FoldState,
  context: FoldContext,
  folded: Folded,
): Buffer {
  const { flowId } = settlement;
  const { judgedAtMs } = context;
  const type = result.state === 'unknown' && result.applied ? 'settlement_unknown' : 'settlement_outcome_recorded';
  const payload = outcomePayload(item, { ...result, flowId });
  const leaf = context.leafWriter.write(type, judgedAtMs, payload, [settlement.leafHash]);
  folded.leaves.push(leaf);
  const signed = item.kind === 'outcome';
  state.report({
    outcomeId: item.outcomeId,
    settlementId: item.settlementId,
    flowId,
    reporter: signed ? item.by.partyId : item.reporter,
    outcome: result.word,
    amount: movedAmount(item, settlement)?.toFixed() ?? null,
    railReference: signed ? (item.claims.rail_reference ?? null) : item.railReference,
    occurredAtMs: signed ? item.claims.occurred_at * 1000 : item.occurredAtMs,
    token: signed ? item.token : null,
    applied: result.applied,
    leafHash: leaf.leafHash,
    recordedAtMs: judgedAtMs,
  });
  if (result.opensCase) {
    state.cases.push({
      outcomeId: item.outcomeId,
      settlementId: item.settlementId,
      kind: reportedWord(item) === 'charged_back' ? 'chargeback' : 'contradiction',
      amount: movedAmount(item, settlement)?.toFixed() ?? settlement.amount ?? '0',
      currency: settlement.currency ?? '',
      openedAtMs: judgedAtMs,
      leafHash: leaf.leafHash,
    });
  }
  const event = { ...result, outcome: result.word, leafHash: leaf.leafHash, judgedAtMs };
  folded.events.push(outcomeEvent(item, settlement, event));
  return leaf.leafHash;
}

function answer(item: OutcomeItem | ReportItem, applied: boolean, state: string, replayed: boolean): OutcomeAnswer {
  return { kind: 'outcome', settlementId: item.settlementId, outcomeId: item.outcomeId, applied, state, replayed };
}
