import { type Answer, REPLAYED, jsonAnswer, keyAgrees, problemOf } from '@spendgate/http-edge';
import { type Clock, TokenBuckets, Turnstile } from '@spendgate/platform';
import { type Pool, type TransitionVerdict, inControlAct, judgeTransition, rotateKey } from '@spendgate/store';
import type { Submission } from './submit-intent.js';

/** Until its signature is verified a caller is nobody: all of them share this many database connections. */
const UNIDENTIFIED = { atOnceMax: 4, waitingMax: 200 };
/** Per party. A transition is an act everybody else waits for, so a party makes five at once and then one a minute. */
const RATE = { perSecond: 1 / 60, burst: 5 };

interface TransitionParts {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly issuer: string;
}

/**
 * The door for signed key transitions of machines. What does not verify, and what is recorded already, is answered
 * without a lock; the rest runs as a control act: when it is answered, both gates decide by the new keys.
 */
export class SubmitTransition {
  private readonly turnstile = new Turnstile(UNIDENTIFIED);
  private readonly buckets = new TokenBuckets(RATE);

  constructor(private readonly parts: TransitionParts) {}

  async execute({ body, idempotencyKey }: Pick<Submission, 'body' | 'idempotencyKey'>): Promise<Answer> {
    const { pool, clock, issuer } = this.parts;
    const token = body.toString('latin1'); // a compact JWS is ASCII; other bytes fail its form either way
    const judged = this.turnstile.run(() => judgeTransition(pool, token, { domain: issuer, atMs: clock.nowMs() }));
    if (judged === undefined) return problemOf('rate_limited');
    const verdict = await judged;
    if (!verdict.ok) return answerOf(verdict);
    if (!keyAgrees(idempotencyKey, verdict.transition.jti)) return problemOf('malformed', { field: 'Idempotency-Key' });
    if (verdict.isRecorded) return answerOf(verdict);
    const { kind, party } = verdict.transition;
    const retryAfterMs = this.buckets.take(`${kind}/${party}`, clock.nowMs());
    if (retryAfterMs > 0) return problemOf('rate_limited', { retryAfterMs });
    return answerOf(await inControlAct(pool, (act) => rotateKey(act, token)));
  }
}

function answerOf(verdict: TransitionVerdict): Answer {
  if (!verdict.ok) return problemOf(verdict.code, { field: verdict.field });
  const { kind, party, oldKid, successor, activeFromMs, retiredAtMs } = verdict.transition;
  const { isRecorded: replayed } = verdict;
  const body = {
    kind,
    party,
    old: { kid: oldKid, retired_at_ms: retiredAtMs },
    new: { kid: successor.kid, active_from_ms: activeFromMs },
    replayed,
  };
  return jsonAnswer(replayed ? 200 : 201, body, replayed ? REPLAYED : {});
}
