import type { Json } from '../admission/types.js';
import { InvariantError } from '../errors.js';
import type { SettlementDecision, SettlementRequest } from './types.js';

/** What the gate alone knows about a receipt it signs. */
export interface ReceiptNaming {
  readonly issuer: string;
  readonly settlementId: string;
  /** base64url SHA-256 of the request as received. */
  readonly requestHash: string;
  readonly decisionHash: string;
  readonly leafHash: string;
  /** Seconds; of the judging. */
  readonly iat: number;
}
export type ReceiptClaims = { readonly [name: string]: Json };

/** Claims of a settlement receipt, plain JSON. */
export function receiptClaims(
  request: SettlementRequest,
  decision: SettlementDecision,
  naming: ReceiptNaming,
): ReceiptClaims {
  throw new InvariantError('ERR_NOT_WRITTEN', [request.actionId, decision.outcome, naming.issuer].join());
}
