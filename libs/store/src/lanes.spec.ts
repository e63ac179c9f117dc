import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { LaneLost, type LaneSource, LaneStopped, acquireLane, advanceLane, fence, fenceLeased } from './lanes.js';
import { acquireLeasedLane, adoptEndedLanes, releaseLane, renewLane } from './leased-lanes.js';
import { inTransaction } from './transaction.js';

const SOURCE: LaneSource = { clusterId: 'cluster-a', partitions: 8, firstOffset: 0n, endOffset: 100n };
const NAME = 'payment-intents.v1/3';
let database: TestDatabase;

beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());
beforeEach(() => database.pool.query('TRUNCATE lanes'));

function claim(lease: Parameters<typeof fence>[1], first: bigint, last: bigint) {
  return inTransaction(database.pool, (tx) => fence(tx, lease, first, last));
}

describe('a lane', () => {
  it('starts at the first offset the log still has, and goes on where the last owner committed', async () => {
    const first = await acquireLane(database.pool, NAME, { ...SOURCE, firstOffset: 5n });
    expect(first.next).toBe(5n);
    await claim(first.lease, 5n, 9n);
    const second = await acquireLane(database.pool, NAME, { ...SOURCE, firstOffset: 5n });
    expect(second.next).toBe(10n);
    expect(second.lease.epoch).toBe(first.lease.epoch + 1n);
  });

  it('refuses the owner before, at once after another has taken it', async () => {
    const { lease: old } = await acquireLane(database.pool, NAME, SOURCE);
    const { lease } = await acquireLane(database.pool, NAME, SOURCE);
    await expect(claim(old, 0n, 0n)).rejects.toThrow(LaneLost);
    await expect(
      inTransaction(database.pool, (tx) => advanceLane(tx, old, { leafSeq: 1n, outboxSeq: 1n })),
    ).rejects.toThrow(LaneLost);
    await expect(claim(lease, 0n, 0n)).resolves.toMatchObject({ leafSeq: 0n, outboxSeq: 0n });
  });

  it('never takes the same offsets twice, and gives them back when the transaction does not commit', async () => {
    const { lease } = await acquireLane(database.pool, NAME, SOURCE);
    const failing = inTransaction(database.pool, async (tx) => {
      await fence(tx, lease, 0n, 4n);
      throw new Error('after the fence');
    });
    await expect(failing).rejects.toThrow('after the fence');
    await claim(lease, 0n, 4n);
    await expect(claim(lease, 0n, 4n)).rejects.toThrow(LaneLost);
    await expect(claim(lease, 4n, 6n)).rejects.toThrow(LaneLost);
  });

  it('keeps its counters: numbers go on where the last commit left them, the append mark never goes back', async () => {
    const { lease } = await acquireLane(database.pool, NAME, SOURCE);
    await inTransaction(database.pool, async (tx) => {
      await fence(tx, lease, 0n, 0n);
      await advanceLane(tx, lease, { leafSeq: 7n, outboxSeq: 3n, appendedMarkMs: 2_000, publishedThrough: 2n });
    });
    await inTransaction(database.pool, async (tx) => {
      await fence(tx, lease, 1n, 1n);
      await advanceLane(tx, lease, { leafSeq: 8n, outboxSeq: 4n, appendedMarkMs: 1_000 });
    });
    expect(await claim(lease, 2n, 2n)).toEqual({ leafSeq: 8n, outboxSeq: 4n, appendedMarkMs: 2_000, published: 2n });
  });

  it.each([
    ['the cluster is another', { clusterId: 'cluster-b' }, 'identity cluster-b'],
    ['the topic has another partition count', { partitions: 16 }, '16 partitions'],
    ['its offset is gone from the log', { firstOffset: 11n }, 'offset 10 is gone'],
    ['its offset is beyond the end of the log', { endOffset: 9n }, "beyond the log's end 9"],
  ])('stops, and stays stopped for every later owner, when %s', async (_why, change, reason) => {
    const { lease } = await acquireLane(database.pool, NAME, SOURCE);
    await claim(lease, 0n, 9n);
    await expect(acquireLane(database.pool, NAME, { ...SOURCE, ...change })).rejects.toThrow(reason);
    await expect(acquireLane(database.pool, NAME, SOURCE)).rejects.toThrow(LaneStopped);
    await expect(claim(lease, 10n, 10n)).rejects.toThrow(LaneLost);
  });

  it('is taken when the end was read before its last owner moved on: only an end read afterwards can tell', async () => {
    const { lease } = await acquireLane(database.pool, NAME, SOURCE);
    const old = { ...SOURCE, endOffset: 5n };
    await claim(lease, 0n, 9n);
    const taken = await acquireLane(database.pool, NAME, old, () => Promise.resolve({ ...SOURCE, endOffset: 10n }));
    expect(taken.next).toBe(10n);
  });

  it('may move on once more while the end is read again', async () => {
    const { lease } = await acquireLane(database.pool, NAME, SOURCE);
    await claim(lease, 0n, 9n);
    const reread = async (): Promise<LaneSource> => {
      await claim(lease, 10n, 11n);
      return { ...SOURCE, endOffset: 11n };
    };
    expect((await acquireLane(database.pool, NAME, { ...SOURCE, endOffset: 5n }, reread)).next).toBe(12n);
  });
});

describe('a leased lane', () => {
  it('is its own for each process at the same time', async () => {
    const names = await Promise.all(
      ['a', 'b', 'c'].map(async (owner) => (await acquireLeasedLane(database.pool, 'gate-http', owner, 30)).name),
    );
    expect(names.sort()).toEqual(['gate-http/0', 'gate-http/1', 'gate-http/2']);
  });

  it('is taken over once its lease ended, and its owner before is refused from then on', async () => {
    const old = await acquireLeasedLane(database.pool, 'gate-http', 'a', -1);
    const lease = await acquireLeasedLane(database.pool, 'gate-http', 'b', 30);
    expect(lease.name).toBe(old.name);
    await expect(renewLane(database.pool, old, 30)).rejects.toThrow(LaneLost);
    await expect(inTransaction(database.pool, (tx) => fenceLeased(tx, old))).rejects.toThrow(LaneLost);
    await inTransaction(database.pool, (tx) => fenceLeased(tx, lease));
  });

  it('with events unpublished is adopted by a process that has a lane already', async () => {
    const left = await acquireLeasedLane(database.pool, 'gate-http', 'a', 30);
    await inTransaction(database.pool, (tx) => advanceLane(tx, left, { leafSeq: 0n, outboxSeq: 2n }));
    expect(await adoptEndedLanes(database.pool, 'gate-http', 'b', 30)).toEqual([]);
    await releaseLane(database.pool, left);
    const adopted = await adoptEndedLanes(database.pool, 'gate-http', 'b', 30);
    expect(adopted.map((lease) => lease.name)).toEqual([left.name]);
  });
});
