import type { EventTransport, PublishedAt, TransportRecord } from './event-transport.js';
import { partitionOf } from './partitioner.js';

/** Names where a record lay before it was appended again, for whoever traces it: `payment-intents.v1/3/120`. */
export const REAPPENDED_HEADER = 'spendgate-reappended';

/** Whether a record lies where its key belongs. librdkafka places by CRC32 unless told otherwise, Java by murmur2. */
export function isUnderKey(record: TransportRecord, key: string, partitions: number): boolean {
  return record.partition === partitionOf(key, partitions);
}

/**
 * Appends verified records again under the key they belong to, so that one flow is one ordered stream; never a dead
 * letter. Call before the batch's commit: after a crash in between it stands twice, and the second is a replay.
 *
 * @param moves the record and its flow id. Only of requests whose signature verifies, or rubbish would be multiplied.
 */
export function reappendUnderKey(
  transport: Pick<EventTransport, 'publish'>,
  moves: readonly { readonly record: TransportRecord; readonly key: string }[],
): Promise<PublishedAt[]> {
  const [first] = moves;
  if (first === undefined) return Promise.resolve([]);
  const records = moves.map(({ record, key }) => ({
    key,
    value: record.value,
    headers: { ...record.headers, [REAPPENDED_HEADER]: `${record.topic}/${record.partition}/${record.offset}` },
  }));
  return transport.publish(first.record.topic, records);
}
