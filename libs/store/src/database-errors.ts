import { isNativeError } from 'node:util/types';
import { DependencyError, InvariantError, SpendgateError } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import pg from 'pg';

/** SQLSTATEs where the same transaction, run again, may well succeed: deadlock, serialization failure. */
const RETRIED = new Set(['40P01', '40001']);

/** SQLSTATE classes that say our statement or our data is wrong: data exception, integrity, syntax or access rule. */
const DEFECT_CLASSES = new Set(['22', '23', '42']);

export interface Classified {
  readonly retry: boolean;
  readonly error: Error;
}

/**
 * Two reactions exist (design 6), so each database error becomes one of two: wait and redeliver, or stop and look.
 * Everything not known to be a defect counts as the database being away: nothing was decided.
 */
export function classify(error: unknown): Classified {
  if (error instanceof SpendgateError || error instanceof StartError) return { retry: false, error };
  if (error instanceof pg.DatabaseError) return classifyServerError(error);
  if (isConnectionError(error)) return { retry: false, error: away(error.message, error) };
  return { retry: false, error: isNativeError(error) ? error : new Error(String(error)) };
}

function classifyServerError(error: pg.DatabaseError): Classified {
  const state = error.code ?? '';
  if (RETRIED.has(state)) return { retry: true, error: away(`gave up after repeated ${state}`, error) };
  if (!DEFECT_CLASSES.has(state.slice(0, 2))) return { retry: false, error: away(`${state} ${error.message}`, error) };
  const place = [error.table, error.constraint].filter((each) => each !== undefined).join('.');
  const message = `${state} ${error.message}${place === '' ? '' : ` (${place})`}`;
  return { retry: false, error: new InvariantError('ERR_STATEMENT_REFUSED', message, { cause: error }) };
}

function away(message: string, cause: Error): DependencyError {
  return new DependencyError('ERR_DATABASE_UNAVAILABLE', message, { cause });
}

/** pg reports lost connections as plain errors: system ones carry a code and a syscall, its own a fixed message. */
function isConnectionError(error: unknown): error is Error {
  if (!isNativeError(error)) return false;
  return (
    'syscall' in error || /^(Connection terminated|timeout exceeded when trying to connect|Client )/.test(error.message)
  );
}
