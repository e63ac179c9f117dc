import { type Pool, readLanePlaces } from '@spendgate/store';
import type { LagRow } from './event-transport.js';
import { laneName, type TopicName } from './topics.js';

/** A partition and where it ends. */
export interface PartitionEnd {
  readonly group: string;
  readonly topic: TopicName;
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly endOffset: bigint;
}

/** Compares each partition's end with its lane; one statement for all. */
export async function readLag(pool: Pool, ends: readonly PartitionEnd[]): Promise<LagRow[]> {
  const names = ends.map(({ group, topic, partition }) => laneName(group, topic, partition));
  const places = new Map((await readLanePlaces(pool, names)).map((place) => [place.name, place]));
  return ends.map(({ topic, partition, firstOffset, endOffset }, at) => {
    const place = places.get(names[at] ?? '');
    const next = place?.next ?? firstOffset;
    const lag = endOffset > next ? endOffset - next : 0n;
    return { topic, partition, next, endOffset, lag, stoppedReason: place?.stoppedReason ?? null };
  });
}
