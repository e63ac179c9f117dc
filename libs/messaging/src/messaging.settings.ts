import { setting } from '@spendgate/platform';

/** Event transport settings, shared by every role. Without `SPENDGATE_KAFKA_BROKERS` the embedded transport is used. */
export const MESSAGING_SETTINGS = {
  SPENDGATE_KAFKA_BROKERS: setting.text({ about: 'host:port, comma separated; absent: the embedded transport' }),
  SPENDGATE_KAFKA_CLIENT_ID: setting.text({ default: 'spendgate', about: 'name in the logs of the Kafka brokers' }),
  SPENDGATE_KAFKA_TLS: setting.boolean({ default: false, about: 'encrypt the connection to the Kafka brokers' }),
  SPENDGATE_KAFKA_CA_FILE: setting.text({ about: 'PEM file with the authorities to trust; absent: the built-in ones' }),
  SPENDGATE_KAFKA_CERT_FILE: setting.text({ about: 'PEM file of our certificate, when the Kafka brokers ask for one' }),
  SPENDGATE_KAFKA_KEY_FILE: setting.text({ about: 'PEM file of the private key to it' }),
  SPENDGATE_KAFKA_SASL_MECHANISM: setting.text({
    about: 'plain, scram-sha-256 or scram-sha-512; absent: no SASL',
    oneOf: ['plain', 'scram-sha-256', 'scram-sha-512'],
  }),
  SPENDGATE_KAFKA_SASL_USERNAME: setting.text({ about: 'SASL user' }),
  SPENDGATE_KAFKA_SASL_PASSWORD: setting.secret({ about: 'SASL password; better as …_FILE' }),
  SPENDGATE_TOPIC_PREFIX: setting.text({ default: 'spendgate.', about: 'put before each topic and group name' }),
  SPENDGATE_TOPIC_PARTITIONS: setting.integer({
    default: 8,
    min: 1,
    max: 1024,
    about: 'partitions of a topic made here; a later change moves keys and needs the operator',
  }),
  SPENDGATE_TOPIC_REPLICATION: setting.integer({ default: 1, min: 1, max: 7, about: 'replicas of a topic made here' }),
  SPENDGATE_EMBEDDED_RETENTION_HOURS: setting.integer({
    default: 168,
    min: 1,
    max: 87_600,
    about: 'hours the embedded transport keeps a record at least, and until it was handled; on Kafka: retention.ms',
  }),
  SPENDGATE_PARTITIONS_AT_ONCE: setting.integer({
    default: 8,
    min: 1,
    max: 256,
    about: 'partitions whose batches one process handles side by side',
  }),
  SPENDGATE_BATCH_BYTES_MAX: setting.integer({
    default: 393_216,
    min: 65_536,
    max: 1_048_576,
    about: 'bytes fetched per partition at a time',
  }),
} as const;
