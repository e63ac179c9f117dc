import { InvariantError } from '../errors.js';
import type { Mandate } from './types.js';

/** A dimension in which a child must not be wider than its parent. */
export type ScopeDimension =
  | 'principal'
  | 'currency'
  | 'total_limit'
  | 'per_transaction_limit'
  | 'counterparties'
  | 'validity'
  | 'policy'
  | 'environment'
  | 'approvals'
  | 'park_seconds'
  | 'depth';

export interface ScopeVerdict {
  /** `null`: not wider anywhere. */
  readonly code: 'scope_escalation' | null;
  readonly dimension: ScopeDimension | null;
}

/** Whether a child mandate stays within its parent. */
export function checkScope(child: Mandate, parent: Mandate): ScopeVerdict {
  throw new InvariantError('ERR_NOT_WRITTEN', `${child.id} ${parent.id}`);
}
export function isNarrower(child: Mandate, parent: Mandate): boolean {
  return checkScope(child, parent).code === null;
}
