import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { beat, leave } from './members.js';
import { type AppendedRecord, appendRecords, readRanges, readRecords, trimRecords } from './records.js';
import { checkTopics, createTopics, deleteTopic, readTopics } from './topics.js';
import { AppendListener, notifyAppended } from './wake-up.js';

const INTENTS = 'spendgate.payment-intents.v1';
let database: TestDatabase;

beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('TRUNCATE embedded_topics, embedded_partitions, embedded_records, embedded_members');
  await createTopics(database.pool, [{ topic: INTENTS, partitions: 4 }]);
});

function record(partition: number, value: string): AppendedRecord {
  return { topic: INTENTS, partition, key: null, value: Buffer.from(value), headers: { ce_id: value } };
}

describe('the embedded log', () => {
  it('gives dense offsets per partition in the order given, over several partitions at once', async () => {
    const places = await appendRecords(database.pool, [record(1, 'a'), record(0, 'b'), record(1, 'c')]);
    expect(places.map(({ partition, offset }) => [partition, offset])).toEqual([
      [1, 0n],
      [0, 0n],
      [1, 1n],
    ]);
    const again = await appendRecords(database.pool, [record(1, 'd')]);
    expect(again[0]?.offset).toBe(2n);
    const read = await readRecords(database.pool, [{ topic: INTENTS, partition: 1, offset: 1n }], 10);
    expect(read.map((each) => [each.offset, each.value?.toString(), each.headers])).toEqual([
      [1n, 'c', { ce_id: 'c' }],
      [2n, 'd', { ce_id: 'd' }],
    ]);
  });

  it('keeps offsets dense and loses nothing when many append to the same partitions at once', async () => {
    const writers = Array.from({ length: 12 }, (_, writer) =>
      Array.from({ length: 5 }, (_unused, n) => record((writer + n) % 4, `${writer}-${n}`)),
    );
    await Promise.all(writers.map((records) => appendRecords(database.pool, records)));
    const cursors = [0, 1, 2, 3].map((partition) => ({ topic: INTENTS, partition, offset: 0n }));
    const read = await readRecords(database.pool, cursors, 100);
    expect(read).toHaveLength(60);
    for (const { partition } of cursors) {
      const offsets = read.filter((each) => each.partition === partition).map((each) => Number(each.offset));
      expect(offsets).toEqual([...offsets.keys()]);
    }
  });

  it('appends nothing at all when one of the partitions does not exist', async () => {
    await expect(appendRecords(database.pool, [record(0, 'a'), record(9, 'b')])).rejects.toThrow(
      'ERR_STATEMENT_REFUSED',
    );
    expect((await readRanges(database.pool, [INTENTS])).map((each) => each.endOffset)).toEqual([0n, 0n, 0n, 0n]);
  });

  it('keeps null keys and null values apart from empty ones', async () => {
    const empty = { ...record(0, ''), key: Buffer.alloc(0) };
    await appendRecords(database.pool, [{ ...empty, key: null, value: null }, empty]);
    const [first, second] = await readRecords(database.pool, [{ topic: INTENTS, partition: 0, offset: 0n }], 2);
    expect([first?.key, first?.value]).toEqual([null, null]);
    expect([second?.key?.length, second?.value?.length]).toEqual([0, 0]);
  });

  it('forgets records below an offset and says where it starts now', async () => {
    await appendRecords(database.pool, [record(0, 'a'), record(0, 'b'), record(0, 'c')]);
    expect(await trimRecords(database.pool, INTENTS, 0, 2n)).toBe(2);
    expect(await trimRecords(database.pool, INTENTS, 0, 9n)).toBe(0);
    expect((await readRanges(database.pool, [INTENTS]))[0]).toMatchObject({ firstOffset: 2n, endOffset: 3n });
  });

  it('gives a topic made anew another identity, and keeps an existing one as it is', async () => {
    const [before] = await readTopics(database.pool, [INTENTS]);
    await createTopics(database.pool, [{ topic: INTENTS, partitions: 9 }]);
    expect(await readTopics(database.pool, [INTENTS])).toEqual([before]);
    await deleteTopic(database.pool, INTENTS);
    await createTopics(database.pool, [{ topic: INTENTS, partitions: 4 }]);
    const [after] = await readTopics(database.pool, [INTENTS]);
    expect(after?.incarnation).not.toBe(before?.incarnation);
  });

  it('names every topic that is absent or has another partition count', async () => {
    const wanted = [
      { topic: INTENTS, partitions: 8 },
      { topic: 'spendgate.control.v1', partitions: 1 },
    ];
    await expect(checkTopics(database.pool, wanted)).rejects.toThrow(
      /payment-intents.v1 has 4 partitions, not 8; spendgate.control.v1 is absent/,
    );
  });

  it('tells each member who is alive, in one order for all, and drops the silent', async () => {
    expect(await beat(database.pool, 'authorizer', 'b', 60_000)).toEqual(['b']);
    expect(await beat(database.pool, 'authorizer', 'a', 60_000)).toEqual(['a', 'b']);
    await leave(database.pool, 'authorizer', 'b');
    expect(await beat(database.pool, 'authorizer', 'a', 60_000)).toEqual(['a']);
    expect(await beat(database.pool, 'authorizer', 'c', -1)).toEqual(['c']);
  });

  it('wakes a listener after an append, and again after its connection was lost', async () => {
    const heard: (string | null)[] = [];
    const listener = new AppendListener(database.url, (topic) => heard.push(topic));
    await listener.start();
    await notifyAppended(database.pool, INTENTS);
    await waitFor(() => heard.includes(INTENTS));
    heard.length = 0;
    await database.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'spendgate listen' AND datname = current_database()`,
    );
    await waitFor(() => heard.includes(null));
    await notifyAppended(database.pool, INTENTS);
    await waitFor(() => heard.includes(INTENTS));
    await listener.stop();
  });
});

async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await database.pool.query('SELECT 1');
  }
}
