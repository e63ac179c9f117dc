import { type Candidate, type Judged, type Refusal, refuse } from './candidate.js';
import type { IntentRateLimits } from './rate-limits.js';

/** Body hashes of intents that have a decision, by intent id. */
export type FindRecorded = (intentIds: readonly string[]) => Promise<ReadonlyMap<string, Buffer>>;

interface Charge {
  readonly candidate: Candidate;
  readonly isOwnMandate: boolean;
  /** 0: it has its tokens. */
  waitMs: number;
  isGivenBack: boolean;
}

/**
 * What the token buckets said to the records of one batch: each is charged once, however often the batch is begun again.
 *
 * Whoever sees an agent's signed intent can send copies of it, so copies are given their tokens back: after the commit,
 * which knows them for free, and before anybody is refused, by asking which of the batch are decided already.
 */
export class BatchCharges {
  private readonly charges = new Map<bigint, Charge>();

  constructor(
    private readonly limits: IntentRateLimits,
    private readonly findRecorded: FindRecorded,
  ) {}

  /** @param isOwnMandate whether the mandate an intent names is its agent's own */
  async limit(
    verified: readonly Judged<Candidate>[],
    isOwnMandate: (candidate: Candidate) => boolean,
  ): Promise<Judged<Candidate>[]> {
    const fresh = verified.flatMap((each) => {
      if (!each.ok || this.charges.has(each.value.record.offset)) return [];
      return [this.charge(each.value, isOwnMandate(each.value))];
    });
    if (fresh.some(({ waitMs }) => waitMs > 0)) await this.askAgain(fresh);
    return verified.map((each) => {
      const waitMs = each.ok ? (this.charges.get(each.value.record.offset)?.waitMs ?? 0) : 0;
      return each.ok && waitMs > 0 ? refuse(each.value.record, 'rate_limited', null, { retryAfterMs: waitMs }) : each;
    });
  }

  /** @param refusals of the committed batch */
  settle(refusals: readonly Refusal[]): void {
    for (const { record, code } of refusals) {
      const charge = code === 'intent_replayed' ? this.charges.get(record.offset) : undefined;
      if (charge !== undefined) this.giveBack(charge);
    }
  }

  private charge(candidate: Candidate, isOwnMandate: boolean): Charge {
    const charge = { candidate, isOwnMandate, waitMs: this.limits.take(candidate, isOwnMandate), isGivenBack: false };
    this.charges.set(candidate.record.offset, charge);
    return charge;
  }

  /** Somebody would be refused: copies give their tokens back first, and who is no copy asks again. */
  private async askAgain(charges: readonly Charge[]): Promise<void> {
    const decided = new Map(await this.findRecorded([...new Set(charges.map((each) => each.candidate.intentId))]));
    const others: Charge[] = [];
    for (const charge of charges) {
      const { intentId, bodyHash } = charge.candidate;
      if (decided.get(intentId)?.equals(bodyHash) === true) this.giveBack(charge);
      else others.push(charge);
      if (!decided.has(intentId)) decided.set(intentId, bodyHash); // a later one of this batch is the copy
    }
    for (const charge of others) {
      if (charge.waitMs > 0) charge.waitMs = this.limits.take(charge.candidate, charge.isOwnMandate);
    }
  }

  private giveBack(charge: Charge): void {
    if (charge.isGivenBack || charge.waitMs > 0) return;
    charge.isGivenBack = true;
    this.limits.giveBack(charge.candidate, charge.isOwnMandate);
  }
}
