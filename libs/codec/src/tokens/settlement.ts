import { z } from 'zod';
import {
  amount,
  artifactReference,
  commonClaims,
  denialCode,
  identifier,
  issuer,
  partyId,
  requestClaims,
} from './fields.js';
import { requestId, settlementAction, sha256Hash, shownText, timeSeconds, uuid } from './fields.js';

/** A request is an act, not a standing right: five minutes cover a queue and a clock, not a stolen log. */
export const SETTLEMENT_REQUEST_LIFETIME_SECONDS_MAX = 300;

/** `settlement-request+jwt`: the settlement service bound by the artifact asks to capture, void or refund. */
export const settlementRequestSchema = z.strictObject({
  ...requestClaims,
  action: settlementAction,
  artifact: artifactReference.describe('the artifact drawn on'),
  capture_id: requestId.exactOptional().describe('capture: its retry key. refund: the capture that is refunded'),
  void_id: requestId.exactOptional().describe('void: its retry key'),
  refund_id: requestId.exactOptional().describe('refund: its retry key'),
  amount: amount.exactOptional().describe('capture and refund; a void gives back whatever is left'),
  counterparty: partyId.describe("the artifact's payee"),
  merchant_reference: shownText(64).describe("the artifact's reference"),
  final: z.boolean().exactOptional().describe('capture only; true: what is left is released; absent: false'),
});
export type SettlementRequestClaims = z.infer<typeof settlementRequestSchema>;

/** Which of the three ids and of the optional claims an action takes; the rest must be absent. */
const TAKES = {
  capture: { capture_id: true, void_id: false, refund_id: false, amount: true },
  void: { capture_id: false, void_id: true, refund_id: false, amount: false },
  refund: { capture_id: true, void_id: false, refund_id: true, amount: true },
} as const;

/** @returns the first claim that contradicts the action */
export function checkSettlementRequest(claims: SettlementRequestClaims): string | null {
  const takes = TAKES[claims.action];
  for (const name of ['capture_id', 'void_id', 'refund_id', 'amount'] as const) {
    if ((claims[name] !== undefined) !== takes[name]) return name;
  }
  if (claims.final !== undefined && claims.action !== 'capture') return 'final';
  return null;
}

/** @returns the retry key: `capture_id`, `void_id` or `refund_id`, whichever the action is kept under. */
export function settlementActionId(claims: SettlementRequestClaims): string {
  const id = { capture: claims.capture_id, void: claims.void_id, refund: claims.refund_id }[claims.action];
  if (id === undefined) throw new TypeError('parseClaims was not called: the action has no id');
  return id;
}

/** `settlement-outcome+jwt`: the settlement service or a registered rail reports what became of the money. */
export const settlementOutcomeSchema = z.strictObject({
  ...requestClaims,
  artifact: artifactReference.describe('a capture id is unique within its artifact only'),
  capture_id: requestId.exactOptional().describe('the capture reported on; exactly one of the two'),
  refund_id: requestId.exactOptional().describe('the refund reported on; exactly one of the two'),
  outcome: z.enum(['completed', 'failed', 'unknown', 'reversed', 'charged_back']),
  amount: amount.describe('what moved, or was to move'),
  rail_reference: shownText(140).exactOptional().describe("the rail's own reference"),
  occurred_at: timeSeconds.describe('when it happened at the rail; Unix seconds'),
});
export type SettlementOutcomeClaims = z.infer<typeof settlementOutcomeSchema>;

/** @returns the first claim that contradicts another */
export function checkSettlementOutcome(claims: SettlementOutcomeClaims): string | null {
  if ((claims.capture_id === undefined) === (claims.refund_id === undefined)) return 'capture_id';
  return null;
}

/** Receipts are kept as long as a chargeback can come. */
export const RECEIPT_LIFETIME_SECONDS_MAX = 400 * 86_400;

const moneyText = z.string().describe("decimal string in major units with exactly the currency's digits; may be zero");

/** `settlement-receipt+jwt`: what the gate decided, and where the money of the hold stands after it. */
export const settlementReceiptSchema = z.strictObject({
  ...commonClaims(issuer, partyId, uuid),
  request_jti: requestId.describe("the request's jti"),
  request_hash: sha256Hash.describe("SHA-256 over the RFC 8785 form of the request's claims without iat, exp and jti"),
  action: settlementAction,
  action_id: requestId.describe("the presenter's capture_id, void_id or refund_id"),
  artifact: artifactReference.describe('as the request named it'),
  outcome: z.enum(['authorized', 'denied']),
  checks: z
    .strictObject({
      signature: z.boolean(),
      scope_integrity: z.boolean(),
      temporal_validity: z.boolean(),
      environment_binding: z.boolean(),
      policy_hash: z.boolean(),
      origin: z.boolean(),
      revocation_state: z.boolean(),
      lineage: z.boolean(),
    })
    .describe('the eight checks; all reported, whatever the outcome'),
  code: denialCode.nullable().describe('denial code; null when authorized'),
  field: z.string().max(256).nullable().describe('the field the code is about'),
  amount: amount.nullable().describe('granted: captured, released or refunded; null when denied'),
  money: z
    .strictObject({
      currency: z.string(),
      held: moneyText,
      capturing: moneyText,
      captured: moneyText,
      released: moneyText,
      refunded: moneyText,
    })
    .nullable()
    .describe('the hold after this act; null when no hold was found or the caller may not see it'),
  state: identifier.describe(
    'of this settlement: capturing, captured, returned, unknown, released, refunding, refunded, denied',
  ),
  outcome_due: timeSeconds.nullable().describe('an outcome is expected before this; Unix seconds'),
  decision_hash: sha256Hash.describe('the frozen read set'),
  leaf_hash: sha256Hash.describe('RFC 9162 hash of its audit leaf'),
});
export type SettlementReceiptClaims = z.infer<typeof settlementReceiptSchema>;

/** @returns the first claim that contradicts another */
export function checkSettlementReceipt(claims: SettlementReceiptClaims): string | null {
  if ((claims.outcome === 'authorized') !== (claims.code === null)) return 'code';
  if ((claims.outcome === 'authorized') !== (claims.amount !== null)) return 'amount';
  return null;
}
