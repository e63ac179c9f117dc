import type { Candidate, Judged } from './candidate.js';
import { refuse } from './candidate.js';
import { type Rate, TokenBuckets } from '@spendgate/platform';

/** Per agent, then per mandate; only verified intents count, so nobody can empty another's bucket. */
export class IntentRateLimits {
  private readonly agents: TokenBuckets;
  private readonly mandates: TokenBuckets;

  constructor(rates: { readonly agent: Rate; readonly mandate: Rate }) {
    this.agents = new TokenBuckets(rates.agent);
    this.mandates = new TokenBuckets(rates.mandate);
  }

  /** The log's clock counts: a backlog is judged by how fast it was sent. */
  take(candidate: Candidate): Judged<Candidate> {
    const { record, claims } = candidate;
    const waitMs =
      this.agents.take(claims.iss, record.appendedAtMs) || this.mandates.take(claims.mandate, record.appendedAtMs);
    if (waitMs === 0) return { ok: true, value: candidate };
    return refuse(record, 'rate_limited', null, { retryAfterMs: waitMs });
  }
}
