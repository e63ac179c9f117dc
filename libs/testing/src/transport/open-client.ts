import type { LoggerService } from '@nestjs/common';
import { EmbeddedTransport, KafkaTransport, type EventTransport } from '@spendgate/messaging';
import { systemClock } from '@spendgate/platform';
import type { Pool } from '@spendgate/store';
import { type ChildOptions, TEST_SESSION_TIMEOUT_MS } from './world.js';

const BATCH_BYTES_MAX = 262_144;
const PARTITIONS_AT_ONCE = 4;

/** Makes the client both a test and its child processes use. */
export function openClient(options: ChildOptions, pool: Pool, logger: LoggerService): EventTransport {
  const shared = {
    pool,
    logger,
    clock: systemClock,
    source: 'urn:spendgate:test',
    partitions: options.partitions,
    sessionTimeoutMs: TEST_SESSION_TIMEOUT_MS,
    batchBytesMax: BATCH_BYTES_MAX,
    partitionsAtOnce: PARTITIONS_AT_ONCE,
  };
  if (options.kind === 'embedded') {
    return new EmbeddedTransport({ ...shared, databaseUrl: options.databaseUrl, retentionHours: 168 });
  }
  return new KafkaTransport({
    ...shared,
    settings: { SPENDGATE_KAFKA_BROKERS: options.brokers },
    prefix: options.prefix,
    replication: 1,
  });
}
