import { DependencyError } from '@spendgate/core';
import type { LaneSource } from '@spendgate/store';
import type { Admin } from 'kafkajs';
import { topicFullName, type TopicName } from '../topics.js';

/** First kept offset and end of each partition, as Kafka numbers them. */
export type PartitionEnds = ReadonlyMap<number, { readonly firstOffset: bigint; readonly endOffset: bigint }>;

/** Questions about the log itself: who it is, how many partitions, where they begin and end. Asked anew each time. */
export class KafkaLog {
  private partitionCounts = new Map<TopicName, Promise<number>>();

  constructor(
    private readonly admin: Admin,
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
    const name = topicFullName(this.prefix, topic);
    await this.connected();
    const { topics } = await this.admin.fetchTopicMetadata({ topics: [name] });
    const count = topics[0]?.partitions.length ?? 0;
    if (count === 0) throw new DependencyError('ERR_TOPIC_MISSING', `${name} has no partitions`);
    return count;
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
    await this.connected();
    this.partitionCounts.delete(topic);
    const [{ clusterId }, partitions, ends] = await Promise.all([
      this.admin.describeCluster(),
      this.partitions(topic),
      this.ends(topic),
    ]);
    return (partition) => {
      const found = ends.get(partition);
      if (found === undefined) throw new DependencyError('ERR_PARTITION_MISSING', `${topic}/${partition} is not there`);
      return { clusterId, partitions, ...found };
    };
  }
}
