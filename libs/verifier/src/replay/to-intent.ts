import type { PaymentIntentClaims } from '@spendgate/codec';
import { type Intent, LIMITS } from '@spendgate/core';

/** A decoded intent as core judges it. Claims are seconds (NumericDate), core counts milliseconds. */
export function toIntent(claims: PaymentIntentClaims, intentId: string, bodyHash: Buffer): Intent {
  const { capture, deadline } = claims;
  const many = capture.max_captures ?? LIMITS.capturesMax;
  return {
    intentId,
    bodyHash: bodyHash.toString('base64url'),
    jti: claims.jti,
    agent: claims.iss,
    mandate: claims.mandate,
    amountText: claims.amount.value,
    currency: claims.amount.currency,
    counterparty: claims.counterparty,
    audience: claims.audience,
    capture: {
      mode: capture.mode,
      maxCaptures: capture.mode === 'multi' ? many : 1,
      settleByMs: capture.settle_by === undefined ? null : capture.settle_by * 1000,
    },
    deadlineMs: deadline === undefined ? null : deadline * 1000,
    reference: claims.reference,
    iatMs: claims.iat * 1000,
    expMs: claims.exp * 1000,
  };
}
