import { type DenialCode, decimal, denial, formatMoney, isDenialCode, isRetryable } from '@spendgate/core';

/** An HTTP answer, ready to send. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a verified caller is told beside the code. */
export interface ProblemDetails {
  readonly field?: string | null;
  readonly limit?: unknown;
  /** The signed `decision+jwt`. */
  readonly decision?: string;
  readonly retryAfterSeconds?: number | null;
  readonly [member: string]: unknown;
}

/** Seconds after which asking again may help, when nothing better is known. */
const RETRY_AFTER_SECONDS = 5;

/**
 * RFC 9457 problem of a denial: status, text and advice are the row's. Without `details` the caller is not verified and
 * learns the code only: which part was wrong is no stranger's business.
 */
export function problemOf(code: string, details?: ProblemDetails): Answer {
  const known: DenialCode = isDenialCode(code) ? code : 'internal_denied';
  const row = denial(known);
  const headers = { 'content-type': 'application/problem+json' };
  const common = { type: `urn:spendgate:denial:${known}`, title: row.when, status: row.http, code: known };
  if (details === undefined) return { status: row.http, headers, body: common };
  const { retryAfterSeconds = null, decision, ...shown } = details;
  const retryable = isRetryable(known);
  const seconds = retryAfterSeconds ?? (retryable ? RETRY_AFTER_SECONDS : null);
  return {
    status: row.http,
    headers: seconds === null ? headers : { ...headers, 'retry-after': String(seconds) },
    body: {
      ...common,
      field: null,
      limit: null,
      ...shown,
      ...(decision === undefined ? {} : { decision }),
      retryable,
      retry_after: seconds,
      next: row.next,
    },
  };
}

/** What is not there, or not this caller's: both look the same. */
export const NOT_FOUND: Answer = {
  status: 404,
  headers: { 'content-type': 'application/problem+json' },
  body: { type: 'about:blank', title: 'Not Found', status: 404 },
};

export function jsonAnswer(status: number, body: Readonly<Record<string, unknown>>, headers = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}

/** A stored amount in the one spelling its currency has. @param amount decimal text, major units */
export function spelled(amount: string, currency: string): string {
  return formatMoney(decimal(amount), currency);
}
