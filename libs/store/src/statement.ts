import pg, { type Pool, type PoolClient, type QueryResult, type QueryResultRow } from 'pg';
import { classify } from './database-errors.js';

/** An open transaction: one connection between BEGIN and COMMIT. */
export type Transaction = PoolClient;

/** Where a statement can run: inside a transaction, or on its own. */
export type Queryable = Pool | PoolClient;

/** Constant text under a name: prepared once per connection, so planning costs nothing on the hot path. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Declares a hot statement. Names are unique across libs/store; a spec holds that. */
export function statement(name: string, text: string): Statement {
  return { name, text };
}

/**
 * Runs a statement and gives its rows; `R` must name the columns as the text selects them.
 *
 * @throws {DependencyError} on a pool: the database is away @throws {InvariantError} on a pool: it refused our statement
 */
export async function query<R extends QueryResultRow>(
  db: Queryable,
  { name, text }: Statement,
  values: readonly unknown[] = [],
): Promise<R[]> {
  return (await send<R>(db, { name, text }, values)).rows;
}

/** Runs a statement that returns nothing. @returns how many rows it touched */
export async function execute(
  db: Queryable,
  { name, text }: Statement,
  values: readonly unknown[] = [],
): Promise<number> {
  return (await send(db, { name, text }, values)).rowCount ?? 0;
}

/** Inside a transaction errors stay as they are: `inTransaction` classifies them, and may try again. */
async function send<R extends QueryResultRow>(
  db: Queryable,
  { name, text }: Statement,
  values: readonly unknown[],
): Promise<QueryResult<R>> {
  try {
    return await db.query<R>({ name, text, values: [...values] });
  } catch (error) {
    throw db instanceof pg.Pool ? classify(error).error : error;
  }
}
