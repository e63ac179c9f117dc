export { DeadLetters, type DeadLetter } from './dead-letters.js';
export { EmbeddedTransport, type EmbeddedTransportOptions } from './embedded/embedded-transport.js';
export * from './event-transport.js';
export type { KafkaSettings } from './kafka/kafka-connection.js';
export { type EventPublisher, openKafkaPublisher } from './kafka/kafka-publisher.js';
export { KafkaTransport, type KafkaTransportOptions } from './kafka/kafka-transport.js';
export * from './messaging.settings.js';
export * from './outbox-publisher.js';
export { partitionOf } from './partitioner.js';
export { OriginalErrors } from './original-errors.filter.js';
export { isUnderKey, REAPPENDED_HEADER, reappendUnderKey } from './reappend.js';
export * from './runtime.js';
export * from './topics.js';
export {
  connectTransport,
  type LaneAcquired,
  laneAcquired,
  type RecordDefect,
  recordDefect,
  SpendgateTransport,
} from './spendgate-transport.strategy.js';
export { SESSION_TIMEOUT_MS_DEFAULT, type TransportOptions } from './transport-options.js';
