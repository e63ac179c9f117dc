import { type DenialCode, denial, isDenialCode, isRetryable } from '@spendgate/core';

/** An HTTP answer, ready to send. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a verified caller is told beside the code; other members are shown as they are. */
export interface ProblemDetails {
  readonly field?: string | null;
  readonly limit?: unknown;
  /** When asking again may help, if that is known. */
  readonly retryAfterMs?: number | null;
  readonly [member: string]: unknown;
}

export const PROBLEM_TYPE = 'application/problem+json';
/** Seconds after which asking again may help, when nothing better is known. */
const RETRY_AFTER_SECONDS = 5;

/**
 * RFC 9457 problem of a denial: status, text and advice are the row's. Without `details` the caller is not verified and
 * learns the code only: which part was wrong is no stranger's business.
 *
 * @param stored a code of the table; anything else is `internal_denied`
 */
export function problemOf(
  stored: string,
  details?: ProblemDetails,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const code: DenialCode = isDenialCode(stored) ? stored : 'internal_denied';
  const row = denial(code);
  const all = { 'content-type': PROBLEM_TYPE, ...headers };
  const common = { type: `urn:spendgate:denial:${code}`, title: row.when, status: row.http, code };
  if (details === undefined) return { status: row.http, headers: all, body: common };
  const { retryAfterMs = null, field = null, limit = null, ...shown } = details;
  const retryable = isRetryable(code);
  const seconds = retryAfterMs !== null ? Math.ceil(retryAfterMs / 1_000) : retryable ? RETRY_AFTER_SECONDS : null;
  return {
    status: row.http,
    headers: seconds === null ? all : { ...all, 'retry-after': String(seconds) },
    body: { ...common, field, limit, ...shown, retryable, retry_after: seconds, next: row.next },
  };
}

/** What is not there, or not this caller's: both look the same. */
export const NOT_FOUND: Answer = {
  status: 404,
  headers: { 'content-type': PROBLEM_TYPE },
  body: { type: 'about:blank', title: 'Not Found', status: 404 },
};

export function jsonAnswer(status: number, body: Readonly<Record<string, unknown>>, headers = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}
