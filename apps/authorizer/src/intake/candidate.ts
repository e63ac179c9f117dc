import type { CompactJws, PaymentIntentClaims } from '@spendgate/codec';
import type { DenialCode } from '@spendgate/core';
import type { TransportRecord } from '@spendgate/messaging';

/** A record whose form is in order: strict compact JWS, strict JSON, every claim of its type. Not yet verified. */
export interface DecodedIntent {
  readonly record: TransportRecord;
  /** The token as received. */
  readonly jws: string;
  readonly compact: CompactJws;
  readonly claims: PaymentIntentClaims;
}

/** A verified intent: its signature is the named agent's, so it may occupy an intent id. */
export interface Candidate extends DecodedIntent {
  /** Hash of (domain, agent, mandate, jti): equal for a re-signed or re-sent intent. */
  readonly intentId: string;
  /** SHA-256 over the canonical payload without `iat` and `exp`. */
  readonly bodyHash: Buffer;
  readonly kid: string;
}

/** A record that gets an answer but no decision, and why. */
export interface Refusal {
  readonly record: TransportRecord;
  readonly code: DenialCode;
  readonly field: string | null;
  /** Of a replay: the decision already recorded. */
  readonly decisionId: string | null;
  /** Milliseconds until it is worth asking again; `null`: see the code. */
  readonly retryAfterMs: number | null;
  /** Nobody could read it as a request: kept as evidence in dead letters. */
  readonly unreadable: boolean;
}

/** What became of a record before the locks. */
export type Judged<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export function refuse(
  record: TransportRecord,
  code: DenialCode,
  field: string | null = null,
  more: Partial<Pick<Refusal, 'decisionId' | 'retryAfterMs' | 'unreadable'>> = {},
): { readonly ok: false; readonly refusal: Refusal } {
  return {
    ok: false,
    refusal: { record, code, field, decisionId: null, retryAfterMs: null, unreadable: false, ...more },
  };
}
