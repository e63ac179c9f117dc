import { LIMITS } from '@spendgate/core';
import { z } from 'zod';
import {
  absoluteUri,
  amount,
  captureMode,
  identifier,
  partyId,
  requestClaims,
  sha256Hash,
  shownText,
} from './fields.js';
import { timeSeconds, uuid } from './fields.js';

export const CAPTURES_MAX = LIMITS.capturesMax;
export const EVIDENCE_MAX = 8;
/** An intent lives for a day at most; its id is kept as long, so a replay always meets the first one. */
export const INTENT_LIFETIME_SECONDS_MAX = LIMITS.intentLifetimeMsMax / 1_000;

/** `payment-intent+jwt`: an agent asks to spend at most an amount at one counterparty until a time. */
export const paymentIntentSchema = z.strictObject({
  ...requestClaims,
  mandate: uuid.describe('the mandate to spend under; also the flow and the Kafka key'),
  amount: amount.describe('most that may be captured'),
  counterparty: partyId.describe('the registered payee'),
  audience: partyId.describe('the settlement service that will present the artifact'),
  capture: z
    .strictObject({
      mode: captureMode.describe('single: once and whole or less; partial: once, the rest is released; multi: often'),
      max_captures: z
        .int()
        .min(1)
        .max(CAPTURES_MAX)
        .exactOptional()
        .describe('mode multi only; absent there: no bound below the named maximum'),
      settle_by: timeSeconds
        .exactOptional()
        .describe('last capture before this; Unix seconds; absent: when the artifact expires'),
    })
    .describe('how the amount may be captured'),
  deadline: timeSeconds
    .exactOptional()
    .describe('no decision at this instant or later; Unix seconds, at most exp; absent: exp'),
  reference: shownText(64).describe("the agent's own reference; the settlement must name the same"),
  description: shownText(140).exactOptional().describe('what people see when they approve'),
  purchased_at: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z)?$/)
    .exactOptional()
    .describe('when the purchase was made, RFC 3339 date or UTC date-time; informational, nothing is decided on it'),
  evidence: z
    .array(
      z.strictObject({
        type: identifier.describe('what it is: cart, consent, quote, …'),
        hash: sha256Hash.describe('SHA-256 of its bytes'),
        uri: absoluteUri.exactOptional().describe('where it can be had'),
      }),
    )
    .max(EVIDENCE_MAX)
    .exactOptional()
    .describe('digests of what led to the purchase; kept and shown, not judged'),
});
export type PaymentIntentClaims = z.infer<typeof paymentIntentSchema>;

/** @returns the first claim that contradicts another */
export function checkPaymentIntent(claims: PaymentIntentClaims): string | null {
  if (claims.deadline !== undefined && claims.deadline > claims.exp) return 'deadline';
  if (claims.capture.max_captures !== undefined && claims.capture.mode !== 'multi') return 'capture.max_captures';
  return null;
}
