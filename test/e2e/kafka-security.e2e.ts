import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EventTransport, KafkaTransport, type KafkaSettings, TOPICS } from '@spendgate/messaging';
import { systemClock } from '@spendgate/platform';
import {
  createEffects,
  effectsHandler,
  readEffects,
  silentLogger,
  startTestDatabase,
  type TestDatabase,
  until,
} from '@spendgate/testing';
import { KAFKA_USER, kafkaAvailable, type KafkaServer, startKafka } from './harness/kafka.js';

(kafkaAvailable() ? describe : describe.skip)('Kafka over SASL_SSL', () => {
  let kafka: KafkaServer;
  let database: TestDatabase;
  beforeAll(async () => {
    [kafka, database] = await Promise.all([startKafka('SASL_SSL'), startTestDatabase()]);
    await createEffects(database.pool);
  }, 120_000);
  afterAll(async () => {
    await kafka.stop();
    await database.close();
  });

  function client(change: Partial<KafkaSettings> = {}): EventTransport {
    const settings: KafkaSettings = {
      SPENDGATE_KAFKA_BROKERS: kafka.brokers,
      SPENDGATE_KAFKA_TLS: true,
      SPENDGATE_KAFKA_CA_FILE: kafka.settings['SPENDGATE_KAFKA_CA_FILE'],
      SPENDGATE_KAFKA_SASL_USERNAME: KAFKA_USER.username,
      SPENDGATE_KAFKA_SASL_PASSWORD: KAFKA_USER.password,
      SPENDGATE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      ...change,
    };
    return new KafkaTransport({
      settings,
      pool: database.pool,
      logger: silentLogger,
      clock: systemClock,
      source: 'urn:spendgate:test',
      prefix: 'secure.',
      partitions: 2,
      replication: 1,
      partitionsAtOnce: 2,
      batchBytesMax: 262_144,
      sessionTimeoutMs: 6_000,
    });
  }

  it.each(['scram-sha-512', 'scram-sha-256', 'plain'])(
    'makes topics, publishes and decides with %s',
    async (mechanism) => {
      const transport = client({ SPENDGATE_KAFKA_SASL_MECHANISM: mechanism });
      await transport.ensureTopics('create');
      const onBatch = effectsHandler(database.pool, mechanism);
      await transport.start([{ topic: TOPICS.paymentIntents, group: 'authorizer', onBatch }]);
      await transport.publish(TOPICS.paymentIntents, [{ key: 'flow', value: Buffer.from(mechanism), headers: {} }]);
      await until('the effect', async () =>
        (await readEffects(database.pool)).some(({ value }) => value === mechanism),
      );
      await transport.stop();
    },
    60_000,
  );

  it.each([
    ['a wrong password', { SPENDGATE_KAFKA_SASL_PASSWORD: 'wrong' }],
    ['a certificate nobody we trust has signed', { SPENDGATE_KAFKA_CA_FILE: undefined }],
    ['no TLS', { SPENDGATE_KAFKA_TLS: false }],
  ])(
    'does not start with %s',
    async (_case, change: Partial<KafkaSettings>) => {
      await expect(client(change).ensureTopics('check')).rejects.toMatchObject({ code: 'ERR_KAFKA_UNAVAILABLE' });
    },
    60_000,
  );
});
