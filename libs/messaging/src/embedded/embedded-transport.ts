import { DependencyError } from '@spendgate/core';
import {
  AppendListener,
  appendRecords,
  checkTopics,
  createTopics,
  type LaneSource,
  notifyAppended,
  readRanges,
  readTopics,
  trimAged,
} from '@spendgate/store';
import { Sweeper } from '@spendgate/platform';
import type { EventTransport, LagRow, OutgoingRecord, PublishedAt, Subscription } from '../event-transport.js';
import { readLag } from '../lag.js';
import { type PlacedRecord, PublishQueue } from '../publish-queue.js';
import { TOPIC_NAMES, TOPIC_SPECS, type TopicName } from '../topics.js';
import { defectEnder, type TransportOptions } from '../transport-options.js';
import { EmbeddedGroup } from './embedded-group.js';
import { readSource } from './read-source.js';

export interface EmbeddedTransportOptions extends TransportOptions {
  /** For the one connection that listens; a secret. */
  readonly databaseUrl: string;
  /** Hours a record stays at least; it stays longer until every group that follows its topic has handled it. */
  readonly retentionHours: number;
}

/** Between two looks for records past their retention. */
const RETENTION_PAUSE_MS = 60_000;
const DECIDED_TOPICS = TOPIC_NAMES.filter((topic) => TOPIC_SPECS[topic].decidedBy !== undefined);

/** The event transport on Kafka-shaped tables in PostgreSQL: the same places, order, groups and lanes, without Kafka. */
export class EmbeddedTransport implements EventTransport {
  private readonly queue: PublishQueue;
  private readonly partitionCounts = new Map<TopicName, Promise<number>>();
  private groups: EmbeddedGroup[] = [];
  private listener: AppendListener | undefined;
  private topics: readonly { topic: TopicName; group: string }[] = [];
  private readonly unannounced = new Set<TopicName>();
  private announcing: Promise<void> | undefined;
  private retention: Sweeper | undefined;

  constructor(private readonly options: EmbeddedTransportOptions) {
    this.queue = new PublishQueue(
      (topic) => this.partitionsOf(topic),
      (records) => this.append(records),
    );
  }

  async start(subscriptions: readonly Subscription[]): Promise<void> {
    this.topics = [...this.topics, ...subscriptions.map(({ topic, group }) => ({ topic, group }))];
    await checkTopics(this.options.pool, this.shapes([...new Set(subscriptions.map(({ topic }) => topic))]));
    const { pool, logger } = this.options;
    const parts = { pool, logger, endDefect: defectEnder(this, this.options) };
    const started = [...new Set(subscriptions.map(({ group }) => group))].map((name) => {
      const own = subscriptions.filter(({ group }) => group === name);
      return new EmbeddedGroup(name, own, parts, this.options);
    });
    this.groups.push(...started);
    await this.listen();
    for (const group of started) await group.start();
    this.keepRetention();
  }

  publish(topic: TopicName, records: readonly OutgoingRecord[]): Promise<PublishedAt[]> {
    return this.queue.publish(topic, records);
  }

  async lag(): Promise<LagRow[]> {
    const ranges = await readRanges(
      this.options.pool,
      this.topics.map(({ topic }) => topic),
    );
    const ends = this.topics.flatMap(({ topic, group }) =>
      ranges.filter((range) => range.topic === topic).map((range) => ({ ...range, topic, group })),
    );
    return readLag(this.options.pool, ends);
  }

  source(topic: TopicName, partition: number): Promise<LaneSource> {
    return readSource(this.options.pool, topic, partition);
  }

  async ensureTopics(mode: 'create' | 'check'): Promise<void> {
    if (mode === 'create') await createTopics(this.options.pool, this.shapes(TOPIC_NAMES));
    await checkTopics(this.options.pool, this.shapes(TOPIC_NAMES));
  }

  async stop(): Promise<void> {
    await this.retention?.stop();
    this.retention = undefined;
    await Promise.all(this.groups.map((group) => group.stop()));
    this.groups = [];
    await this.queue.idle();
    await this.announcing;
    await this.listener?.stop();
    this.listener = undefined;
  }

  private keepRetention(): void {
    const { pool, logger, retentionHours: keepHours } = this.options;
    const trim = (): Promise<boolean> => trimAged(pool, { keepHours, decided: DECIDED_TOPICS });
    this.retention ??= new Sweeper('embedded retention', RETENTION_PAUSE_MS, trim, logger);
    this.retention.start();
  }

  private async listen(): Promise<void> {
    if (this.listener !== undefined) return;
    this.listener = new AppendListener(this.options.databaseUrl, () => {
      for (const group of this.groups) group.wake();
    });
    await this.listener.start();
  }

  private shapes(topics: readonly TopicName[]): { topic: string; partitions: number }[] {
    const { partitions } = this.options;
    return topics.map((topic) => ({ topic, partitions: TOPIC_SPECS[topic].partitions === 1 ? 1 : partitions }));
  }

  /** Callers that ask while the answer is on its way share it, so that publishes keep the order of their calls. */
  private partitionsOf(topic: TopicName): Promise<number> {
    const known = this.partitionCounts.get(topic);
    if (known !== undefined) return known;
    const asked = this.readPartitions(topic);
    asked.catch(() => this.partitionCounts.delete(topic));
    this.partitionCounts.set(topic, asked);
    return asked;
  }

  private async readPartitions(topic: TopicName): Promise<number> {
    const [found] = await readTopics(this.options.pool, [topic]);
    if (found === undefined) throw new DependencyError('ERR_TOPIC_MISSING', `${topic}: run spendgate migrate --topics`);
    return found.partitions;
  }

  private async append(records: readonly PlacedRecord[]): Promise<bigint[]> {
    const places = await appendRecords(
      this.options.pool,
      records.map(({ topic, partition, record }) => ({
        topic,
        partition,
        key: record.key === null ? null : Buffer.from(record.key),
        value: record.value,
        headers: withoutNul(record.headers),
      })),
    );
    for (const group of this.groups) {
      for (const { topic, partition } of places) group.wakePartition(topic, partition); // needs no message
    }
    for (const topic of new Set(records.map((record) => record.topic))) this.announce(topic);
    return places.map(({ offset }) => offset);
  }

  /** One NOTIFY at a time; what is appended meanwhile shares the next. */
  private announce(topic: TopicName): void {
    this.unannounced.add(topic);
    this.announcing ??= this.announceAll();
  }

  private async announceAll(): Promise<void> {
    for (const topic of this.unannounced) {
      this.unannounced.delete(topic);
      await notifyAppended(this.options.pool, topic);
    }
    this.announcing = undefined;
  }
}

/** PostgreSQL text holds no NUL (jsonb refuses it); Kafka would carry it. */
function withoutNul(headers: Readonly<Record<string, string>>): Record<string, string> {
  const clean = (text: string): string => text.replaceAll('\0', '\ufffd');
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [clean(name), clean(value)]));
}
