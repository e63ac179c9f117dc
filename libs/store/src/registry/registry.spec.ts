import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestDatabase, openTestDomain, startTestDatabase } from '@spendgate/testing';
import { inControlAct } from '../control-lock.js';
import { activatePolicies } from '../control/activate-policies.js';
import type { Pool } from '../pool.js';
import { Registry } from './registry.js';

const HOOK_MS = 60_000;
let database: TestDatabase;

beforeEach(async () => {
  database = await startTestDatabase();
  await openTestDomain(database.pool);
}, HOOK_MS);
afterEach(() => database.close());

/** A load that has read its snapshot and whose answer is still under way. */
interface SlowLoad {
  readonly hasRead: Promise<void>;
  readonly arrives: () => void;
}

/** A pool whose connections may be slow to commit: the n-th takes the n-th entry of `slow`, later ones are quick. */
function poolWithSlowLoads(pool: Pool): { pool: Pool; slowNext: () => SlowLoad } {
  const waiting: { read: () => void; arrived: Promise<void> }[] = [];
  const connect = async (): Promise<object> => {
    const slow = waiting.shift();
    const client = await pool.connect();
    if (slow === undefined) return client;
    const query = async (...args: Parameters<typeof client.query>): Promise<unknown> => {
      if (String(args[0]) === 'COMMIT') {
        slow.read();
        await slow.arrived;
      }
      return client.query(...args);
    };
    const release = client.release.bind(client);
    return Object.create(client, { query: { value: query }, release: { value: release } }) as object;
  };
  return {
    pool: Object.create(pool, { connect: { value: connect } }) as Pool, // as: Object.create says nothing of its result
    slowNext: () => {
      const [read, arrived] = [signal(), signal()];
      waiting.push({ read: read.give, arrived: arrived.given });
      return { hasRead: read.given, arrives: arrived.give };
    },
  };
}

function signal(): { given: Promise<void>; give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give };
}

function activate(version: number): Promise<unknown> {
  const policy = { policyId: 'default', version, policyText: 'permit(principal, action, resource);', schemaText: '{}' };
  return inControlAct(database.pool, (act) => activatePolicies(act, [{ ...policy, setHash: `set ${version}` }]));
}

async function epochNow(): Promise<bigint> {
  const { rows } = await database.pool.query<{ control_epoch: bigint }>('SELECT control_epoch FROM domain');
  return rows[0]?.control_epoch ?? -1n;
}

describe('the registry while control acts go on', () => {
  it('I5: a slow load of an older epoch never puts old policies under a newer epoch', async () => {
    const { pool, slowNext } = poolWithSlowLoads(database.pool);
    const registry = new Registry(pool);
    const [first, second] = [slowNext(), slowNext()];
    const old = registry.at({}); // on a cold cache: reads the old epoch with its policies, and is slow to come back
    await first.hasRead;
    const also = registry.at({});
    await second.hasRead;
    await activate(2);
    expect((await registry.at({})).policy('default')?.version).toBe(2);
    const partial = slowNext();
    const missing = registry.at({ kids: ['nobody'] }); // at the new epoch, so it asks for no policies
    await partial.hasRead;
    first.arrives();
    second.arrives();
    await Promise.all([old, also]);
    partial.arrives();
    for (const facts of [await missing, await registry.at({})]) {
      expect(facts.epoch).toBe(await epochNow());
      expect(facts.policy('default')?.version).toBe(2);
    }
  });

  it('I5: facts found by a load of an older epoch are not kept for a newer one', async () => {
    const { pool, slowNext } = poolWithSlowLoads(database.pool);
    const registry = new Registry(pool);
    const slow = slowNext();
    const old = registry.at({ counterparties: ['shop'] });
    await slow.hasRead;
    await activate(2);
    await database.pool.query(`UPDATE counterparties SET state = 'disabled' WHERE counterparty_id = 'shop'`);
    await registry.at({});
    slow.arrives();
    await old;
    expect((await registry.at({ counterparties: ['shop'] })).counterparty('shop')?.state).toBe('disabled');
  });

  it('a load that met an epoch already left behind is made again, with its policies', async () => {
    const registry = new Registry(database.pool);
    const before = await registry.at({});
    await activate(2);
    expect(() => registry.checkEpoch(before, before.epoch + 1n)).toThrow('ERR_REGISTRY_MOVED');
    const after = await registry.at({});
    expect([after.epoch, after.policy('default')?.version]).toEqual([before.epoch + 1n, 2]);
    // A batch that began before says so late: what was loaded since stays.
    expect(() => registry.checkEpoch(before, after.epoch)).toThrow('ERR_REGISTRY_MOVED');
    expect((await registry.at({})).policy('default')?.version).toBe(2);
  });

  it('I7: facts of now are never those of before a control act that has returned, cached or not', async () => {
    const registry = new Registry(database.pool);
    expect((await registry.now({})).policy('default')?.version).toBe(1);
    await activate(2);
    expect((await registry.at({})).policy('default')?.version).toBe(1); // cached: a deciding transaction would find out
    expect((await registry.now({})).policy('default')?.version).toBe(2);
  });

  it('I5: facts of now are not answered from the cache when the epoch cannot be read', async () => {
    const registry = new Registry(database.pool);
    await registry.now({});
    await database.pool.query('ALTER TABLE domain RENAME TO domain_gone');
    await expect(registry.now({})).rejects.toThrow('domain');
  });
});
