import { StartError } from '@spendgate/platform';

const UNIX_SECONDS = /^\d{1,11}$/;
/** Date and time with an offset: a time without one would mean another instant on another machine (RFC 3339 §5.6). */
const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * A time on the command line: ISO 8601 with its offset, a date alone (its first instant in UTC), or Unix seconds.
 *
 * @returns Unix ms
 * @throws {StartError} anything else
 */
export function parseTime(text: string): number {
  if (UNIX_SECONDS.test(text)) return Number(text) * 1000;
  const atMs = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) throw new StartError(`"${text}" is no time; write 2026-01-31T12:00:00Z or Unix seconds`);
  return atMs;
}
