import type { Pool, PoolClient, QueryResultRow } from 'pg';

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

/** Runs a statement and gives its rows; `R` must name the columns as the text selects them. */
export async function query<R extends QueryResultRow>(
  db: Queryable,
  { name, text }: Statement,
  values: readonly unknown[] = [],
): Promise<R[]> {
  const result = await db.query<R>({ name, text, values: [...values] });
  return result.rows;
}

/** Runs a statement that returns nothing. @returns how many rows it touched */
export async function execute(
  db: Queryable,
  { name, text }: Statement,
  values: readonly unknown[] = [],
): Promise<number> {
  const result = await db.query({ name, text, values: [...values] });
  return result.rowCount ?? 0;
}
