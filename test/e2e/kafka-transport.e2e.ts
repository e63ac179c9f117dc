import { afterAll, beforeAll, describe } from '@jest/globals';
import { describeDelivery, describeFaults } from '@spendgate/testing';
import { openKafkaWorld } from './harness/kafka-world.js';
import { kafkaAvailable, type KafkaServer, startKafka } from './harness/kafka.js';

const PARTITIONS = 3;
const TIMEOUT_MS = 60_000;

(kafkaAvailable() ? describe : describe.skip)('the transport contract on a real Kafka 4.1', () => {
  let kafka: KafkaServer;
  beforeAll(async () => {
    kafka = await startKafka();
  }, 120_000);
  afterAll(() => kafka.stop());

  describeDelivery('Kafka', () => openKafkaWorld(kafka.brokers, PARTITIONS), TIMEOUT_MS);
  describeFaults('Kafka', () => openKafkaWorld(kafka.brokers, PARTITIONS), TIMEOUT_MS);
});
