import { DependencyError } from '@spendgate/core';
import type { LaneSource } from '@spendgate/store';
import type { Admin } from 'kafkajs';
import type { KafkaIdentity } from './kafka-identity.js';
import { topicFullName, type TopicName } from '../topics.js';

/** First kept offset and end of each partition, as Kafka numbers them. */
export type PartitionEnds = ReadonlyMap<number, { readonly firstOffset: bigint; readonly endOffset: bigint }>;

/** Questions about the log itself: who it is, how many partitions, where they begin and end. Asked anew each time. */
export class KafkaLog {
  private partitionCounts = new Map<TopicName, Promise<number>>();

  constructor(
    private readonly admin: Admin,
    private readonly identity: KafkaIdentity,
    private readonly prefix: string,
    private readonly connected: () => Promise<void>,
  ) {}

  /**
   * Partitions of a topic; remembered, because a change stops the lanes anyway (see {@link sources}). Callers that ask
   * while the answer is on its way share it, so that publishes keep the order of their calls.
   */
  partitions(topic: TopicName): Promise<number> {
    const known = this.partitionCounts.get(topic);
    if (known !== undefined) return known;
    const asked = this.readPartitions(topic);
    asked.catch(() => this.partitionCounts.delete(topic));
    this.partitionCounts.set(topic, asked);
    return asked;
  }

  private async readPartitions(topic: TopicName): Promise<number> {
    return (await this.identity.read(topicFullName(this.prefix, topic))).partitions;
  }

  async ends(topic: TopicName): Promise<PartitionEnds> {
    await this.connected();
    const rows = await this.admin.fetchTopicOffsets(topicFullName(this.prefix, topic));
    return new Map(
      rows.map(({ partition, low, high }) => [partition, { firstOffset: BigInt(low), endOffset: BigInt(high) }]),
    );
  }

  /** What lanes compare at acquisition, for one partition; the topic's answers are fetched once per call. */
  async sources(topic: TopicName): Promise<(partition: number) => LaneSource> {
    const [{ identity, partitions }, ends] = await Promise.all([
      this.identity.read(topicFullName(this.prefix, topic)),
      this.ends(topic),
    ]);
    this.partitionCounts.set(topic, Promise.resolve(partitions));
    return (partition) => {
      const found = ends.get(partition);
      if (found === undefined) throw new DependencyError('ERR_PARTITION_MISSING', `${topic}/${partition} is not there`);
      return { clusterId: identity, partitions, ...found };
    };
  }
}
