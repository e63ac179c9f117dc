import { DependencyError, InvariantError } from '@spendgate/core';
import type { OutgoingRecord, PublishedAt } from './event-transport.js';
import { KeylessSpread, partitionOf } from './partitioner.js';
import { RECORD_VALUE_BYTES_MAX, TOPIC_MESSAGE_BYTES_MAX, type TopicName } from './topics.js';

/** Bytes of one partition in one request; a Kafka broker refuses a batch above the topic's `max.message.bytes`. */
const SEND_PARTITION_BYTES_MAX = 700_000;
const SEND_BYTES_MAX = 4_000_000;
/** Unsent bytes held for all callers together; more means the log does not keep up, and callers must hear it. */
const QUEUE_BYTES_MAX = 64_000_000;
/** What a record costs beside key, value and headers (varints, deltas, batch frame), rounded up. */
const RECORD_OVERHEAD_BYTES = 128;

/** A record with its place chosen, waiting for its turn. */
export interface PlacedRecord {
  readonly topic: TopicName;
  readonly partition: number;
  readonly record: OutgoingRecord;
}
interface Publish {
  readonly placed: PublishedAt[];
  remaining: number;
  readonly resolve: (placed: PublishedAt[]) => void;
  readonly reject: (error: Error) => void;
  failed: boolean;
}
interface Queued extends PlacedRecord {
  readonly bytes: number;
  readonly publish: Publish;
  readonly at: number;
}

/**
 * One request at a time, everything that queued up meanwhile in the next one: order per partition holds, and load makes
 * batches by itself, without a timer. Both transports publish through it, so they place, bound and order alike.
 */
export class PublishQueue {
  private queue: Queued[] = [];
  private queuedBytes = 0;
  private draining: Promise<void> | undefined;
  private readonly spread = new KeylessSpread();

  /** @param send appends the records, in order per partition, and gives each its offset; a throw: outcome unknown */
  constructor(
    private readonly partitionsOf: (topic: TopicName) => Promise<number>,
    private readonly send: (records: readonly PlacedRecord[]) => Promise<readonly bigint[]>,
  ) {}

  async publish(topic: TopicName, records: readonly OutgoingRecord[]): Promise<PublishedAt[]> {
    if (records.length === 0) return [];
    for (const record of records) refuseLarge(record);
    const partitions = await this.partitionsOf(topic);
    return new Promise((resolve, reject) => {
      const publish: Publish = { placed: [], remaining: records.length, resolve, reject, failed: false };
      const queued = records.map((record, at) => {
        const partition = record.partition ?? this.placeOf(record, partitions);
        return { topic, partition, record, bytes: bytesOf(record), publish, at };
      });
      const bytes = queued.reduce((sum, item) => sum + item.bytes, 0);
      if (this.queuedBytes > 0 && this.queuedBytes + bytes > QUEUE_BYTES_MAX) {
        reject(new DependencyError('ERR_PUBLISH_QUEUE_FULL', `more than ${QUEUE_BYTES_MAX} bytes wait for the log`));
        return;
      }
      for (const item of queued) this.queue.push(item); // not spread: 100,000 arguments overflow the stack
      this.queuedBytes += bytes;
      this.draining ??= this.drain();
    });
  }

  /** Resolves when nothing is queued or on its way. */
  async idle(): Promise<void> {
    await this.draining;
  }

  private placeOf(record: OutgoingRecord, partitions: number): number {
    return record.key === null ? this.spread.partition(partitions) : partitionOf(record.key, partitions);
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const items = this.takeNext();
      try {
        settle(items, await this.send(items));
      } catch (error) {
        this.fail(items, new DependencyError('ERR_PUBLISH_FAILED', describe(error), { cause: error }));
      }
    }
    this.draining = undefined;
  }

  /** The longest prefix of the queue that fits one request; a prefix, because records of one key must not overtake. */
  private takeNext(): Queued[] {
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

  /** What a failed publish still has in the queue goes too: sent later, it would overtake its own repetition. */
  private fail(items: readonly Queued[], reason: Error): void {
    for (const { publish } of items) {
      if (!publish.failed) publish.reject(reason);
      publish.failed = true;
    }
    this.queue = this.queue.filter((item) => !item.publish.failed);
    this.queuedBytes = this.queue.reduce((sum, item) => sum + item.bytes, 0);
  }
}

function settle(items: readonly Queued[], offsets: readonly bigint[]): void {
  if (offsets.length !== items.length) throw new Error('the log did not confirm every record');
  items.forEach(({ partition, publish, at }, index) => {
    publish.placed[at] = { partition, offset: offsets[index] ?? -1n }; // the length was checked above
    publish.remaining -= 1;
    if (publish.remaining === 0) publish.resolve(publish.placed);
  });
}

function refuseLarge(record: OutgoingRecord): void {
  const valueBytes = record.value?.length ?? 0;
  if (valueBytes > RECORD_VALUE_BYTES_MAX || bytesOf(record) > TOPIC_MESSAGE_BYTES_MAX) {
    throw new InvariantError('ERR_RECORD_TOO_LARGE', `a record with a value of ${valueBytes} bytes is above the limit`);
  }
}

function bytesOf(record: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + Buffer.byteLength(record.key ?? '') + (record.value?.length ?? 0);
  for (const [name, value] of Object.entries(record.headers)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 8;
  }
  return bytes;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
