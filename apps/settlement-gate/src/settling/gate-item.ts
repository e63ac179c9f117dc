import type { SettlementOutcomeClaims, SettlementRequestClaims } from '@spendgate/codec';
import type { OutcomeWord, SettlementDenial } from '@spendgate/core';

/** Who signed, as the registry knows the key. */
export interface Signatory {
  readonly kind: 'settlement_service' | 'agent' | 'rail';
  readonly partyId: string;
  /** Thumbprint of the key that signed. */
  readonly kid: string;
}

/** A capture, void or refund whose form is in order and whose signature is its signatory's. */
export interface RequestItem {
  readonly kind: 'request';
  readonly claims: SettlementRequestClaims;
  readonly by: Signatory;
  /** The JWS as received. */
  readonly token: string;
  /** SHA-256 over the canonical claims without `iat`, `exp` and `jti`: equal for a re-signed retry. */
  readonly bodyHash: Buffer;
  readonly settlementId: string;
  /** When the log took it, Unix ms; `null` over HTTP, where nothing waits in a log. */
  readonly appendedAtMs: number | null;
}

/** A signed report of what became of the money. */
export interface OutcomeItem {
  readonly kind: 'outcome';
  readonly claims: SettlementOutcomeClaims;
  readonly by: Signatory;
  readonly token: string;
  readonly settlementId: string;
  readonly outcomeId: string;
}

/** What the gate itself learnt: from a rail it calls, or from silence. Nobody outside can make one. */
export interface ReportItem {
  readonly kind: 'report';
  readonly settlementId: string;
  readonly artifactId: string;
  readonly outcomeId: string;
  /** `null`: nobody reported in time. */
  readonly reporter: string | null;
  readonly outcome: OutcomeWord;
  /** What the rail says moved; `null`: the amount it was asked for. */
  readonly amount: string | null;
  readonly railReference: string | null;
  readonly occurredAtMs: number | null;
}

export type GateItem = RequestItem | OutcomeItem | ReportItem;

/** A request that gets an answer but no decision. `verified`: the caller proved who it is, so it may learn more. */
export interface GateRefusal {
  readonly kind: 'refused';
  readonly code: SettlementDenial;
  readonly field: string | null;
  readonly verified: boolean;
  /** Milliseconds until it is worth asking again; `null`: see the code. */
  readonly retryAfterMs: number | null;
}

/** What became of a request: recorded now, or recorded before and told again. */
export interface SettlementAnswer {
  readonly kind: 'settlement';
  readonly settlementId: string;
  readonly flowId: string;
  readonly outcome: string;
  readonly code: SettlementDenial | null;
  readonly field: string | null;
  readonly state: string;
  /** RFC 8785 form of the receipt's claims. */
  readonly receiptClaims: string;
  readonly replayed: boolean;
}

/** What became of a report. */
export interface OutcomeAnswer {
  readonly kind: 'outcome';
  readonly settlementId: string;
  readonly outcomeId: string;
  readonly applied: boolean;
  readonly state: string;
  readonly replayed: boolean;
}

export type GateAnswer = SettlementAnswer | OutcomeAnswer | GateRefusal;

export function refuse(
  code: SettlementDenial,
  field: string | null,
  more: Partial<Pick<GateRefusal, 'verified' | 'retryAfterMs'>> = {},
): GateRefusal {
  return { kind: 'refused', code, field, verified: false, retryAfterMs: null, ...more };
}

/** The artifact an item is about. */
export function artifactIdOf(item: GateItem): string {
  return item.kind === 'report' ? item.artifactId : item.claims.artifact.id;
}
