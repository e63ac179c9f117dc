import { randomUUID } from 'node:crypto';
import { topicConfig, topicFullName } from '@spendgate/messaging';
import { createEffects, openClient, silentLogger, startTestDatabase, type TransportWorld } from '@spendgate/testing';
import { Kafka, logLevel } from 'kafkajs';
import { until } from './processes.js';

/** Topics of their own on a running Kafka, and a database of their own. */
export async function openKafkaWorld(brokers: string, partitions: number): Promise<TransportWorld> {
  const database = await startTestDatabase();
  await createEffects(database.pool);
  const prefix = `${randomUUID().slice(0, 8)}.`;
  const options = { kind: 'kafka', databaseUrl: database.url, brokers, prefix, partitions } as const;
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const setUp = openClient(options, database.pool, silentLogger);
  await setUp.ensureTopics('create');
  await setUp.stop();
  return {
    database,
    partitions,
    client: (logger) => openClient(options, database.pool, logger),
    childOptions: () => options,
    async appendRaw(topic, records) {
      const producer = kafka.producer();
      await producer.connect();
      await producer.send({ topic: topicFullName(prefix, topic), messages: records.map((record) => ({ ...record })) });
      await producer.disconnect();
    },
    async recreateTopic(name) {
      const topic = topicFullName(prefix, name);
      await admin.deleteTopics({ topics: [topic] });
      await until('the topic to be gone', async () => !(await admin.listTopics()).includes(topic));
      const configEntries = Object.entries(topicConfig(name)).map(([entry, value]) => ({ name: entry, value }));
      await admin.createTopics({
        waitForLeaders: false,
        topics: [{ topic, numPartitions: partitions, configEntries }],
      });
      await until(
        'the new topic to have leaders',
        async () => (await admin.fetchTopicOffsets(topic)).length === partitions,
      );
    },
    async dropRecordsBelow(name, partition, offset) {
      const topic = topicFullName(prefix, name);
      await admin.fetchTopicOffsets(topic); // kafkajs deletes only in topics it has metadata of
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    },
    async misleadGroup(group, name) {
      const topic = topicFullName(prefix, name);
      const ends = await admin.fetchTopicOffsets(topic);
      const offsets = ends.map(({ partition, high }) => ({ partition, offset: high }));
      await admin.setOffsets({ groupId: `${prefix}${group}`, topic, partitions: offsets });
    },
    async close() {
      await admin.disconnect();
      await database.close();
    },
  };
}
