import { canonicalize, hashJson, settlementActionId, settlementId, uuid8 } from '@spendgate/codec';
import {
  type SettlementDecision,
  type SettlementDenial,
  type SettlementFacts,
  type SettlementResult,
  LIMITS,
  decideSettlement,
  decimal,
  isDenialCode,
  isRetryable,
} from '@spendgate/core';
import type { IssuedArtifact, LeafRow, OutboxRow, RecordedSettlement } from '@spendgate/store';
import type { ManagedTransfer } from '../rails/rail-port.js';
import { foldOutcome } from './fold-outcome.js';
import type { FoldState } from './fold-state.js';
import { type FactSources, factsOf, requestOf } from './gate-facts.js';
import { type GateAnswer, type GateItem, type RequestItem, type SettlementAnswer, refuse } from './gate-item.js';
import { decisionHashOf, receiptText } from './receipt.js';
import { decidedEvent } from './settlement-events.js';
import { type LeafWriter, settlementLeafType, settlementPayload } from './settlement-leaves.js';

/**
 * Denials that say nothing about the artifact or its holder: they never occupy the id the rightful presenter may use.
 * They are kept under an id of their own, made from presenter and body.
 */
const WITHOUT_ID: ReadonlySet<string> = new Set<SettlementDenial>([
  'artifact_missing',
  'artifact_not_issued',
  'audience_mismatch',
  'domain_mismatch',
  'issuer_unknown',
  'signature_invalid',
  'idempotency_conflict',
]);
/** Retryable denials recorded under one id, when their codes alternate; beyond this the last is told again. */
const ATTEMPTS_MAX = 1_000;
/** The flow of what belongs to no flow we know. */
const NO_FLOW = '00000000-0000-0000-0000-000000000000';

/** What a fold needs beside the rows. */
export interface FoldContext {
  readonly issuer: string;
  /** Database clock after the locks, Unix ms. */
  readonly judgedAtMs: number;
  readonly sources: FactSources;
  readonly leafWriter: LeafWriter;
  readonly outcomeDueMs: number;
  /** Whether the gate itself calls this rail. */
  isManaged(rail: string): boolean;
}

/** What a batch decided, beside the rows in its state. */
export interface Folded {
  readonly leaves: LeafRow[];
  readonly events: OutboxRow[];
  /** Money to be moved by managed rails, after the commit. */
  readonly transfers: ManagedTransfer[];
}

/** Decides the items in order; each sees what those before it did. Nothing leaves this function but values. */
export function foldBatch(items: readonly GateItem[], state: FoldState, context: FoldContext) {
  const folded: Folded = { leaves: [], events: [], transfers: [] };
  const answers = items.map((item) => foldItem(item, state, context, folded));
  return { answers, folded };
}

function foldItem(item: GateItem, state: FoldState, context: FoldContext, folded: Folded): GateAnswer {
  if (item.kind === 'report') return foldOutcome(item, state, context, folded);
  const stale = refuseStaleKey(item.by, context);
  if (stale !== null) return stale;
  return item.kind === 'outcome'
    ? foldOutcome(item, state, context, folded)
    : foldRequest(item, state, context, folded);
}

/** The signature was verified before the locks; a key revoked since then signs nothing. */
function refuseStaleKey(by: { readonly kid: string; readonly partyId: string }, context: FoldContext) {
  const key = context.sources.registry.key(by.kid);
  if (key === undefined || key.party !== by.partyId) return refuse('key_unknown', 'header.kid');
  const retired = key.retiredAtMs !== null && !(context.judgedAtMs < key.retiredAtMs);
  return retired ? refuse('key_retired', 'header.kid') : null;
}

/** A presenter's clock may run ahead of ours by this; more, and a token signed today would be good for another year. */
const SIGNED_AHEAD_MS_MAX = 60_000;

/** A request is an act, not a standing right: outside its few minutes the signature says nothing any more. */
export function refuseUntimely(claims: { readonly iat: number; readonly exp: number }, judgedAtMs: number) {
  if (!(judgedAtMs < claims.exp * 1_000)) return refuse('signature_invalid', 'exp', { verified: true });
  if (claims.iat * 1_000 - judgedAtMs > SIGNED_AHEAD_MS_MAX)
    return refuse('signature_invalid', 'iat', { verified: true });
  return null;
}

