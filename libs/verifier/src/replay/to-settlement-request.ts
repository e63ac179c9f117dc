import { type SettlementRequestClaims, settlementActionId } from '@spendgate/codec';
import type { SettlementRequest } from '@spendgate/core';

/** Who presents, as the key says that signed. */
export interface Presenter {
  readonly kind: SettlementRequest['presenterKind'];
  readonly partyId: string;
  /** RFC 7638 thumbprint of the key. */
  readonly kid: string;
}

/** A decoded request as core judges it. Claims are seconds (NumericDate), core counts milliseconds; amounts stay text. */
export function toSettlementRequest(
  claims: SettlementRequestClaims,
  { kind, partyId, kid }: Presenter,
  bodyHash: Buffer,
): SettlementRequest {
  return {
    action: claims.action,
    actionId: settlementActionId(claims),
    presenterKind: kind,
    presenter: partyId,
    presenterJkt: kid,
    artifactId: claims.artifact.id,
    artifactHash: claims.artifact.hash,
    amountText: claims.amount?.value ?? null,
    currency: claims.amount?.currency ?? null,
    counterparty: claims.counterparty,
    reference: claims.merchant_reference,
    captureId: claims.action === 'refund' ? (claims.capture_id ?? null) : null,
    final: claims.final ?? false,
    bodyHash: bodyHash.toString('base64url'),
    iatMs: claims.iat * 1000,
    expMs: claims.exp * 1000,
  };
}
