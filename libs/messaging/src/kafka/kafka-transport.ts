import { DependencyError, SpendgateError } from '@spendgate/core';
import type { LaneSource } from '@spendgate/store';
import type { Admin, Kafka } from 'kafkajs';
import type { EventTransport, LagRow, OutgoingRecord, PublishedAt, Subscription } from '../event-transport.js';
import { readLag, type PartitionEnd } from '../lag.js';
import { defectEnder, type TransportOptions } from '../transport-options.js';
import { PublishQueue } from '../publish-queue.js';
import { TOPIC_NAMES, type TopicName } from '../topics.js';
import { connectKafka, type KafkaSettings } from './kafka-connection.js';
import { KafkaGroup } from './kafka-group.js';
import { KafkaIdentity } from './kafka-identity.js';
import { KafkaLog } from './kafka-log.js';
import { KafkaProducer } from './kafka-producer.js';
import { checkTopics, createTopics } from './kafka-topics.js';

export interface KafkaTransportOptions extends TransportOptions {
  readonly settings: KafkaSettings;
  readonly prefix: string;
  readonly replication: number;
}

/** The event transport on Apache Kafka, by kafkajs. Exactly-once effect comes from the lanes, never from Kafka. */
export class KafkaTransport implements EventTransport {
  private readonly kafka: Kafka;
  private readonly admin: Admin;
  private readonly identity: KafkaIdentity;
  private readonly log: KafkaLog;
  private readonly producer: KafkaProducer;
  private readonly queue: PublishQueue;
  private groups: KafkaGroup[] = [];
  private topics: readonly { topic: TopicName; group: string }[] = [];
  private adminReady: Promise<void> | undefined;

  constructor(private readonly options: KafkaTransportOptions) {
    this.kafka = connectKafka(options.settings, options.logger);
    this.admin = this.kafka.admin();
    this.identity = new KafkaIdentity(this.kafka);
    this.log = new KafkaLog(this.admin, this.identity, options.prefix, () => this.connectAdmin());
    this.producer = new KafkaProducer(this.kafka, options.prefix);
    this.queue = new PublishQueue(
      (topic) => reachable(() => this.log.partitions(topic)),
      (records) => this.producer.send(records),
    );
  }

  async start(subscriptions: readonly Subscription[]): Promise<void> {
    await this.connectAdmin();
    this.topics = [...this.topics, ...subscriptions.map(({ topic, group }) => ({ topic, group }))];
    await checkTopics(this.admin, this.options.prefix, [...new Set(subscriptions.map(({ topic }) => topic))]);
    const { pool, logger } = this.options;
    const parts = { pool, logger, endDefect: defectEnder(this, this.options) };
    for (const name of new Set(subscriptions.map(({ group }) => group))) {
      const own = subscriptions.filter(({ group }) => group === name);
      const group = new KafkaGroup(this.kafka, this.log, name, own, parts, this.options);
      this.groups.push(group);
      await reachable(() => group.start());
    }
  }

  publish(topic: TopicName, records: readonly OutgoingRecord[]): Promise<PublishedAt[]> {
    return this.queue.publish(topic, records);
  }

  async lag(): Promise<LagRow[]> {
    await this.connectAdmin();
    const ends = await Promise.all(
      this.topics.map(async ({ topic, group }) =>
        [...(await this.log.ends(topic))].map(([partition, end]) => ({ topic, group, partition, ...end })),
      ),
    );
    return readLag(this.options.pool, ends.flat().sort(byPlace));
  }

  source(topic: TopicName, partition: number): Promise<LaneSource> {
    return reachable(async () => (await this.log.sources(topic))(partition));
  }

  async ensureTopics(mode: 'create' | 'check'): Promise<void> {
    await this.connectAdmin();
    if (mode === 'create') await reachable(() => createTopics(this.admin, this.options));
    await reachable(() => checkTopics(this.admin, this.options.prefix, TOPIC_NAMES));
  }

  async stop(): Promise<void> {
    await Promise.all(this.groups.map((group) => group.stop()));
    this.groups = [];
    await this.queue.idle();
    await this.producer.stop();
    await this.identity.stop();
    if (this.adminReady !== undefined) await this.admin.disconnect();
    this.adminReady = undefined;
  }

  private connectAdmin(): Promise<void> {
    this.adminReady ??= reachable(() => this.admin.connect()).catch((error: unknown) => {
      this.adminReady = undefined; // the next caller tries again
      throw error;
    });
    return this.adminReady;
  }
}

function byPlace(a: PartitionEnd, b: PartitionEnd): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1;
}

/** kafkajs's errors as ours. */
async function reachable<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof SpendgateError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new DependencyError('ERR_KAFKA_UNAVAILABLE', message, { cause: error });
  }
}