function foldRequest(item: RequestItem, state: FoldState, context: FoldContext, folded: Folded): GateAnswer {
  if (item.appendedAtMs !== null && item.appendedAtMs - context.judgedAtMs > LIMITS.clockAheadMsMax) {
    return refuse('clock_untrusted', null, { verified: true });
  }
  const recorded = state.settlement(item.settlementId);
  const isLastWord = recorded !== undefined && !mayRetry(recorded);
  if (isLastWord && recorded.bodyHash.equals(item.bodyHash)) return repeat(item, recorded, folded);
  const untimely = refuseUntimely(item.claims, context.judgedAtMs);
  if (untimely !== null) return untimely;
  const row = state.artifact(item.claims.artifact.id);
  const capture = captureOf(item, state);
  const facts = factsOf(item, context.sources, {
    recorded: isLastWord
      ? { settlementId: recorded.settlementId, bodyHash: recorded.bodyHash.toString('base64url') }
      : null,
    hold: row === undefined ? 'absent' : state.hold(row),
    capture: capture === undefined ? 'absent' : captureFacts(capture),
  });
  const result = decideSettlement(requestOf(item), facts, context.judgedAtMs);
  const { code } = result.decision;
  const id = code !== null && WITHOUT_ID.has(code) ? refusedId(item) : item.settlementId;
  const last = state.settlement(id);
  if (code !== null && last !== undefined && last.bodyHash.equals(item.bodyHash)) {
    if (last.code === code || last.attempt >= ATTEMPTS_MAX) return repeat(item, last, folded);
  }
  const place = { settlementId: id, attempt: last === undefined ? 0 : last.attempt + 1, row, capture };
  return record(item, result, place, state, context, folded);
}

interface Place {
  readonly settlementId: string;
  readonly attempt: number;
  readonly row: IssuedArtifact | undefined;
  readonly capture: RecordedSettlement | undefined;
}

function record(
  item: RequestItem,
  result: SettlementResult,
  place: Place,
  state: FoldState,
  context: FoldContext,
  folded: Folded,
): SettlementAnswer {
  const { decision } = result;
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
  const rail = row === undefined ? '' : (context.sources.registry.counterparty(row.counterpartyId)?.rail ?? 'external');
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
  state.insert({
    settlementId: id, flowId, attempt, artifactId: item.claims.artifact.id, holdId: row?.holdId ?? null,
    action: item.claims.action, actionId, presenter: item.by.partyId, presenterKind: item.by.kind, bodyHash: item.bodyHash, request: item.token,
    outcome, code, field, amount, currency, state: word, rail, refundOf: place.capture?.settlementId ?? null,
    outcomeDueAtMs, claims, readSet, decisionHash, leafHash: leaf.leafHash, judgedAtMs,
  }); // prettier-ignore
  if (outcome === 'authorized' && row !== undefined) apply(item, result, place, row, state);
  if (awaits && row !== undefined && context.isManaged(rail)) {
    folded.transfers.push(transferOf(item, id, decision, row, rail));
  }
  const event = { settlementId: id, attempt, flowId: row?.flowId ?? null, outcome, code, field, state: word };
  folded.events.push(
    decidedEvent(item, { ...event, requestJti: item.claims.jti, decisionHash, leafHash: leaf.leafHash, judgedAtMs }),
  );
  return {
    kind: 'settlement',
    settlementId: id,
    flowId,
    outcome,
    code,
    field,
    state: word,
    receiptClaims: claims,
    replayed: false,
  };
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

/** Who is not the artifact's presenter learns nothing of its money. */
function visibleHold({ decision, hold }: SettlementResult, row: IssuedArtifact | undefined) {
  const hidden = decision.code !== null && WITHOUT_ID.has(decision.code) && decision.code !== 'idempotency_conflict';
  return row === undefined || typeof hold === 'string' || hidden ? null : { hold, currency: row.currency };
}

function repeat(item: RequestItem, recorded: RecordedSettlement, folded: Folded): SettlementAnswer {
  const { settlementId: id, flowId, outcome, code, field, state, claims } = recorded;
  if (item.appendedAtMs !== null) {
    // Who asked over the log is answered there, by the same event again: it names the request that was decided.
    const { request_jti: requestJti } = JSON.parse(claims) as { request_jti: string }; // the gate wrote these claims
    folded.events.push(decidedEvent(item, { ...recorded, requestJti, flowId: flowId === NO_FLOW ? null : flowId }));
  }
  const known = code !== null && isDenialCode(code) ? (code as SettlementDenial) : null; // the gate wrote it
  return {
    kind: 'settlement',
    settlementId: id,
    flowId,
    outcome,
    code: known,
    field,
    state,
    receiptClaims: claims,
    replayed: true,
  };
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

/** An id that depends on who asked and what, so that nobody can occupy another's. */
export function refusedId(item: RequestItem): string {
  const { artifact, action } = item.claims;
  const body = item.bodyHash.toString('base64url');
  return uuid8(hashJson(['settlement-refused', artifact.id, action, settlementActionId(item.claims), body]));
}
