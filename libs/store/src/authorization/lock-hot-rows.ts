import { uuids } from '../binary-arrays.js';
import { lock, locking } from '../lock-order.js';
import type { Transaction } from '../statement.js';

/** FOR NO KEY UPDATE: the key never changes. `count(*)` over the locked rows keeps the answer one row. */
const LOCK_FLOWS = locking(
  'flows',
  'authorization-lock-flows',
  `SELECT count(*) FROM (
     SELECT 1 FROM flows WHERE flow_id = ANY ($1::uuid[]) ORDER BY flow_id FOR NO KEY UPDATE
   ) AS locked`,
);

const LOCK_BUDGETS = locking(
  'budgets',
  'authorization-lock-budgets',
  `SELECT count(*) FROM (
     SELECT 1 FROM budgets WHERE mandate_id = ANY ($1::uuid[]) ORDER BY depth, mandate_id FOR NO KEY UPDATE
   ) AS locked`,
);

/**
 * Locks what a batch decides on, in the lock order: flows by id, then the budgets of all levels, roots first. Whoever
 * holds a root's budget excludes every other writer of its tree. These statements only lock: under READ COMMITTED the
 * rows a statement saw before a wait are old, so everything decided on is read afterwards, in `readHotState`.
 */
export async function lockHotRows(
  tx: Transaction,
  flowIds: readonly string[],
  mandateIds: readonly string[],
): Promise<void> {
  await lock(tx, LOCK_FLOWS, [uuids(flowIds)]);
  await lock(tx, LOCK_BUDGETS, [uuids(mandateIds)]);
}
