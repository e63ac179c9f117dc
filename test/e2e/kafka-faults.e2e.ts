import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DependencyError } from '@spendgate/core';
import { type BatchHandler, TOPICS, topicFullName } from '@spendgate/messaging';
import { effectsHandler, readEffects, silentLogger, type TransportWorld, until } from '@spendgate/testing';
import { Kafka, logLevel } from 'kafkajs';
import { openKafkaWorld } from './harness/kafka-world.js';
import { kafkaAvailable, type KafkaServer, startKafka } from './harness/kafka.js';

const TIMEOUT_MS = 120_000;

(kafkaAvailable() ? describe : describe.skip)('faults of Kafka itself', () => {
  let kafka: KafkaServer;
  let world: TransportWorld;
  beforeAll(async () => {
    kafka = await startKafka();
  }, TIMEOUT_MS);
  afterAll(() => kafka.stop());
  beforeEach(async () => {
    world = await openKafkaWorld(kafka.brokers, 3);
  }, TIMEOUT_MS);
  afterEach(() => world.close(), TIMEOUT_MS);

  it(
    'loses nothing when the Kafka broker is killed and comes back: what was confirmed is decided once, in order',
    async () => {
      const { pool } = world.database;
      const transport = world.client(silentLogger);
      await transport.start([{ topic: TOPICS.paymentIntents, group: 'authorizer', onBatch: effectsHandler(pool) }]);
      const confirmed: string[] = [];
      let sent = 0;
      const publishOne = async (): Promise<void> => {
        const value = String(sent++);
        const record = { key: 'flow', value: Buffer.from(value), headers: {} };
        await transport.publish(TOPICS.paymentIntents, [record]).then(
          () => confirmed.push(value),
          () => undefined, // outcome unknown: it may or may not be in the log
        );
      };
      while (confirmed.length < 20) await publishOne();
      await kafka.kill();
      const duringOutage = publishOne();
      await kafka.restart();
      await duringOutage;
      await until(
        'Kafka to confirm records again',
        async () => {
          await publishOne();
          return confirmed.length >= 40;
        },
        60_000,
      );
      await until(
        'all confirmed to be decided',
        async () => {
          const decided = new Set((await readEffects(pool)).map(({ value }) => value));
          return confirmed.every((value) => decided.has(value));
        },
        60_000,
      );
      const effects = await readEffects(pool);
      expect(new Set(effects.map(({ offset }) => offset)).size).toBe(effects.length);
      const order = effects.map(({ value }) => Number(value));
      expect(order).toEqual([...order].sort((a, b) => a - b));
      await transport.stop();
    },
    TIMEOUT_MS,
  );

  it(
    'takes up no partition of an assignment that ended: one being acquired when kafkajs gives up is acquired anew',
    async () => {
      const effects = effectsHandler(world.database.pool);
      const said: string[] = [];
      const logger = { ...silentLogger, warn: (text: unknown) => void said.push(String(text)) };
      const transport = world.client(logger);
      let killed = false;
      const onBatch: BatchHandler = async (batch) => {
        if (killed) return effects(batch);
        killed = true;
        await kafka.kill();
        throw new DependencyError('ERR_SPEC', 'the lane is acquired again, from a log that is not there');
      };
      await transport.start([{ topic: TOPICS.paymentIntents, group: 'authorizer', onBatch }]);
      await transport.publish(TOPICS.paymentIntents, [{ key: 'flow', value: Buffer.from('a'), headers: {} }]);
      await until('kafkajs to give up', () => said.some((text) => text.includes('Crash')), 60_000);
      await kafka.restart();
      await until(
        'the record to be decided',
        async () => (await readEffects(world.database.pool)).length === 1,
        60_000,
      );
      await transport.stop();
    },
    TIMEOUT_MS,
  );

  it(
    "refuses to start on a topic that takes producers' times, naming what is wrong and the command that mends it",
    async () => {
      const options = world.childOptions();
      const prefix = options.kind === 'kafka' ? options.prefix : '';
      const admin = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      const name = topicFullName(prefix, TOPICS.paymentIntents);
      const configEntries = [{ name: 'message.timestamp.type', value: 'CreateTime' }];
      await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name, configEntries }] });
      await admin.disconnect();
      const transport = world.client(silentLogger);
      const onBatch = effectsHandler(world.database.pool);
      const subscription = { topic: TOPICS.paymentIntents, group: 'authorizer', onBatch };
      await until('the change to be visible', async () =>
        transport.ensureTopics('check').then(
          () => false,
          () => true,
        ),
      );
      await expect(transport.start([subscription])).rejects.toThrow(
        /message\.timestamp\.type is CreateTime, must be LogAppendTime: kafka-configs --alter/,
      );
      await transport.stop();
    },
    TIMEOUT_MS,
  );

  it(
    'is not held up by a record made of headers alone: 100,000 of them are cut to 64, and the next record follows',
    async () => {
      const { pool } = world.database;
      const headers = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [at.toString(36), 'x']));
      await world.appendRaw(TOPICS.paymentIntents, [
        { partition: 0, key: 'a', value: Buffer.from('bomb'), headers },
        { partition: 0, key: 'a', value: Buffer.from('next') },
      ]);
      const transport = world.client(silentLogger);
      const effects = effectsHandler(pool);
      const counts: number[] = [];
      const onBatch: BatchHandler = (batch) => {
        counts.push(...batch.records.map((record) => Object.keys(record.headers).length));
        return effects(batch);
      };
      await transport.start([{ topic: TOPICS.paymentIntents, group: 'authorizer', onBatch }]);
      await until('both effects', async () => (await readEffects(pool)).length === 2, 5_000);
      expect(counts).toEqual([64, 0]);
      await transport.stop();
    },
    TIMEOUT_MS,
  );
});
