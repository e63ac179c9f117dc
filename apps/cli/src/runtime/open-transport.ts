import {
  EmbeddedTransport,
  type EventTransport,
  KafkaTransport,
  type KafkaSettings,
  type MESSAGING_SETTINGS,
  SESSION_TIMEOUT_MS_DEFAULT,
} from '@spendgate/messaging';
import { type Logger, type SettingValues, systemClock } from '@spendgate/platform';
import type { Pool } from '@spendgate/store';

export interface TransportPlace {
  readonly settings: SettingValues<typeof MESSAGING_SETTINGS>;
  readonly pool: Pool;
  readonly logger: Logger;
  readonly issuer: string;
  readonly databaseUrl: string;
}

/** Kafka when `SPENDGATE_KAFKA_BROKERS` is set, else the embedded transport: the one place that chooses. */
export function openTransport({ settings, pool, logger, issuer, databaseUrl }: TransportPlace): EventTransport {
  const common = {
    pool,
    logger,
    clock: systemClock,
    source: issuer,
    partitions: settings.SPENDGATE_TOPIC_PARTITIONS,
    partitionsAtOnce: settings.SPENDGATE_PARTITIONS_AT_ONCE,
    batchBytesMax: settings.SPENDGATE_BATCH_BYTES_MAX,
    sessionTimeoutMs: SESSION_TIMEOUT_MS_DEFAULT,
  };
  const { SPENDGATE_KAFKA_BROKERS: brokers } = settings;
  const retentionHours = settings.SPENDGATE_EMBEDDED_RETENTION_HOURS;
  if (brokers === undefined) return new EmbeddedTransport({ ...common, databaseUrl, retentionHours });
  const kafka: KafkaSettings = { ...settings, SPENDGATE_KAFKA_BROKERS: brokers };
  const place = { prefix: settings.SPENDGATE_TOPIC_PREFIX, replication: settings.SPENDGATE_TOPIC_REPLICATION };
  return new KafkaTransport({ ...common, ...place, settings: kafka });
}
