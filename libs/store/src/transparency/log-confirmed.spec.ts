import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { acquireLog, confirmLog, isLogConfirmed, releaseLog } from './log-state.js';

const LEASE_MS = 60_000;
let database: TestDatabase;
beforeEach(async () => {
  database = await startTestDatabase();
}, 60_000);
afterEach(() => database.close());

const acquire = async (owner: string, quorum: number): Promise<bigint> => {
  const state = await acquireLog(database.pool, owner, LEASE_MS, quorum);
  if (state === undefined) throw new Error('the lease is free');
  return state.epoch;
};
const confirmed = () => isLogConfirmed(database.pool);

describe('a log its witnesses have confirmed', () => {
  it('is any where there are no witnesses', async () => {
    expect(await confirmed()).toBe(true);
    await acquire('log', 0);
    expect(await confirmed()).toBe(true);
  });

  it('I5: is none before the quorum has cosigned in this epoch, and each epoch anew', async () => {
    const first = await acquire('log', 1);
    expect(await confirmed()).toBe(false);
    await confirmLog(database.pool, first);
    expect(await confirmed()).toBe(true);
    await releaseLog(database.pool, first);
    const second = await acquire('another', 1);
    await confirmLog(database.pool, first); // its process learns late that it is the log no more
    expect(await confirmed()).toBe(false);
    await confirmLog(database.pool, second);
    expect(await confirmed()).toBe(true);
  });

  it('I5: is none once its lease is over: so stands a database that comes back from a backup', async () => {
    await confirmLog(database.pool, await acquire('log', 1));
    await database.pool.query(`UPDATE log_state SET leased_until = clock_timestamp() - interval '1 s'`);
    expect(await confirmed()).toBe(false);
  });
});
