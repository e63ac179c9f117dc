import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DependencyError, InvariantError } from '@spendgate/core';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { createPool } from './pool.js';
import { guarded, inTransaction, readClockMs } from './transaction.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await startTestDatabase();
  await database.pool.query('CREATE TABLE numbers (id integer PRIMARY KEY, value integer NOT NULL)');
  await database.pool.query('INSERT INTO numbers VALUES (1, 0), (2, 0)');
});
afterAll(() => database.close());

describe('a transaction', () => {
  it('is run again after a deadlock, until both sides are through', async () => {
    const both = async (first: number, second: number, meet: () => Promise<void>): Promise<void> => {
      let attempt = 0;
      await inTransaction(database.pool, async (tx) => {
        attempt += 1;
        await tx.query('UPDATE numbers SET value = value + 1 WHERE id = $1', [first]);
        if (attempt === 1) await meet();
        await tx.query('UPDATE numbers SET value = value + 1 WHERE id = $1', [second]);
      });
    };
    const meet = rendezvous(2);
    await Promise.all([both(1, 2, meet), both(2, 1, meet)]);
    const { rows } = await database.pool.query('SELECT value FROM numbers ORDER BY id');
    expect(rows).toEqual([{ value: 2 }, { value: 2 }]);
  });

  it('says a broken constraint is a defect, and nothing stays of it', async () => {
    const breaking = inTransaction(database.pool, async (tx) => {
      await tx.query('INSERT INTO numbers VALUES (3, 0)');
      await tx.query('INSERT INTO numbers VALUES (1, 0)');
    });
    await expect(breaking).rejects.toThrow(InvariantError);
    expect((await database.pool.query('SELECT 1 FROM numbers WHERE id = 3')).rowCount).toBe(0);
  });

  it('says a lost session is the database being away, and the pool goes on with another', async () => {
    const lost = inTransaction(database.pool, async (tx) => {
      const { rows } = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await database.pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
      await tx.query('SELECT 1');
    });
    await expect(lost).rejects.toThrow(DependencyError);
    expect(await readClockMs(database.pool)).toBeGreaterThan(0);
  });

  it('says a server that cannot be reached is away', async () => {
    const pool = createPool('postgresql://nobody:none@127.0.0.1:1/none');
    await expect(inTransaction(pool, () => Promise.resolve())).rejects.toThrow(DependencyError);
    await expect(guarded(() => pool.query('SELECT 1'))).rejects.toThrow(DependencyError);
    await pool.end();
  });

  it('is bounded by the server, so that a stopped process cannot keep its locks', async () => {
    const { rows } = await database.pool.query(
      `SELECT name, setting::int > 0 AS bounded FROM pg_settings
       WHERE name IN ('idle_in_transaction_session_timeout', 'lock_timeout', 'transaction_timeout') ORDER BY name`,
    );
    expect(rows.map((row: { bounded: boolean }) => row.bounded)).toEqual([true, true, true]);
  });

  it('reads bigint columns as bigint, so that no offset is ever rounded', async () => {
    const { rows } = await database.pool.query(
      "SELECT 9007199254740993::bigint AS one, '{1,9007199254740993}'::bigint[] AS many, '{}'::bigint[] AS none",
    );
    expect(rows[0]).toEqual({ one: 9007199254740993n, many: [1n, 9007199254740993n], none: [] });
  });
});

/** Resolves for all once `count` have arrived. */
function rendezvous(count: number): () => Promise<void> {
  let arrived = 0;
  let open = (): void => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  return () => {
    arrived += 1;
    if (arrived === count) open();
    return all;
  };
}
