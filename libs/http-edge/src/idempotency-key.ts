import type { Answer } from './problem.js';

/** draft-ietf-httpapi-idempotency-key-header: the answer is the one recorded, nothing was done again. */
export const REPLAYED = { 'idempotency-replayed': 'true' } as const;

/** RFC 9651 §3.3.3: a String; `\` escapes itself and the quote. */
const STRING = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/;

/**
 * Whether `Idempotency-Key`, when it was sent, names the id inside the signed object. The id is the key: signed, so that
 * nobody in between can change it, and the same over every door. Another key would promise what it cannot hold.
 *
 * @param header as received: an RFC 9651 String, as the draft has it, or the bare id
 */
export function keyAgrees(header: string | undefined, id: string): boolean {
  if (header === undefined || header === id) return true;
  return STRING.exec(header)?.[1]?.replace(/\\(["\\])/g, '$1') === id;
}

/** RFC 7240 §4.3, `wait=N` in seconds, at most `maxSeconds`; anything else is no wait. Names are in any case (§2). */
export function waitSecondsOf(prefer: string | undefined, maxSeconds: number): number {
  // The first of several counts (§2).
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(prefer ?? '')?.[1];
  return Math.min(Number(seconds ?? 0), maxSeconds);
}

/** Says which wait was honoured (RFC 7240 §3): it may be shorter than the one asked for. */
export function waited(answer: Answer, waitMs: number): Answer {
  if (waitMs === 0) return answer;
  return { ...answer, headers: { ...answer.headers, 'preference-applied': `wait=${Math.floor(waitMs / 1_000)}` } };
}
