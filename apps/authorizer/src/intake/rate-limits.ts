import { type Rate, TokenBuckets } from '@spendgate/platform';
import type { Candidate } from './candidate.js';
import type { VerifiedRenewal } from './verify-renewal.js';

/**
 * Per agent, then per mandate. Only verified intents count, and a mandate's bucket only for the agent whose mandate it
 * is, so nobody can empty another's.
 */
export class IntentRateLimits {
  private readonly agents: TokenBuckets;
  private readonly mandates: TokenBuckets;

  constructor(rates: { readonly agent: Rate; readonly mandate: Rate }) {
    this.agents = new TokenBuckets(rates.agent);
    this.mandates = new TokenBuckets(rates.mandate);
  }

  /**
   * The log's clock counts: a backlog is judged by how fast it was sent.
   *
   * @returns 0 when there was a token, else milliseconds until there is one
   */
  take({ record, claims }: Candidate, isOwnMandate: boolean): number {
    const agentWaitMs = this.agents.take(claims.iss, record.appendedAtMs);
    if (agentWaitMs > 0 || !isOwnMandate) return agentWaitMs;
    const waitMs = this.mandates.take(claims.mandate, record.appendedAtMs);
    if (waitMs > 0) this.agents.giveBack(claims.iss); // it gets nothing for it
    return waitMs;
  }

  /** A renewal costs its signer what an intent costs an agent. A space is in no party id, so no agent is called so. */
  takeRenewal({ by, record }: VerifiedRenewal): number {
    return this.agents.take(by.kind === 'agent' ? by.party : `service ${by.party}`, record.appendedAtMs);
  }

  /** Of a record that turned out to be a copy: its agent did not send it again, or not for more than the same answer. */
  giveBack({ claims }: Candidate, isOwnMandate: boolean): void {
    this.agents.giveBack(claims.iss);
    if (isOwnMandate) this.mandates.giveBack(claims.mandate);
  }
}
