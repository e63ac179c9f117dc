import { type EncodedLeaf, type LeafType, encodeLeaf, settlementActionId } from '@spendgate/codec';
import type { SettlementDecision } from '@spendgate/core';
import { LaneRecords, type LeafRow, type SaltSource } from '@spendgate/store';
import type { OutcomeItem, ReportItem, RequestItem } from './gate-item.js';

/** Builds audit leaves; each draws a fresh salt. */
export class LeafWriter {
  constructor(
    private readonly domain: string,
    private readonly salts: SaltSource,
  ) {}

  /** Leaves and events of a containment, on this lane. */
  records(atMs: number): LaneRecords {
    return new LaneRecords({ domain: this.domain, atMs, epoch: 0n }, this.salts);
  }

  /** @param causes leaf hashes of what led to it */
  write(type: LeafType, timeMs: number, payload: object, causes: readonly Buffer[]): LeafRow & EncodedLeaf {
    const salt = this.salts.salt();
    const hashes = causes.map((cause) => cause.toString('base64url'));
    return { ...encodeLeaf({ domain: this.domain, type, timeMs, payload, salt, causes: hashes }), salt };
  }
}

export function settlementLeafType(action: RequestItem['claims']['action'], outcome: string): LeafType {
  return outcome === 'authorized' ? `settlement_${action}_authorized` : 'settlement_denied';
}

/** Payload schema settlement/1. Hashes in base64url. */
export function settlementPayload(
  item: RequestItem,
  decision: SettlementDecision,
  place: {
    readonly settlementId: string;
    readonly attempt: number;
    readonly flowId: string;
    readonly agent: string | null;
  },
  decisionHash: Buffer,
): object {
  return {
    settlement: place.settlementId,
    attempt: place.attempt,
    flow: place.flowId,
    agent: place.agent,
    artifact: item.claims.artifact,
    action: item.claims.action,
    action_id: settlementActionId(item.claims),
    presenter: item.by.partyId,
    presenter_kid: item.by.kid,
    request_hash: item.bodyHash.toString('base64url'),
    outcome: decision.outcome,
    code: decision.code,
    field: decision.field,
    amount: decision.amount,
    currency: decision.currency,
    state: decision.state,
    checks: decision.checks.map(({ name, ok }) => ({ name, ok })),
    decision_hash: decisionHash.toString('base64url'),
  };
}

/** Payload schema outcome/1. */
export function outcomePayload(
  item: OutcomeItem | ReportItem,
  result: { readonly applied: boolean; readonly state: string; readonly opensCase: boolean; readonly flowId: string },
): object {
  const signed = item.kind === 'outcome';
  return {
    outcome_id: item.outcomeId,
    settlement: item.settlementId,
    flow: result.flowId,
    reporter: signed ? item.by.partyId : item.reporter,
    outcome: signed ? item.claims.outcome : item.outcome,
    amount: signed ? item.claims.amount : item.amount,
    rail_reference: signed ? (item.claims.rail_reference ?? null) : item.railReference,
    occurred_at: signed ? item.claims.occurred_at * 1000 : item.occurredAtMs,
    applied: result.applied,
    state: result.state,
    opens_case: result.opensCase,
  };
}
