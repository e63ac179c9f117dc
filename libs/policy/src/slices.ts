import type { PolicyJson } from './cedar.js';
import type { LoadedPolicy } from './load.js';

const ANY = '*';

/**
 * Finds the policies whose scope head can match a request. Cedar evaluates every policy it is given, so its cost is
 * linear in the set; with the heads indexed, a request costs what its own policies cost.
 *
 * Entities have no parents here (load.ts refuses such schemas), so `in` is `==`; strict validation decides `is`.
 */
export class ScopeIndex {
  private readonly buckets = new Map<string, LoadedPolicy[]>();
  /** Heads in use, so that most of a request's eight names need not be built. */
  private readonly heads = { principal: new Set<string>(), action: new Set<string>(), resource: new Set<string>() };

  constructor(policies: readonly LoadedPolicy[]) {
    for (const policy of policies) {
      const resource = headOf(policy.json.resource);
      const principal = headOf(policy.json.principal);
      for (const action of actionsOf(policy.json)) {
        this.heads.principal.add(principal);
        this.heads.action.add(action);
        this.heads.resource.add(resource);
        const bucket = bucketKey(principal, action, resource);
        const listed = this.buckets.get(bucket);
        if (listed === undefined) this.buckets.set(bucket, [policy]);
        else listed.push(policy);
      }
    }
  }

  /** Names of the buckets that exist for a request: at most eight, equal for all requests that share a slice. */
  bucketsFor(principal: string, action: string, resource: string): string[] {
    const found: string[] = [];
    const inUse = (heads: ReadonlySet<string>, id: string) => [ANY, `=${id}`].filter((head) => heads.has(head));
    const [actions, resources] = [inUse(this.heads.action, action), inUse(this.heads.resource, resource)];
    for (const p of inUse(this.heads.principal, principal)) {
      for (const a of actions) {
        for (const r of resources) {
          const bucket = bucketKey(p, a, r);
          if (this.buckets.has(bucket)) found.push(bucket);
        }
      }
    }
    return found;
  }

  /** @returns the policies of these buckets, sorted by id */
  policiesOf(buckets: readonly string[]): LoadedPolicy[] {
    const policies = new Set(buckets.flatMap((bucket) => this.buckets.get(bucket) ?? []));
    return [...policies].sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}

/** JSON quoting keeps an id with a separator in it from passing for another head. */
function bucketKey(principal: string, action: string, resource: string): string {
  return JSON.stringify([principal, action, resource]);
}

/** A constraint this code does not know falls into the bucket every request reads: too many policies, never too few. */
function headOf(constraint: PolicyJson['principal'] | PolicyJson['resource']): string {
  const entity =
    constraint.op === '==' || constraint.op === 'in'
      ? 'entity' in constraint && constraint.entity
      : constraint.op === 'is' && constraint.in !== undefined && 'entity' in constraint.in && constraint.in.entity;
  return entity === false ? ANY : `=${idOf(entity)}`;
}

function actionsOf(policy: PolicyJson): string[] {
  const constraint = policy.action;
  if (constraint.op === '==' && 'entity' in constraint) return [`=${idOf(constraint.entity)}`];
  if (constraint.op === 'in') {
    return 'entity' in constraint
      ? [`=${idOf(constraint.entity)}`]
      : constraint.entities.map((entity) => `=${idOf(entity)}`);
  }
  return [ANY];
}

function idOf(entity: { type: string; id: string } | { __entity: { type: string; id: string } }): string {
  return '__entity' in entity ? entity.__entity.id : entity.id;
}
