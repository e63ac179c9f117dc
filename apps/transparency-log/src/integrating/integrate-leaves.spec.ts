import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CompactRange } from '@spendgate/audit-log';
import { Metrics } from '@spendgate/platform';
import { LogLost, acquireLog, readAllPlacedLeaves, readLogState, releaseLog } from '@spendgate/store';
import { LeafWriter, type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { verifyStoredLog } from '../verify-stored-log.js';
import { IntegrateLeaves } from './integrate-leaves.js';

const OPTIONS = { batchMax: 1_000, leaseMs: 60_000 };
let database: TestDatabase;
beforeEach(async () => {
  database = await startTestDatabase();
}, 60_000);
afterEach(() => database.close());

async function openLog(owner = 'first', options = OPTIONS): Promise<IntegrateLeaves> {
  const state = await acquireLog(database.pool, owner, options.leaseMs);
  if (state === undefined) throw new Error('the lease is taken');
  return IntegrateLeaves.resume(database.pool, new Metrics(), options, state);
}
async function integrateAll(log: IntegrateLeaves): Promise<void> {
  while ((await log.execute()).more);
}
async function placed(): Promise<{ index: number; hash: string }[]> {
  const all: { index: number; hash: string }[] = [];
  for await (const page of readAllPlacedLeaves(database.pool)) {
    all.push(...page.map(({ index, leafHash }) => ({ index, hash: leafHash.toString('hex') })));
  }
  return all;
}

describe('integrating leaves', () => {
  it('B14: gives every committed leaf of every lane one place, dense from 0, across tiles and batches', async () => {
    const log = await openLog('first', { ...OPTIONS, batchMax: 256 });
    const lanes = await Promise.all(['a', 'b', 'c'].map((name) => LeafWriter.open(database.pool, name)));
    const written: Buffer[] = [];
    for (const count of [1, 300, 7, 600]) {
      for (const lane of lanes) written.push(...(await lane.write(count)));
      await log.execute();
    }
    await integrateAll(log);
    const places = await placed();
    expect(places.map(({ index }) => index)).toEqual([...written.keys()]);
    expect(new Set(places.map(({ hash }) => hash))).toEqual(new Set(written.map((hash) => hash.toString('hex'))));
    const range = CompactRange.empty();
    for (const { hash } of places) range.append(Buffer.from(hash, 'hex'));
    expect(Buffer.from(log.head.root)).toEqual(Buffer.from(range.root()));
    expect(await verifyStoredLog(database.pool)).toMatchObject({ valid: true, size: written.length });
  });

  it('never skips a transaction that commits late on another lane', async () => {
    const log = await openLog();
    const [slow, fast] = [await LeafWriter.open(database.pool, 'a'), await LeafWriter.open(database.pool, 'b')];
    let commit: () => void = () => undefined;
    const late = slow.write(2, [], new Promise((resolve) => (commit = resolve)));
    const early = await fast.write(3);
    expect(await log.execute()).toMatchObject({ leaves: 3 });
    commit();
    const lateHashes = await late;
    expect(await log.execute()).toMatchObject({ leaves: 2, more: false });
    expect((await placed()).map(({ hash }) => hash)).toEqual(
      [...early, ...lateHashes].map((each) => each.toString('hex')),
    );
  });

  it('places a cause before its effect, whichever lanes they are on and however the batches are cut', async () => {
    const [effects, causes] = [await LeafWriter.open(database.pool, 'a'), await LeafWriter.open(database.pool, 'b')];
    const pairs: [string, string][] = [];
    for (let n = 0; n < 40; n += 1) {
      const [, , cause] = await causes.write(3);
      const [effect] = cause === undefined ? [] : await effects.write(1, [cause]);
      pairs.push([cause?.toString('hex') ?? '', effect?.toString('hex') ?? '']);
    }
    const log = await openLog('first', { ...OPTIONS, batchMax: 8 });
    await integrateAll(log);
    const index = new Map((await placed()).map((each) => [each.hash, each.index]));
    expect(index.size).toBe(160);
    for (const [cause, effect] of pairs) expect(index.get(cause)).toBeLessThan(index.get(effect) ?? -1);
  });

  it('continues from the database as if it had never stopped', async () => {
    const lane = await LeafWriter.open(database.pool, 'a');
    for (const count of [1, 254, 1, 255, 70_000 % 613]) {
      await lane.write(count);
      await integrateAll(await openLog());
    }
    expect(await verifyStoredLog(database.pool)).toMatchObject({
      valid: true,
      size: 1 + 254 + 1 + 255 + (70_000 % 613),
    });
  });

  it('lets one process be the log: the one before is fenced off, and writes nothing more', async () => {
    const lane = await LeafWriter.open(database.pool, 'a');
    const first = await openLog('first');
    expect(await acquireLog(database.pool, 'second', 60_000)).toBeUndefined();
    await lane.write(5);
    await first.execute();
    await releaseLog(database.pool, first.epoch);
    const second = await openLog('second');
    await lane.write(5);
    await expect(first.execute()).rejects.toThrow(LogLost);
    expect(await second.execute()).toMatchObject({ leaves: 5 });
    expect((await readLogState(database.pool)).treeSize).toBe(10);
    expect(await verifyStoredLog(database.pool)).toMatchObject({ valid: true, size: 10 });
  });
});

describe('rows changed behind the log', () => {
  it('A35: stops at a leaf edited before it has a place, and names it', async () => {
    const log = await openLog();
    const lane = await LeafWriter.open(database.pool, 'a');
    await lane.write(10);
    await database.pool.query(`UPDATE leaves SET leaf = replace(leaf, '"v":1', '"v":2') WHERE seq = 7`);
    await expect(log.execute()).rejects.toThrow(`ERR_LEAF_ALTERED: leaf 7 of lane ${lane.lease.laneId}`);
    expect((await readLogState(database.pool)).treeSize).toBe(0);
  });

  it.each([3, 9])('A35: stops at a deleted leaf, number %d of 10, and names it', async (seq) => {
    const log = await openLog();
    const lane = await LeafWriter.open(database.pool, 'a');
    await lane.write(10);
    await database.pool.query('DELETE FROM leaves WHERE seq = $1', [seq]);
    await expect(log.execute()).rejects.toThrow(`lane ${lane.lease.laneId} counted leaf ${seq}`);
  });

  it('A35: stops at a row that is no leaf though its hash fits', async () => {
    const log = await openLog();
    const lane = await LeafWriter.open(database.pool, 'a');
    await lane.write(2);
    await database.pool.query(
      `UPDATE leaves SET leaf = 'x', leaf_hash = sha256('\\x00'::bytea || 'x'::bytea) WHERE seq = 1`,
    );
    await expect(log.execute()).rejects.toThrow('its bytes are no leaf');
  });

  it.each([
    ['an edited leaf', `UPDATE leaves SET leaf = leaf || ' ' WHERE seq = 321`, 'leaf_altered', 321],
    ['a deleted leaf', 'DELETE FROM leaves WHERE seq = 322', 'leaf_missing', 322],
    ['a deleted place', 'DELETE FROM log_positions WHERE index = 500', 'leaf_missing', 500],
    ['a place given away', 'UPDATE log_positions SET seq = 3 WHERE index = 400', 'leaf_altered', 400],
    [
      'leaves exchanged with their hashes',
      `UPDATE log_positions p SET seq = q.seq, leaf_hash = q.leaf_hash FROM log_positions q
       WHERE (p.index, q.index) IN ((100, 101), (101, 100))`,
      'tile_differs',
      100,
    ],
    [
      'an edited tile',
      `UPDATE log_tiles SET hashes = set_byte(hashes, 40, 1 + get_byte(hashes, 40) % 255) WHERE level = 1`,
      'tile_differs',
      256,
    ],
  ])('A35: finds %s afterwards, at the right index', async (_, damage, fault, index) => {
    const lane = await LeafWriter.open(database.pool, 'a');
    await lane.write(1_000);
    await integrateAll(await openLog());
    await database.pool.query(damage);
    expect(await verifyStoredLog(database.pool)).toMatchObject({ valid: false, fault, index });
  });

  it('A35: refuses to go on from tiles that do not give its root', async () => {
    const lane = await LeafWriter.open(database.pool, 'a');
    await lane.write(300);
    await integrateAll(await openLog());
    await database.pool.query('UPDATE log_tiles SET hashes = sha256(hashes) WHERE level = 1');
    await expect(openLog()).rejects.toThrow('ERR_TREE_ALTERED');
  });

  it('refuses to write when its head was changed behind its back', async () => {
    const log = await openLog();
    const lane = await LeafWriter.open(database.pool, 'a');
    await lane.write(3);
    await log.execute();
    await database.pool.query(`UPDATE log_state SET root = sha256('other')`);
    await lane.write(1);
    await expect(log.execute()).rejects.toThrow('ERR_LOG_CHANGED');
  });
});
