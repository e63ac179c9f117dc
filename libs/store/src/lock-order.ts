import { InvariantError } from '@spendgate/core';
import type { QueryResultRow } from 'pg';
import { type Statement, type Transaction, query, statement } from './statement.js';

/**
 * The one order in which every role takes locks; taking them in another order is a deadlock waiting for load.
 * Within a level: flows by id; budgets by depth, then id (roots first, so holding the root excludes the whole tree);
 * all others by id.
 */
export const LOCK_ORDER = ['control', 'lane', 'flows', 'budgets', 'counters', 'artifacts', 'holds'] as const;
export type LockLevel = (typeof LOCK_ORDER)[number];

/** A statement that only locks: what it returns may be stale after a wait, so nothing in it is decided on. */
export interface LockingStatement extends Statement {
  readonly level: LockLevel;
}

/** Declares a locking statement. A spec holds that no SQL of libs/store locks rows outside such a declaration. */
export function locking(level: LockLevel, name: string, text: string): LockingStatement {
  return { ...statement(name, text), level };
}

/** The highest level each open transaction has locked. */
const reached = new WeakMap<Transaction, number>();

/** Called at BEGIN: a pooled connection carries no levels over from its last transaction. */
export function forgetLocks(tx: Transaction): void {
  reached.delete(tx);
}

/**
 * Takes the locks of one level.
 *
 * @throws {InvariantError} `ERR_LOCK_ORDER`: this transaction already holds this level or a later one
 */
export function lock<R extends QueryResultRow>(
  tx: Transaction,
  locks: LockingStatement,
  values: readonly unknown[] = [],
): Promise<R[]> {
  const level = LOCK_ORDER.indexOf(locks.level);
  const before = reached.get(tx) ?? -1;
  if (level <= before) {
    throw new InvariantError('ERR_LOCK_ORDER', `${locks.name} locks ${locks.level} after ${LOCK_ORDER[before]}`);
  }
  reached.set(tx, level);
  return query<R>(tx, locks, values);
}
