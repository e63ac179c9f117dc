import { InvariantError } from '@spendgate/core';
import type { Kafka, Message, PartitionerArgs, Producer, RecordMetadata } from 'kafkajs';
import type { PlacedRecord } from '../publish-queue.js';
import { topicFullName } from '../topics.js';

const SEND_TIMEOUT_MS = 10_000;

/**
 * One idempotent producer. After any failed request it is thrown away and made anew: kafkajs would reuse the sequence
 * numbers of the failed request, and a Kafka broker that had appended it after all would take the next records for its
 * repetition and drop them without a word.
 */
export class KafkaProducer {
  private producer: Producer | undefined;

  constructor(
    private readonly kafka: Kafka,
    private readonly prefix: string,
  ) {}

  /** Appends records in one request. Never called again before the last call settled. @returns their offsets */
  async send(records: readonly PlacedRecord[]): Promise<bigint[]> {
    try {
      this.producer ??= await this.connect();
      const topicMessages = this.byTopic(records);
      const answers = await this.producer.sendBatch({ topicMessages, acks: -1, timeout: SEND_TIMEOUT_MS });
      return offsetsOf(records, answers, this.prefix);
    } catch (error) {
      await this.stop().catch(() => undefined); // it is given up either way
      throw error;
    }
  }

  async stop(): Promise<void> {
    const producer = this.producer;
    this.producer = undefined;
    await producer?.disconnect();
  }

  private byTopic(records: readonly PlacedRecord[]): { topic: string; messages: Message[] }[] {
    const byTopic = new Map<string, Message[]>();
    for (const { topic, partition, record } of records) {
      const message = { key: record.key, value: record.value, headers: record.headers, partition };
      const messages = byTopic.get(topic);
      if (messages === undefined) byTopic.set(topic, [message]);
      else messages.push(message);
    }
    return [...byTopic].map(([topic, messages]) => ({ topic: `${this.prefix}${topic}`, messages }));
  }

  private async connect(): Promise<Producer> {
    const producer = this.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: () => placeAsSaid,
    });
    await producer.connect();
    return producer;
  }
}

/** Every record is placed before kafkajs sees it, by the partitioner both transports share. */
function placeAsSaid({ message }: PartitionerArgs): number {
  if (message.partition !== undefined) return message.partition;
  throw new InvariantError('ERR_PARTITION_UNSET', 'a record came to the producer without its place');
}

/** Kafka answers one base offset per partition; within a request, a partition's records lie in the order sent. */
function offsetsOf(records: readonly PlacedRecord[], answers: readonly RecordMetadata[], prefix: string): bigint[] {
  const next = new Map<string, bigint>();
  for (const { topicName, partition, baseOffset } of answers) {
    if (baseOffset !== undefined) next.set(`${topicName}/${partition}`, BigInt(baseOffset));
  }
  return records.map(({ topic, partition }) => {
    const place = `${topicFullName(prefix, topic)}/${partition}`;
    const offset = next.get(place);
    if (offset === undefined) throw new Error(`Kafka confirmed nothing for ${place}`);
    next.set(place, offset + 1n);
    return offset;
  });
}
