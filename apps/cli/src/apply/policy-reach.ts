import { Decimal } from 'decimal.js';
import { PolicySet } from '@spendgate/policy';
import { type PolicyDeclaration, type Pool, readLiveUnder } from '@spendgate/store';

/** What activating a policy set stops until it is renewed. */
export interface PolicyReach {
  readonly policy: string;
  readonly currency: string;
  /** Artifacts that can still be captured under the policy as it is. */
  readonly live: number;
  /** Of them, those whose slice of it changes: `policy_mismatch` until renewed. */
  readonly affected: number;
  /** Held or in capture by the affected ones: decimal text, major units. */
  readonly amount: string;
}

/** Who the activation of policies would stop, before anybody approves it: one row per policy and currency. */
export async function readPolicyReach(pool: Pool, declared: readonly PolicyDeclaration[]): Promise<PolicyReach[]> {
  const sets = new Map(declared.map((each) => [each.policyId, PolicySet.load({ ...each, version: 0 })]));
  const reach = new Map<string, PolicyReach>();
  for (const group of await readLiveUnder(pool, [...sets.keys()])) {
    const { policyId: policy, currency, artifacts } = group;
    const request = { principal: group.agentId, action: 'spend', resource: group.counterpartyId };
    const isAffected = sets.get(policy)?.slice(request).hash !== group.hash;
    const before = reach.get(`${policy} ${currency}`) ?? { policy, currency, live: 0, affected: 0, amount: '0' };
    const live = before.live + artifacts;
    const affected = before.affected + (isAffected ? artifacts : 0);
    const amount = isAffected ? new Decimal(before.amount).plus(group.amount).toFixed() : before.amount;
    reach.set(`${policy} ${currency}`, { policy, currency, live, affected, amount });
  }
  return [...reach.values()];
}
