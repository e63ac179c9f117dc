import { DependencyError, InvariantError } from '@spendgate/core';
import type { Kafka, Message, Producer, RecordMetadata } from 'kafkajs';
import type { OutgoingRecord, PublishedAt } from '../event-transport.js';
import { KeylessSpread, partitionOf } from '../partitioner.js';
import { RECORD_VALUE_BYTES_MAX, TOPIC_MESSAGE_BYTES_MAX, topicFullName, type TopicName } from '../topics.js';

/** Bytes of one partition in one request; the Kafka broker refuses a batch above the topic's `max.message.bytes`. */
const SEND_PARTITION_BYTES_MAX = 700_000;
const SEND_BYTES_MAX = 4_000_000;
/** Unsent bytes held for all callers together; more means the Kafka brokers do not keep up, and callers must hear it. */
const QUEUE_BYTES_MAX = 64_000_000;
/** What a record costs beside key, value and headers (varints, deltas), rounded up. */
const RECORD_OVERHEAD_BYTES = 32;

interface Publish {
  readonly placed: PublishedAt[];
  remaining: number;
  readonly resolve: (placed: PublishedAt[]) => void;
  readonly reject: (error: Error) => void;
  failed: boolean;
}
interface QueuedRecord {
  readonly topic: TopicName;
  readonly partition: number;
  readonly message: Message;
  readonly bytes: number;
  readonly publish: Publish;
  readonly at: number;
}

/**
 * One idempotent producer, one request at a time, everything that queued up meanwhile in the next one: order per
 * partition holds and load makes batches by itself.
 *
 * After any failed request the producer is thrown away and made anew. kafkajs would reuse the sequence numbers of the
 * failed request, and a Kafka broker that had appended it after all would take the next records for its repetition
 * and drop them without a word.
 */
export class KafkaProducer {
  private producer: Producer | undefined;
  private queue: QueuedRecord[] = [];
  private queuedBytes = 0;
  private draining: Promise<void> | undefined;
  private readonly spread = new KeylessSpread();

  constructor(
    private readonly kafka: Kafka,
    private readonly prefix: string,
    private readonly partitionsOf: (topic: TopicName) => Promise<number>,
  ) {}

  async publish(topic: TopicName, records: readonly OutgoingRecord[]): Promise<PublishedAt[]> {
    if (records.length === 0) return [];
    for (const record of records) refuseLarge(record);
    const partitions = await this.partitionsOf(topic);
    return new Promise((resolve, reject) => {
      const publish: Publish = { placed: [], remaining: records.length, resolve, reject, failed: false };
      const queued = records.map((record, at) => ({
        topic,
        partition: record.partition ?? this.placeOf(record, partitions),
        message: { key: record.key, value: record.value, headers: record.headers },
        bytes: bytesOf(record),
        publish,
        at,
      }));
      const bytes = queued.reduce((sum, item) => sum + item.bytes, 0);
      if (this.queuedBytes > 0 && this.queuedBytes + bytes > QUEUE_BYTES_MAX) {
        reject(new DependencyError('ERR_PUBLISH_QUEUE_FULL', `more than ${QUEUE_BYTES_MAX} bytes wait for Kafka`));
        return;
      }
      for (const item of queued) this.queue.push(item); // not spread: an array of 100,000 arguments overflows the stack
      this.queuedBytes += bytes;
      this.draining ??= this.drain().finally(() => (this.draining = undefined));
    });
  }

  /** Sends what is queued, then disconnects. */
  async stop(): Promise<void> {
    await this.draining;
    await this.producer?.disconnect();
    this.producer = undefined;
  }

