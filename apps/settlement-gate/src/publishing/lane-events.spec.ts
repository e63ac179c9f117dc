import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DependencyError } from '@spendgate/core';
import { type EventTransport, OutboxPublisher } from '@spendgate/messaging';
import { Logger, systemClock } from '@spendgate/platform';
import { type LaneLease, type NumberedOutboxRow, advanceLane, inTransaction, writeOutbox } from '@spendgate/store';
import { type TestDatabase, startTestDatabase, until } from '@spendgate/testing';
import { GateLane } from '../settling/gate-lane.js';
import { LaneEvents } from './lane-events.js';

const logger = Logger.create({ level: 'silent', role: 'spec' });
let database: TestDatabase;
let sent: string[] = [];

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database.close());

/** Publishes into `sent`, by the bodies of the rows. */
function lane(prefix: string): { events: LaneEvents; gate: GateLane } {
  const transport = {
    publish: (_topic: string, records: readonly { value: Buffer | null }[]) => {
      sent.push(...records.map(({ value }) => String(value)));
      return Promise.resolve([]);
    },
  };
  const render = (rows: readonly NumberedOutboxRow[]) =>
    Promise.resolve(
      rows.map(({ body }) => ({
        topic: 'settlement-decisions.v1' as const,
        record: { key: null, value: Buffer.from(body ?? ''), headers: {} },
      })),
    );
  // as: the publisher uses nothing else of a transport
  const publisher = new OutboxPublisher(database.pool, transport as unknown as EventTransport, render);
  const events = new LaneEvents(publisher, logger);
  return { events, gate: new GateLane(database.pool, prefix, logger, systemClock, (lease) => events.takeOver(lease)) };
}

/** What a settled batch commits of events. */
function commit(lease: LaneLease, from: bigint, bodies: readonly string[]): Promise<NumberedOutboxRow[]> {
  const rows = bodies.map((body) => ({
    topic: 'settlement-decisions.v1',
    key: null,
    kind: 'settlement',
    ref: null,
    flowId: null,
    body,
  }));
  return inTransaction(database.pool, async (tx) => {
    const outboxSeq = await writeOutbox(tx, lease, from, rows);
    await advanceLane(tx, lease, { leafSeq: 0n, outboxSeq });
    return rows.map((row, at) => ({ ...row, seq: from + BigInt(at) }));
  });
}

it('I12: publishes what a commit of unknown outcome wrote, before anything later and once', async () => {
  const { events, gate } = lane('doubt');
  sent = [];
  await gate.run(async (lease) => {
    events.push(lease, await commit(lease, 0n, ['a']));
    await until('a', () => sent.length === 1);
  });
  const lost = gate.run(async (lease) => {
    await commit(lease, 1n, ['b', 'c']);
    throw new DependencyError('ERR_DATABASE_UNAVAILABLE', 'the connection broke during COMMIT');
  });
  await expect(lost).rejects.toThrow('COMMIT');
  await gate.run(async (lease) => events.push(lease, await commit(lease, 3n, ['d'])));
  await until('all of them', () => sent.length >= 4);
  await events.stop();
  expect(sent).toEqual(['a', 'b', 'c', 'd']);
  await gate.stop();
});

it('I12: publishes what a killed process left in its lane as soon as its lease is over, without a restart', async () => {
  const [killed, living] = [lane('killed'), lane('killed')];
  sent = [];
  const left = await killed.gate.run(async (lease) => {
    await commit(lease, 0n, ['left behind']);
    return lease;
  });
  await living.gate.run(() => Promise.resolve());
  await living.gate.adoptEnded();
  expect(sent).toEqual([]);
  await database.pool.query("UPDATE lanes SET leased_until = now() - interval '1 s' WHERE lane_id = $1", [left.laneId]);
  await living.gate.adoptEnded();
  expect(sent).toEqual(['left behind']);
  await living.gate.adoptEnded();
  expect(sent).toEqual(['left behind']);
  await Promise.all([killed.gate.stop(), living.gate.stop()]);
});
