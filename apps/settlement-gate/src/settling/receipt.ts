import { type SettlementReceiptClaims, canonicalize, settlementActionId, sha256 } from '@spendgate/codec';
import {
  type CurrencyTable,
  type Hold,
  type SettlementDecision,
  type VerificationCheck,
  ISO_4217,
  formatMoney,
} from '@spendgate/core';
import type { RequestItem } from './gate-item.js';

/** Receipts are kept as long as a chargeback can come; the hold's own life is shorter. */
const RECEIPT_LIFETIME_SECONDS = 400 * 86_400;

/** What the gate knows about a receipt beside request and decision. */
export interface ReceiptNaming {
  readonly issuer: string;
  readonly settlementId: string;
  readonly judgedAtMs: number;
  readonly outcomeDueAtMs: number | null;
  readonly decisionHash: Buffer;
  readonly leafHash: Buffer;
}

/** SHA-256 over the canonical read set: what was decided on, frozen. */
export function decisionHashOf(readSet: string): Buffer {
  return sha256(readSet);
}

/**
 * The receipt's claims in RFC 8785 form. A pure function of what is stored, and Ed25519 is deterministic, so the
 * receipt has the same bytes each time it is asked for.
 *
 * @param hold the hold after this act; `null` when there was none, or the caller may not see it
 */
export function receiptText(
  item: RequestItem,
  decision: SettlementDecision,
  hold: { readonly hold: Hold; readonly currency: string } | null,
  naming: ReceiptNaming,
  currencies: CurrencyTable = ISO_4217,
): string {
  const iat = Math.floor(naming.judgedAtMs / 1000);
  const { amount, currency } = decision;
  const claims: SettlementReceiptClaims = {
    iss: naming.issuer,
    aud: item.by.partyId,
    iat,
    exp: iat + RECEIPT_LIFETIME_SECONDS,
    jti: naming.settlementId,
    request_jti: item.claims.jti,
    request_hash: item.bodyHash.toString('base64url'),
    action: item.claims.action,
    action_id: settlementActionId(item.claims),
    artifact: item.claims.artifact,
    outcome: decision.outcome,
    checks: checksOf(decision),
    code: decision.code,
    field: decision.field,
    amount: amount === null || currency === null ? null : { value: amount, currency },
    money: hold === null ? null : moneyOf(hold.hold, hold.currency, currencies),
    state: decision.state,
    outcome_due: naming.outcomeDueAtMs === null ? null : Math.ceil(naming.outcomeDueAtMs / 1000),
    decision_hash: naming.decisionHash.toString('base64url'),
    leaf_hash: naming.leafHash.toString('base64url'),
  };
  return canonicalize(claims);
}

function moneyOf(hold: Hold, currency: string, table: CurrencyTable): SettlementReceiptClaims['money'] {
  const text = (amount: Hold['held']): string => formatMoney(amount, currency, table);
  return {
    currency,
    held: text(hold.held),
    capturing: text(hold.capturing),
    captured: text(hold.captured),
    released: text(hold.released),
    refunded: text(hold.refunded),
  };
}

function checksOf({ checks }: SettlementDecision): SettlementReceiptClaims['checks'] {
  const ok = (name: VerificationCheck): boolean => checks.some((check) => check.name === name && check.ok);
  return {
    signature: ok('signature'),
    scope_integrity: ok('scope_integrity'),
    temporal_validity: ok('temporal_validity'),
    environment_binding: ok('environment_binding'),
    policy_hash: ok('policy_hash'),
    origin: ok('origin'),
    revocation_state: ok('revocation_state'),
    lineage: ok('lineage'),
  };
}
