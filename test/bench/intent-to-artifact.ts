import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { startKafka } from '../e2e/harness/kafka.js';
import { type BenchDomain, type SignedIntent, makeBenchDomain } from './bench-domain.js';
import { runFloor } from './floor.js';
import type { BenchOptions, BenchResult } from './bench.js';
import { type ProductRun, runProduct } from './product.js';
import { alternate, median, ratioOfMedians } from './statistics.js';

const FLOWS = 1_000;
const PARTITIONS = 8;
const SEND = 1_000;

/** The product on real Kafka, ready to be run again and again. */
export interface BenchmarkOne {
  readonly run: () => Promise<ProductRun>;
  readonly floor: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

export async function benchmarkOne(count: number, warmUp: number): Promise<BenchmarkOne> {
  const kafka = await startKafka();
  const client = new Kafka({ clientId: 'bench', brokers: [kafka.brokers], logLevel: logLevel.ERROR });
  const domain = await makeBenchDomain(FLOWS, kafka.settings);
  return {
    run: async () => {
      const intents = await domain.signIntents(count);
      return runProduct(domain, count, warmUp, () => send(client, 'spendgate.payment-intents.v1', intents));
    },
    floor: () => floorRun(client, kafka.brokers, domain, count, warmUp),
    stop: async () => {
      await domain.remove();
      await kafka.stop();
    },
  };
}

/** Benchmark 1: signed intent → artifact over real Kafka and PostgreSQL, as a ratio to the floor of the same run. */
export async function intentToArtifact({ count, pairs }: BenchOptions): Promise<BenchResult> {
  const bench = await benchmarkOne(count, Math.floor(count / 4));
  try {
    const [runs, floors] = await alternate(pairs, bench.run, bench.floor);
    const rates = runs.map((run) => run.rate);
    const { ratio, min, max } = ratioOfMedians(rates, floors);
    return {
      name: 'intent-to-artifact',
      rate: median(rates),
      floor: median(floors),
      ratio,
      ratio_min: min,
      ratio_max: max,
      cpu_us: median(runs.map((run) => run.cpuUs)),
    };
  } finally {
    await bench.stop();
  }
}

/** The floor on the same servers: same records, same partitions, topics of its own. */
async function floorRun(
  client: Kafka,
  brokers: string,
  domain: BenchDomain,
  count: number,
  warmUp: number,
): Promise<number> {
  const run = randomUUID();
  const [inTopic, outTopic] = [`floor-in-${run}`, `floor-out-${run}`];
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [inTopic, outTopic].map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: 1 })),
  });
  await admin.disconnect();
  const intents = await domain.signIntents(count);
  await send(client, inTopic, intents);
  const { privateKey } = generateKeyPairSync('ed25519');
  return runFloor({
    brokers: [brokers],
    databaseUrl: domain.database.url,
    inTopic,
    outTopic,
    count,
    warmUp,
    flows: domain.flows,
    keyOf: (flow) => domain.publicKeyOf(flow),
    signingKey: privateKey,
  });
}

async function send(client: Kafka, topic: string, intents: readonly SignedIntent[]): Promise<void> {
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (let at = 0; at < intents.length; at += SEND) {
    const messages = intents.slice(at, at + SEND).map(({ flow, jws }) => ({ key: flow, value: jws }));
    await producer.send({ topic, acks: -1, messages });
  }
  await producer.disconnect();
}
