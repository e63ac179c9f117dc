import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { acquireLane } from '../lanes.js';
import { appendRecords, readRanges } from './records.js';
import { trimAged } from './retention.js';
import { createTopics } from './topics.js';

const INTENTS = 'payment-intents.v1';
const DECISIONS = 'authorization-decisions.v1';
const RETENTION = { keepHours: 24, decided: [INTENTS] };
let database: TestDatabase;

beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('TRUNCATE embedded_topics, embedded_partitions, embedded_records, lanes CASCADE');
  await createTopics(database.pool, [
    { topic: INTENTS, partitions: 1 },
    { topic: DECISIONS, partitions: 1 },
  ]);
});

/** Appends records, of which the first ones are two days old. */
async function append(topic: string, count: number, old: number): Promise<void> {
  const record = { topic, partition: 0, key: null, value: Buffer.from('value'), headers: {} };
  await appendRecords(
    database.pool,
    Array.from({ length: count }, () => record),
  );
  await database.pool.query(
    `UPDATE embedded_records SET appended_at = now() - interval '2 days' WHERE topic = $1 AND "offset" < $2`,
    [topic, old],
  );
}

async function handled(name: string, next: number): Promise<void> {
  await acquireLane(database.pool, name, null);
  await database.pool.query('UPDATE lanes SET next = $2 WHERE name = $1', [name, next]);
}

async function firstKept(topic: string): Promise<number> {
  const [range] = await readRanges(database.pool, [topic]);
  const { rows } = await database.pool.query<{ first: string }>(
    'SELECT min("offset") AS first FROM embedded_records WHERE topic = $1',
    [topic],
  );
  expect(Number(rows[0]?.first)).toBe(Number(range?.firstOffset));
  return Number(range?.firstOffset);
}

describe('retention of the embedded log', () => {
  it('lets go what is old, and nothing younger', async () => {
    await append(DECISIONS, 10, 6);
    expect(await trimAged(database.pool, RETENTION)).toBe(false);
    expect(await firstKept(DECISIONS)).toBe(6);
  });

  it('I2: keeps what a group has not handled, however old, and whichever group is last', async () => {
    await append(INTENTS, 10, 10);
    await handled(`${INTENTS}/0`, 7);
    await handled(`drift-detector:${INTENTS}/0`, 4);
    await trimAged(database.pool, RETENTION);
    expect(await firstKept(INTENTS)).toBe(4);
  });

  it('I2: keeps every record of a topic whose deciding group has not begun', async () => {
    await append(INTENTS, 10, 10);
    await trimAged(database.pool, RETENTION);
    expect(await firstKept(INTENTS)).toBe(0);
  });

  it('is not held up by a lane of another partition whose name ends alike', async () => {
    await append(DECISIONS, 10, 10);
    await handled(`${DECISIONS}/10`, 0);
    await handled(`other-${DECISIONS}/0`, 0);
    await trimAged(database.pool, RETENTION);
    expect(await firstKept(DECISIONS)).toBe(9); // the last one stays
  });

  it('goes on while there is more than one call may delete', async () => {
    await append(DECISIONS, 6_000, 6_000);
    expect(await trimAged(database.pool, RETENTION)).toBe(true);
    expect(await firstKept(DECISIONS)).toBe(5_000);
    expect(await trimAged(database.pool, RETENTION)).toBe(false);
    expect(await firstKept(DECISIONS)).toBe(5_999);
  });
});