  private placeOf(record: OutgoingRecord, partitions: number): number {
    return record.key === null ? this.spread.partition(partitions) : partitionOf(record.key, partitions);
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const items = this.takeNext();
      try {
        const answers = await this.send(items);
        settle(items, answers, this.prefix);
      } catch (error) {
        const reason = new DependencyError('ERR_PUBLISH_FAILED', 'Kafka did not confirm the records', { cause: error });
        this.fail(items, reason);
        await this.discardProducer();
      }
    }
  }

  /** The longest prefix of the queue that fits one request; a prefix, because records of one key must not overtake. */
  private takeNext(): QueuedRecord[] {
    const perPartition = new Map<string, number>();
    let total = 0;
    let count = 0;
    for (const item of this.queue) {
      const place = `${item.topic}/${item.partition}`;
      const bytes = (perPartition.get(place) ?? 0) + item.bytes;
      if (count > 0 && (bytes > SEND_PARTITION_BYTES_MAX || total + item.bytes > SEND_BYTES_MAX)) break;
      perPartition.set(place, bytes);
      total += item.bytes;
      count += 1;
    }
    const items = this.queue.slice(0, count);
    this.queue = this.queue.slice(count);
    this.queuedBytes -= total;
    return items;
  }

  private async send(items: readonly QueuedRecord[]): Promise<RecordMetadata[]> {
    this.producer ??= await this.connectProducer();
    const byTopic = new Map<string, Message[]>();
    for (const { topic, partition, message } of items) {
      const name = topicFullName(this.prefix, topic);
      const messages = byTopic.get(name);
      if (messages === undefined) byTopic.set(name, [{ ...message, partition }]);
      else messages.push({ ...message, partition });
    }
    const topicMessages = [...byTopic].map(([topic, messages]) => ({ topic, messages }));
    return this.producer.sendBatch({ topicMessages, acks: -1, timeout: 10_000 });
  }

  private async connectProducer(): Promise<Producer> {
    const producer = this.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: () => () => {
        throw new InvariantError('ERR_PARTITION_UNSET', 'every record is placed before kafkajs sees it');
      },
    });
    await producer.connect();
    return producer;
  }

  /** What a failed publish still has in the queue goes too: sent later, it would overtake its own repetition. */
  private fail(items: readonly QueuedRecord[], reason: Error): void {
    for (const { publish } of items) {
      if (!publish.failed) publish.reject(reason);
      publish.failed = true;
    }
    this.queue = this.queue.filter((item) => !item.publish.failed);
    this.queuedBytes = this.queue.reduce((sum, item) => sum + item.bytes, 0);
  }

  private async discardProducer(): Promise<void> {
    const producer = this.producer;
    this.producer = undefined;
    await producer?.disconnect().catch(() => undefined); // it is given up either way
  }
}

function settle(items: readonly QueuedRecord[], answers: readonly RecordMetadata[], prefix: string): void {
  const nextOffset = new Map<string, bigint>();
  for (const { topicName, partition, baseOffset } of answers) {
    if (baseOffset !== undefined) nextOffset.set(`${topicName}/${partition}`, BigInt(baseOffset));
  }
  for (const { topic, partition, publish, at } of items) {
    const place = `${topicFullName(prefix, topic)}/${partition}`;
    const offset = nextOffset.get(place);
    if (offset === undefined) throw new Error(`Kafka confirmed nothing for ${place}`);
    nextOffset.set(place, offset + 1n);
    publish.placed[at] = { partition, offset };
    publish.remaining -= 1;
    if (publish.remaining === 0) publish.resolve(publish.placed);
  }
}

function refuseLarge(record: OutgoingRecord): void {
  const valueBytes = record.value?.length ?? 0;
  if (valueBytes > RECORD_VALUE_BYTES_MAX || bytesOf(record) > TOPIC_MESSAGE_BYTES_MAX - 100) {
    throw new InvariantError('ERR_RECORD_TOO_LARGE', `a record of ${valueBytes} bytes is above the limit`);
  }
}

function bytesOf(record: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const [name, value] of Object.entries(record.headers)) bytes += name.length + Buffer.byteLength(value) + 8;
  return bytes;
}
