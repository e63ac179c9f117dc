import { DependencyError } from '@spendgate/core';
import { type LaneSource, type Pool, readRanges, readTopics } from '@spendgate/store';
import type { TopicName } from '../topics.js';

/** What lanes compare at acquisition; the topic's incarnation stands for Kafka's cluster and topic ids. */
export async function readSource(pool: Pool, name: TopicName, partition: number): Promise<LaneSource> {
  const [[topic], ranges] = await Promise.all([readTopics(pool, [name]), readRanges(pool, [name])]);
  const range = ranges.find((each) => each.partition === partition);
  if (topic === undefined || range === undefined) {
    throw new DependencyError('ERR_PARTITION_MISSING', `${name}/${partition} is not there`);
  }
  const { firstOffset, endOffset } = range;
  return { clusterId: topic.incarnation, partitions: topic.partitions, firstOffset, endOffset };
}
