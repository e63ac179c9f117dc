import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@spendgate/testing';
import { connectKafka } from './kafka-connection.js';

const BROKERS = { SPENDGATE_KAFKA_BROKERS: 'kafka-1:9092, [::1]:9093' };

describe('connectKafka', () => {
  it('takes several Kafka brokers, IPv6 ones too', () => {
    expect(() => connectKafka(BROKERS, silentLogger)).not.toThrow();
  });

  it.each([
    ['a Kafka broker without a port', { SPENDGATE_KAFKA_BROKERS: 'kafka' }, '"kafka" is not host:port'],
    ['SASL without a password', { SPENDGATE_KAFKA_SASL_MECHANISM: 'scram-sha-256' }, 'needs SPENDGATE_KAFKA_SASL'],
    ['an unknown mechanism', sasl('gssapi'), 'none of plain'],
    ['a password sent in the clear', sasl('plain'), 'set SPENDGATE_KAFKA_TLS=true'],
  ])('refuses %s, naming the setting', (_case, settings, message) => {
    expect(() => connectKafka({ ...BROKERS, ...settings }, silentLogger)).toThrow(message);
  });
});

function sasl(mechanism: string): Record<string, string> {
  return {
    SPENDGATE_KAFKA_SASL_MECHANISM: mechanism,
    SPENDGATE_KAFKA_SASL_USERNAME: 'u',
    SPENDGATE_KAFKA_SASL_PASSWORD: 'p',
  };
}
