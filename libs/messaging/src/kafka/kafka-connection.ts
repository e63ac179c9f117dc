import { readFileSync } from 'node:fs';
import type { LoggerService } from '@nestjs/common';
import { Kafka, logLevel, type KafkaConfig, type logCreator, type SASLOptions } from 'kafkajs';
import { boundHeaders } from './bound-headers.js';
import { encodeProduceAtOnce } from './encode-produce.js';

boundHeaders();
encodeProduceAtOnce();

/** How to reach the Kafka brokers: the values of `MESSAGING_SETTINGS`, absent ones left out. */
export interface KafkaSettings {
  readonly SPENDGATE_KAFKA_BROKERS: string;
  readonly SPENDGATE_KAFKA_CLIENT_ID?: string | undefined;
  readonly SPENDGATE_KAFKA_TLS?: boolean | undefined;
  readonly SPENDGATE_KAFKA_CA_FILE?: string | undefined;
  readonly SPENDGATE_KAFKA_CERT_FILE?: string | undefined;
  readonly SPENDGATE_KAFKA_KEY_FILE?: string | undefined;
  readonly SPENDGATE_KAFKA_SASL_MECHANISM?: string | undefined;
  readonly SPENDGATE_KAFKA_SASL_USERNAME?: string | undefined;
  readonly SPENDGATE_KAFKA_SASL_PASSWORD?: string | undefined;
}

/** Attempts of one request inside kafkajs before it gives up and our own backoff takes over; about 6 s in all. */
const REQUEST_RETRIES_MAX = 6;

/** @throws {Error} at start, naming the setting, when the settings contradict each other or a file cannot be read. */
export function connectKafka(settings: KafkaSettings, logger: LoggerService): Kafka {
  const sasl = saslOptions(settings);
  const config: KafkaConfig = {
    clientId: settings.SPENDGATE_KAFKA_CLIENT_ID ?? 'spendgate',
    brokers: parseBrokers(settings.SPENDGATE_KAFKA_BROKERS),
    connectionTimeout: 5_000,
    requestTimeout: 15_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: REQUEST_RETRIES_MAX },
    logLevel: logLevel.WARN,
    logCreator: toLogger(logger),
    ...(settings.SPENDGATE_KAFKA_TLS === true ? { ssl: tlsOptions(settings) } : {}),
    ...(sasl === undefined ? {} : { sasl }),
  };
  return new Kafka(config);
}

function parseBrokers(text: string): string[] {
  const brokers = text.split(',').map((broker) => broker.trim());
  for (const broker of brokers) {
    if (!/^[^\s:/]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/i.test(broker)) {
      throw new Error(`SPENDGATE_KAFKA_BROKERS: "${broker}" is not host:port`);
    }
  }
  return brokers;
}

function tlsOptions(settings: KafkaSettings): Exclude<KafkaConfig['ssl'], boolean | undefined> {
  const read = (name: 'SPENDGATE_KAFKA_CA_FILE' | 'SPENDGATE_KAFKA_CERT_FILE' | 'SPENDGATE_KAFKA_KEY_FILE') => {
    const path = settings[name];
    return path === undefined ? undefined : readFileSync(path);
  };
  const [ca, cert, key] = [
    read('SPENDGATE_KAFKA_CA_FILE'),
    read('SPENDGATE_KAFKA_CERT_FILE'),
    read('SPENDGATE_KAFKA_KEY_FILE'),
  ];
  // The certificate and the host name are always checked: there is no setting to turn that off.
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), minVersion: 'TLSv1.2' };
}

function saslOptions(settings: KafkaSettings): SASLOptions | undefined {
  const mechanism = settings.SPENDGATE_KAFKA_SASL_MECHANISM;
  if (mechanism === undefined) return undefined;
  const username = settings.SPENDGATE_KAFKA_SASL_USERNAME;
  const password = settings.SPENDGATE_KAFKA_SASL_PASSWORD;
  if (username === undefined || password === undefined) {
    throw new Error('SPENDGATE_KAFKA_SASL_MECHANISM needs SPENDGATE_KAFKA_SASL_USERNAME and …_PASSWORD');
  }
  if (mechanism === 'plain' && settings.SPENDGATE_KAFKA_TLS !== true) {
    throw new Error('SPENDGATE_KAFKA_SASL_MECHANISM=plain sends the password as it is: set SPENDGATE_KAFKA_TLS=true');
  }
  if (mechanism === 'plain' || mechanism === 'scram-sha-256' || mechanism === 'scram-sha-512') {
    return { mechanism, username, password };
  }
  throw new Error(`SPENDGATE_KAFKA_SASL_MECHANISM: "${mechanism}" is none of plain, scram-sha-256, scram-sha-512`);
}

/** kafkajs calls each rebalance and reconnect an error; they are everyday, so they are told one step lower. */
function toLogger(logger: LoggerService): logCreator {
  return () =>
    ({ namespace, level, log }) => {
      const text = `kafka ${namespace}: ${log.message}`;
      if (level === logLevel.ERROR) logger.warn(text);
      else logger.debug?.(text);
    };
}
