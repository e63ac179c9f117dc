import { type DenialCode, denial, isDenialCode, isRetryable } from '@spendgate/core';
import type { GateRefusal, OutcomeAnswer, SettlementAnswer } from '../settling/gate-item.js';

/** An HTTP answer, ready to send. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a verified caller is told beside the code. */
export interface ProblemDetails {
  readonly field?: string | null;
  /** The signed `settlement-receipt+jwt`. */
  readonly receipt?: string;
  readonly retryAfterMs?: number | null;
  readonly [member: string]: unknown;
}

/** Seconds after which asking again may help, when nothing better is known. */
const RETRY_AFTER_SECONDS = 5;
const PROBLEM = { 'content-type': 'application/problem+json' };
/** draft-ietf-httpapi-idempotency-key-header: the answer is the one recorded, nothing was done again. */
const REPLAYED = { 'idempotency-replayed': 'true' };

/**
 * RFC 9457 problem of a denial: status, text and advice are the row's. Without `details` the caller is not verified and
 * learns the code only.
 */
export function problemOf(code: DenialCode, details?: ProblemDetails, headers = {}): Answer {
  const row = denial(code);
  const common = { type: `urn:spendgate:denial:${code}`, title: row.when, status: row.http, code };
  if (details === undefined) return { status: row.http, headers: { ...PROBLEM, ...headers }, body: common };
  const { retryAfterMs = null, field = null, ...shown } = details;
  const retryable = isRetryable(code);
  const seconds = retryAfterMs !== null ? Math.ceil(retryAfterMs / 1_000) : retryable ? RETRY_AFTER_SECONDS : null;
  return {
    status: row.http,
    headers: { ...PROBLEM, ...headers, ...(seconds === null ? {} : { 'retry-after': String(seconds) }) },
    body: { ...common, field, ...shown, retryable, retry_after: seconds, next: row.next },
  };
}

/** What is not there, or not this caller's: both look the same. */
export const NOT_FOUND: Answer = {
  status: 404,
  headers: PROBLEM,
  body: { type: 'about:blank', title: 'Not Found', status: 404 },
};

export const UNSUPPORTED: Answer = {
  status: 415,
  headers: PROBLEM,
  body: { type: 'about:blank', title: 'send one signed object as application/jwt', status: 415 },
};

export function jsonAnswer(status: number, body: Readonly<Record<string, unknown>>, headers = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}

export function refusalAnswer({ code, field, verified, retryAfterMs }: GateRefusal): Answer {
  return verified ? problemOf(code, { field, retryAfterMs }) : problemOf(code);
}

/** @param receipt the signed receipt of this answer */
export function settlementAnswer(answer: SettlementAnswer, receipt: string): Answer {
  const headers = answer.replayed ? REPLAYED : {};
  const { settlementId, outcome, code, field, state } = answer;
  if (code !== null) return problemOf(code, { field, settlement_id: settlementId, receipt }, headers);
  return jsonAnswer(201, { settlement_id: settlementId, outcome, state, receipt }, headers);
}

export function outcomeAnswer({ settlementId, outcomeId, applied, state, replayed }: OutcomeAnswer): Answer {
  const body = { settlement_id: settlementId, outcome_id: outcomeId, applied, state };
  return jsonAnswer(200, body, replayed ? REPLAYED : {});
}

/** The code of a row as the gate stored it. */
export function codeOf(code: string | null): DenialCode | null {
  return code !== null && isDenialCode(code) ? code : null;
}
