import { partitionOf, type TopicName, topicFullName } from '@spendgate/messaging';
import { appendRecords } from '@spendgate/store';
import { Kafka, logLevel } from 'kafkajs';
import type { InputsWorld } from './inputs-world.js';

/** A record as a stranger's producer writes it: past our transport, with any value. */
export interface RawRecord {
  /** Its `ce_id`; the answer names it. */
  readonly id: string;
  readonly value: Buffer | null;
  /** Its flow; absent: no key, and partitions in turn. */
  readonly key?: string;
  readonly partition?: number;
}

export const PARTITIONS = 8;
/** The prefix topics have when nothing else is set. */
const PREFIX = 'spendgate.';
/** Records of one append: a few MB at most. */
const APPENDED_AT_ONCE = 256;

/** Appends the records to a topic, on whichever log the world runs. */
export async function appendRaw(world: InputsWorld, topic: TopicName, records: readonly RawRecord[]): Promise<void> {
  const placed = records.map((record, index) => ({
    ...record,
    partition:
      record.partition ?? (record.key === undefined ? index % PARTITIONS : partitionOf(record.key, PARTITIONS)),
  }));
  const send = world.kafka === undefined ? embedded(world) : await kafkaProducer(world.kafka.brokers);
  for (let at = 0; at < placed.length; at += APPENDED_AT_ONCE) {
    await send.append(topic, placed.slice(at, at + APPENDED_AT_ONCE));
  }
  await send.close();
}

type Placed = RawRecord & { readonly partition: number };
interface Sender {
  append(topic: TopicName, records: readonly Placed[]): Promise<unknown>;
  close(): Promise<void>;
}

function embedded({ pool }: InputsWorld): Sender {
  return {
    append: (topic, records) =>
      appendRecords(
        pool,
        records.map(({ id, key, value, partition }) => ({
          topic,
          partition,
          key: key === undefined ? null : Buffer.from(key),
          value,
          headers: { ce_id: id },
        })),
      ),
    close: () => Promise.resolve(),
  };
}

async function kafkaProducer(brokers: string): Promise<Sender> {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  return {
    append: (topic, records) =>
      producer.send({
        topic: topicFullName(PREFIX, topic),
        messages: records.map(({ id, key = null, value, partition }) => ({
          key,
          value,
          partition,
          headers: { ce_id: id },
        })),
      }),
    close: () => producer.disconnect(),
  };
}
