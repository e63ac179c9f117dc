import { setTimeout as wait } from 'node:timers/promises';
import { classify } from './database-errors.js';
import { forgetLocks } from './lock-order.js';
import type { Pool } from './pool.js';
import { type Queryable, type Transaction, query, statement } from './statement.js';

/** Deadlock (40P01) or serialization failure (40001): tried again at most this often. */
const ATTEMPTS_MAX = 5;
const BACKOFF_MS = 5;

/**
 * Runs `act` in one READ COMMITTED transaction and commits when it resolves; any throw rolls back.
 *
 * `act` may run several times, so it must have no effect outside the transaction. After a lost connection during COMMIT
 * the outcome is unknown: a redelivered batch finds out by its lane's `next`.
 *
 * @throws {DependencyError} the database could not be reached, timed out, or refused five times for deadlock
 * @throws {InvariantError} `ERR_STATEMENT_REFUSED`: a constraint or our SQL; retrying would not help
 */
export async function inTransaction<T>(pool: Pool, act: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(pool, act);
    } catch (error) {
      const kind = classify(error);
      if (kind.retry && attempt < ATTEMPTS_MAX) await wait(BACKOFF_MS * attempt);
      else throw kind.error;
    }
  }
}

const SNAPSHOT = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL transaction_timeout = 0';

/** Runs reads that see one moment of the database, for as long as they take. For checks, not for what decides. */
export async function inSnapshot<T>(pool: Pool, act: (tx: Transaction) => Promise<T>): Promise<T> {
  return guarded(() => once(pool, act, SNAPSHOT));
}

/** Runs reads outside any transaction with the same error classes. */
export async function guarded<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw classify(error).error;
  }
}

async function once<T>(pool: Pool, act: (tx: Transaction) => Promise<T>, begin = 'BEGIN'): Promise<T> {
  const tx = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error; // the server ended the session; the running query rejects, and the connection is dropped below
  };
  tx.on('error', onError);
  try {
    forgetLocks(tx);
    await tx.query(begin);
    const result = await act(tx);
    await tx.query('COMMIT');
    return result;
  } catch (error) {
    // A connection that cannot even roll back is closed; the server then rolls back by itself.
    await tx.query('ROLLBACK').catch((failure: Error) => (broken ??= failure));
    throw error;
  } finally {
    tx.off('error', onError);
    tx.release(broken);
  }
}

const CLOCK = statement('clock', 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms');

/** The database clock now, Unix ms. `judgedAtMs` is this, read in a new statement after the locks. */
export async function readClockMs(db: Queryable): Promise<number> {
  const [row] = await query<{ now_ms: number }>(db, CLOCK);
  return row?.now_ms ?? Number.NaN; // not a number denies everything (fail closed)
}
