import type { Decimal } from 'decimal.js';
import type { Governed } from '../mandates/types.js';
import type { AdmissionFacts, Approver } from './types.js';

/**
 * How many people an amount takes: the most that any level asks for.
 *
 * @param amount major units of the levels' currency
 */
export function approversNeeded(levels: readonly Governed[], amount: Decimal): 0 | 1 | 2 {
  const bounds = levels.flatMap(({ mandate }) => mandate.approvals ?? []);
  if (bounds.some(({ twoAbove }) => twoAbove !== null && !amount.lte(twoAbove))) return 2;
  return bounds.some(({ above }) => !amount.lte(above)) ? 1 : 0;
}

/**
 * How many people have approved. Told apart by person and by key: one key under two names is one person, and so is one
 * person with two keys (I10).
 */
export function approversGiven({ approval, approvers }: Pick<AdmissionFacts, 'approval' | 'approvers'>): number {
  if (approval !== 'approved') return 0;
  const people: Approver[] = [];
  for (const next of approvers) if (!people.some((one) => isSameApprover(one, next))) people.push(next);
  return Math.max(1, people.length); // decisions from before two could be asked for say that one did, not who
}

export function isSameApprover(one: Approver, other: Approver): boolean {
  return one.person === other.person || one.kid === other.kid;
}
