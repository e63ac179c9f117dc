import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import type pg from 'pg';
import type { KafkaServer } from './kafka.js';

/** The values of every record of a topic, read outside the product; the topic's name is without its prefix. */
export function readTopic(pool: pg.Pool, kafka: KafkaServer | undefined, topic: string): Promise<Buffer[]> {
  return kafka === undefined ? readEmbedded(pool, topic) : readKafka(kafka, `spendgate.${topic}`);
}

async function readEmbedded(pool: pg.Pool, topic: string): Promise<Buffer[]> {
  const { rows } = await pool.query<{ value: Buffer }>('SELECT value FROM embedded_records WHERE topic = $1', [topic]);
  return rows.map((row) => row.value);
}

async function readKafka(server: KafkaServer, topic: string): Promise<Buffer[]> {
  const client = new Kafka({ brokers: [server.brokers], logLevel: logLevel.ERROR });
  const wanted = await recordCount(client, topic);
  const consumer = client.consumer({ groupId: `reader-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const values: Buffer[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      if (wanted === 0) resolve();
      consumer
        .run({
          eachMessage: ({ message }) => {
            if (message.value !== null) values.push(message.value);
            if (values.length >= wanted) resolve();
            return Promise.resolve();
          },
        })
        .catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return values;
}

async function recordCount(client: Kafka, topic: string): Promise<number> {
  const admin = client.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  } finally {
    await admin.disconnect();
  }
}

/** Records a topic of a Kafka server holds. */
export function countKafkaRecords(server: KafkaServer, topic: string): Promise<number> {
  return recordCount(new Kafka({ brokers: [server.brokers], logLevel: logLevel.ERROR }), `spendgate.${topic}`);
}
