import type { KafkaMessage } from 'kafkajs';
import type { TransportRecord } from '../event-transport.js';
import type { TopicName } from '../topics.js';

/** One record as kafkajs decoded it. `timestamp` is LogAppendTime because the topics are checked for it at start. */
export function toTransportRecord(topic: TopicName, partition: number, message: KafkaMessage): TransportRecord {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    key: message.key,
    value: message.value,
    headers: toHeaders(message.headers),
    appendedAtMs: Number(message.timestamp),
  };
}

function toHeaders(headers: KafkaMessage['headers']): Record<string, string> {
  const result: Record<string, string> = Object.create(null) as Record<string, string>; // no name reaches a prototype
  for (const [name, value] of Object.entries(headers ?? {})) {
    // kafkajs gathers headers of one name into an array, and finds inherited members of its object under names such as
    // `constructor`: only bytes are a value.
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (Buffer.isBuffer(last)) result[name] = last.toString('utf8');
  }
  return result;
}
