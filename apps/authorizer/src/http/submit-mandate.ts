import { type Answer, REPLAYED, jsonAnswer, keyAgrees, problemOf } from '@spendgate/http-edge';
import { type Clock, TokenBuckets, Turnstile } from '@spendgate/platform';
import { type Pool, grantMandate } from '@spendgate/store';
import type { Submission } from './submit-intent.js';

/** Each takes the control lock for itself, so more at once would only wait with a connection in hand. */
const GRANTS = { atOnceMax: 2, waitingMax: 200 };
/** A team's mandates are set up together: this many seconds' worth at once. */
const BURST_SECONDS = 30;

/**
 * The door for signed mandates: a principal's own, and what an agent carves from its own for a sub-agent. Recorded when
 * the answer is given; the same version again gets the same answer.
 */
export class SubmitMandate {
  private readonly turnstile = new Turnstile(GRANTS);
  private readonly signers: TokenBuckets;

  constructor(
    private readonly pool: Pool,
    private readonly clock: Clock,
    perSecond: number,
  ) {
    this.signers = new TokenBuckets({ perSecond, burst: perSecond * BURST_SECONDS });
  }

  async execute(submission: Pick<Submission, 'body' | 'idempotencyKey'>): Promise<Answer> {
    return (await this.turnstile.run(() => this.grant(submission))) ?? problemOf('rate_limited');
  }

  private async grant({ body, idempotencyKey }: Pick<Submission, 'body' | 'idempotencyKey'>): Promise<Answer> {
    const verdict = await grantMandate(this.pool, body.toString('latin1'), {
      keyAgrees: (jti) => keyAgrees(idempotencyKey, jti),
      throttle: ({ kind, id }) => this.signers.take(`${kind}/${id}`, this.clock.nowMs()),
    });
    if (!verdict.ok) {
      const { code, field, version, verified, retryAfterMs } = verdict;
      const stored = version === null ? {} : { version };
      return verified ? problemOf(code, { field, retryAfterMs, ...stored }) : problemOf(code);
    }
    const { mandate, version, hash, replayed } = verdict.granted;
    const headers = { location: `/v1/mandates/${mandate}`, ...(replayed ? REPLAYED : {}) };
    return jsonAnswer(201, { mandate, version, hash, replayed }, headers);
  }
}
