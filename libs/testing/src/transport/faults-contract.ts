import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InvariantError } from '@spendgate/core';
import {
  type BatchHandler,
  isUnderKey,
  partitionOf,
  reappendUnderKey,
  TOPICS,
  type LagRow,
} from '@spendgate/messaging';
import { until } from '../until.js';
import { GROUP, record, TransportTest, valuesOf } from './harness.js';
import type { TransportWorld } from './world.js';

/** What every transport does when owners change, logs are replaced and records are not what they should be. */
export function describeFaults(name: string, openWorld: () => Promise<TransportWorld>, timeoutMs: number): void {
  describe(`faults over ${name}`, () => {
    let test: TransportTest;
    beforeEach(async () => {
      test = new TransportTest(await openWorld());
    }, timeoutMs);
    afterEach(() => test.close(), timeoutMs);

    it(
      'starts at the offset stored with the effects, whatever the log remembers of the group',
      async () => {
        const first = await test.member(test.effects('first'));
        await first.publish(TOPICS.paymentIntents, [record('flow', 'a'), record('flow', 'b')]);
        await test.untilEffects(2);
        await first.stop();
        await test.client().publish(TOPICS.paymentIntents, [record('flow', 'c')]);
        await test.world.misleadGroup(GROUP, TOPICS.paymentIntents);
        await test.member(test.effects('second'));
        const effects = await test.untilEffects(3);
        expect(valuesOf(effects, 'flow')).toEqual(['a', 'b', 'c']);
        expect(effects.map(({ owner }) => owner)).toEqual(['first', 'first', 'second']);
      },
      timeoutMs,
    );

    it(
      'drops a batch whose lane went to another owner, and goes on under the next epoch without a second effect',
      async () => {
        const { pool } = test.world.database;
        const effects = test.effects();
        let stolen = false;
        const outcomes: string[] = [];
        const onBatch: BatchHandler = async (batch) => {
          if (!stolen) {
            stolen = true;
            await pool.query('UPDATE lanes SET epoch = epoch + 1 WHERE lane_id = $1', [batch.lane.laneId]);
          }
          await effects(batch).then(
            () => outcomes.push('written'),
            (error: unknown) => {
              outcomes.push('fenced');
              throw error;
            },
          );
        };
        const member = await test.member(onBatch);
        await member.publish(TOPICS.paymentIntents, [record('flow', 'a')]);
        expect(valuesOf(await test.untilEffects(1), 'flow')).toEqual(['a']);
        expect(outcomes).toEqual(['fenced', 'written']);
      },
      timeoutMs,
    );

    it(
      'fences a paused owner: stopped by SIGSTOP, overtaken, continued, its write reaches nothing',
      async () => {
        const child = test.child();
        await child.says('started');
        const key = test.keysIn(0, 1)[0] ?? '';
        await test.client().publish(TOPICS.paymentIntents, [record(key, 'a')]);
        await child.says('got');
        child.process.kill('SIGSTOP');
        await test.member(test.effects('successor'));
        expect((await test.untilEffects(1)).map(({ owner }) => owner)).toEqual(['successor']);
        child.process.kill('SIGCONT');
        child.process.send('go');
        await child.says('fenced');
        await test.client().publish(TOPICS.paymentIntents, [record(key, 'b'), record(key, 'c')]);
        expect(valuesOf(await test.untilEffects(3), key)).toEqual(['a', 'b', 'c']);
      },
      timeoutMs,
    );

    it(
      'delivers to another member what a killed one had in its hands',
      async () => {
        const child = test.child();
        await child.says('started');
        await test.client().publish(TOPICS.paymentIntents, [record('flow', 'a'), record('flow', 'b')]);
        await child.says('got');
        child.process.kill('SIGKILL');
        await test.member(test.effects('successor'));
        const effects = await test.untilEffects(2);
        expect(valuesOf(effects, 'flow')).toEqual(['a', 'b']);
        expect(new Set(effects.map(({ owner }) => owner))).toEqual(new Set(['successor']));
      },
      timeoutMs,
    );

    it(
      'shares partitions among members as they come and go, each record decided once and in order',
      async () => {
        const keys = Array.from({ length: 12 }, (_, at) => `flow-${at}`);
        const one = await test.member(test.effects('one'));
        const publish = (round: number) =>
          one.publish(
            TOPICS.paymentIntents,
            keys.map((key) => record(key, String(round))),
          );
        await publish(0);
        const two = await test.member(test.effects('two'));
        let round = 1;
        await until('the second member to decide something', async () => {
          await publish(round);
          round += 1;
          return (await test.readEffects()).some(({ owner }) => owner === 'two');
        });
        await two.stop();
        await publish(round);
        const effects = await test.untilEffects((round + 1) * keys.length);
        const rounds = Array.from({ length: round + 1 }, (_, at) => String(at));
        for (const key of keys) expect(valuesOf(effects, key)).toEqual(rounds);
      },
      timeoutMs,
    );

    it(
      'stops the lanes of a recreated topic with a reason, though the new log is as long, and lets others go on',
      async () => {
        const { pool } = test.world.database;
        const effects = test.effects();
        const first = await test.member();
        const [key = ''] = test.keysIn(0, 1);
        await first.publish(TOPICS.paymentIntents, [record(key, 'a'), record(key, 'b')]);
        await test.untilEffects(2);
        await first.stop();
        await test.world.recreateTopic(TOPICS.paymentIntents);
        const member = test.client();
        await member.publish(TOPICS.paymentIntents, [record(key, 'x'), record(key, 'y'), record(key, 'z')]);
        await member.start([
          { topic: TOPICS.paymentIntents, group: GROUP, onBatch: effects },
          { topic: TOPICS.observations, group: GROUP, onBatch: effects },
        ]);
        await member.publish(TOPICS.observations, [record('other', 'goes on')]);
        expect(valuesOf(await test.untilEffects(3), 'other')).toEqual(['goes on']);
        await until('the lane to stop', async () => stoppedReason(await member.lag(), 0) !== null);
        expect(stoppedReason(await member.lag(), 0)).toMatch(/identity/);
        expect(await test.readEffects()).toHaveLength(3);
        // An operator accepts the new log: the lanes follow it from its beginning.
        const { clusterId, firstOffset } = await member.source(TOPICS.paymentIntents, 0);
        await pool.query(
          "UPDATE lanes SET stopped_reason = NULL, next = $1, cluster_id = $2 WHERE name LIKE 'payment-intents.v1/%'",
          [firstOffset, clusterId],
        );
        expect(valuesOf(await test.untilEffects(6), key)).toEqual(['a', 'b', 'x', 'y', 'z']);
      },
      timeoutMs,
    );

    it(
      'stops a lane whose next record retention has removed undecided, and only that one',
      async () => {
        const [kept = ''] = test.keysIn(1, 1);
        const [lost = ''] = test.keysIn(0, 1);
        const first = await test.member();
        await first.publish(TOPICS.paymentIntents, [record(lost, 'a'), record(kept, 'a')]);
        await test.untilEffects(2);
        await first.stop();
        await test.client().publish(TOPICS.paymentIntents, [record(lost, 'b'), record(lost, 'c'), record(kept, 'b')]);
        await test.world.dropRecordsBelow(TOPICS.paymentIntents, 0, 2n);
        const member = await test.member();
        expect(valuesOf(await test.untilEffects(3), kept)).toEqual(['a', 'b']);
        await until('the lane to stop', async () => stoppedReason(await member.lag(), 0) !== null);
        expect(stoppedReason(await member.lag(), 0)).toMatch(/offset 1 is gone, the log starts at 2/);
        expect(stoppedReason(await member.lag(), 1)).toBeNull();
      },
      timeoutMs,
    );

    it(
      'stops lanes whose topic has another number of partitions: keys moved',
      async () => {
        const first = await test.member();
        await first.publish(TOPICS.paymentIntents, [record('flow', 'a')]);
        await test.untilEffects(1);
        await first.stop();
        await test.world.database.pool.query('UPDATE lanes SET partitions = partitions + 1');
        const member = await test.member();
        await until('all lanes to stop', async () => (await member.lag()).every((row) => row.stoppedReason !== null));
        expect(stoppedReason(await member.lag(), 0)).toMatch(/partitions/);
      },
      timeoutMs,
    );

    it(
      'lets a handler move a verified record from the wrong partition under its key, which is no dead letter',
      async () => {
        const [key = ''] = test.keysIn(2, 1);
        const effects = test.effects();
        const client = test.client();
        const deadLetters = await test.follow(TOPICS.deadLetters);
        const onBatch: BatchHandler = async (batch) => {
          const moves = batch.records
            .filter((each) => !isUnderKey(each, String(each.key), batch.partitions))
            .map((each) => ({ record: each, key: String(each.key) }));
          await reappendUnderKey(client, moves);
          await effects(batch);
        };
        await test.member(onBatch);
        await test.world.appendRaw(TOPICS.paymentIntents, [
          { partition: crc32(key) % 2, key, value: Buffer.from('placed by CRC32'), headers: { ce_id: 'a' } },
        ]);
        const all = await test.untilEffects(2);
        expect(all.map(({ partition }) => partition)).toEqual([crc32(key) % 2, 2]);
        expect(partitionOf(key, test.world.partitions)).toBe(2);
        expect(deadLetters).toEqual([]); // both effects are there, and a letter would have been written before them
      },
      timeoutMs,
    );

    it(
      'sends a record that breaks our handler to dead letters with its reason, and decides all around it',
      async () => {
        const effects = test.effects();
        const deadLetters = await test.follow(TOPICS.deadLetters);
        const onBatch: BatchHandler = (batch) => {
          if (batch.records.some((each) => each.value?.includes('poison') ?? false)) {
            throw new InvariantError('ERR_TEST_DEFECT', 'a state our own code rules out');
          }
          return effects(batch);
        };
        const values = Array.from({ length: 20 }, (_, at) => (at === 13 ? `poison ${'x'.repeat(10_000)}` : String(at)));
        await test.client().publish(
          TOPICS.paymentIntents,
          values.map((value) => record('flow', value, { ce_id: 'id', traceparent: 'trace' })),
        );
        await test.member(onBatch);
        await until('the dead letter', () => deadLetters.length === 1);
        expect(valuesOf(await test.untilEffects(20), 'flow')).toEqual(values.filter((_, at) => at !== 13));
        const letter = JSON.parse(String(deadLetters[0]?.value)) as Record<string, unknown>;
        expect(letter).toMatchObject({
          topic: TOPICS.paymentIntents,
          offset: '13',
          reason: 'ERR_TEST_DEFECT',
          payload_bytes: 10_007,
          tombstone: false,
          headers: { ce_id: 'id', traceparent: 'trace' },
        });
        expect(Buffer.from(String(letter['payload']), 'base64')).toHaveLength(4_096);
        expect(deadLetters[0]?.headers).toMatchObject({ ce_specversion: '1.0', traceparent: 'trace' });
      },
      timeoutMs,
    );
  });
}

function stoppedReason(lag: readonly LagRow[], partition: number): string | null {
  const row = lag.find((each) => each.topic === TOPICS.paymentIntents && each.partition === partition);
  return row?.stoppedReason ?? null;
}

/** CRC-32 as librdkafka's default partitioner takes it (ISO-HDLC, reflected 0xEDB88320). */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
