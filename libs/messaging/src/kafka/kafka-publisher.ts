import type { LoggerService } from '@nestjs/common';
import type { EventTransport } from '../event-transport.js';
import { PublishQueue } from '../publish-queue.js';
import { topicFullName } from '../topics.js';
import { connectKafka, type KafkaSettings } from './kafka-connection.js';
import { KafkaIdentity } from './kafka-identity.js';
import { KafkaProducer } from './kafka-producer.js';

/** The writing half of a transport, for those who only hand records in: agents and the command line. */
export type EventPublisher = Pick<EventTransport, 'publish' | 'stop'>;

/**
 * Opens a publisher on Kafka alone: no database and no groups, and the same places, bounds and order per key as the
 * roles' own transport.
 *
 * @param prefix of the topic names on the cluster
 * @throws {Error} naming the setting that is wrong; the Kafka brokers are reached at the first publish
 */
export function openKafkaPublisher(settings: KafkaSettings, prefix: string, logger: LoggerService): EventPublisher {
  const kafka = connectKafka(settings, logger);
  const identity = new KafkaIdentity(kafka);
  const producer = new KafkaProducer(kafka, prefix);
  const counts = new Map<string, Promise<number>>();
  const partitionsOf = (topic: string): Promise<number> => {
    const known = counts.get(topic);
    if (known !== undefined) return known;
    const asked = identity.read(topic).then(({ partitions }) => partitions);
    asked.catch(() => counts.delete(topic)); // the next publish asks again
    counts.set(topic, asked);
    return asked;
  };
  const queue = new PublishQueue(
    (topic) => partitionsOf(topicFullName(prefix, topic)),
    (records) => producer.send(records),
  );
  return {
    publish: (topic, records) => queue.publish(topic, records),
    stop: async () => {
      await queue.idle();
      await producer.stop();
      await identity.stop();
    },
  };
}
