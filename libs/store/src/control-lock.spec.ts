import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { inControlAct, readControlEpoch, shareControl } from './control-lock.js';
import type { ControlRecord } from './lane-records.js';
import { inTransaction } from './transaction.js';

const RECORD: ControlRecord = {
  type: 'control_act',
  payload: { act: 'spec' },
  event: { name: 'key_removed', subject: { kind: 'key', id: 'k' } },
};
let database: TestDatabase;

beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('TRUNCATE domain, lanes, leaves, outbox');
  await database.pool.query(
    `INSERT INTO domain (issuer, instance_id, kind, rules_version) VALUES ('urn:spendgate:test', gen_random_uuid(), 'own', 1)`,
  );
});

function epoch(): Promise<bigint> {
  return inTransaction(database.pool, readControlEpoch);
}

describe('a control act', () => {
  it('commits its leaf, its event and the next control epoch with its effect', async () => {
    const atMs = await inControlAct(database.pool, (act) => {
      act.record(RECORD);
      return Promise.resolve(act.atMs);
    });
    expect(Math.abs(atMs - Date.now())).toBeLessThan(60_000);
    await inControlAct(database.pool, (act) => Promise.resolve(act.record(RECORD)));
    expect(await epoch()).toBe(2n);
    const { rows } = await database.pool.query<{ seq: bigint }>('SELECT seq FROM leaves ORDER BY seq');
    expect(rows.map((row) => row.seq)).toEqual([0n, 1n]);
    expect((await database.pool.query('SELECT seq FROM outbox')).rowCount).toBe(2);
  });

  it('that changes nothing moves no epoch', async () => {
    await inControlAct(database.pool, () => Promise.resolve());
    expect(await epoch()).toBe(0n);
  });

  it('waits for deciding transactions, and returns only when nothing can be decided on the old state', async () => {
    const order: string[] = [];
    let finish = (): void => undefined;
    const held = new Promise<void>((resolve) => (finish = resolve));
    const deciding = inTransaction(database.pool, async (tx) => {
      await shareControl(tx);
      order.push('deciding');
      await held;
      order.push(`decided in epoch ${await readControlEpoch(tx)}`);
    });
    await until(() => Promise.resolve(order.length === 1));
    const act = inControlAct(database.pool, (control) => {
      control.record(RECORD);
      order.push('acting');
      return Promise.resolve();
    });
    await until(async () => (await waitingForAdvisory()) === 1);
    finish();
    await Promise.all([deciding, act]);
    expect(order).toEqual(['deciding', 'decided in epoch 0', 'acting']);
    expect(await epoch()).toBe(1n);
  });

  it('is refused before a domain exists', async () => {
    await database.pool.query('DELETE FROM domain');
    await expect(inControlAct(database.pool, () => Promise.resolve())).rejects.toThrow('ERR_NO_DOMAIN');
  });
});

async function waitingForAdvisory(): Promise<number> {
  const sql = `SELECT count(*)::int AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()`;
  return (await database.pool.query<{ n: number }>(sql)).rows[0]?.n ?? 0;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await database.pool.query('SELECT 1'); // lets what we wait for go on
  }
}
