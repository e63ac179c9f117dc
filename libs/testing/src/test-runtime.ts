import { PrivateKeySigner } from '@spendgate/artifact';
import {
  EmbeddedTransport,
  type RecordBatch,
  type Runtime,
  TOPICS,
  type TopicName,
  laneName,
} from '@spendgate/messaging';
import { HealthRegistry, Logger, Metrics, type SettingTable, readSettings, systemClock } from '@spendgate/platform';
import { type DatabaseRole, type LaneLease, Registry, acquireLane, createPool, type Pool } from '@spendgate/store';
import { type TestDatabase, startTestDatabase } from './database.js';
import { type TestDomain, type TestDomainOptions, openTestDomain } from './test-domain.js';

/** A role's runtime on a database of its own, with the embedded transport created but not started. */
export interface TestRuntime {
  readonly database: TestDatabase;
  readonly domain: TestDomain;
  readonly runtime: Runtime;
  /** Takes a partition's lane; every call fences the one before. */
  lane(topic: TopicName, partition?: number): Promise<LaneLease>;
  /** The same runtime with no more rights in the database than a process of this role has. */
  as(role: DatabaseRole): Runtime;
  close(): Promise<void>;
}

export interface TestRuntimeOptions extends TestDomainOptions {
  readonly settings: SettingTable;
  readonly environment?: Readonly<Record<string, string>>;
  readonly partitions?: number;
}

/** What a test runtime's documents name and its signed reads are checked against, wherever a spec makes it listen. */
export const TEST_PUBLIC_URL = 'https://spendgate.test';

const SILENT = Logger.create({ level: 'silent', role: 'spec' });

export async function openTestRuntime(options: TestRuntimeOptions): Promise<TestRuntime> {
  const database = await startTestDatabase();
  const { pool, url } = database;
  const domain = await openTestDomain(pool, options);
  const partitions = options.partitions ?? 1;
  const clock = systemClock;
  const transport = new EmbeddedTransport({
    pool,
    databaseUrl: url,
    retentionHours: 168,
    partitions,
    partitionsAtOnce: 4,
    batchBytesMax: 393_216,
    sessionTimeoutMs: 10_000,
    logger: SILENT,
    clock,
    source: domain.issuer,
  });
  await transport.ensureTopics('create');
  const keys = Object.fromEntries(
    (['artifact', 'decision', 'receipt', 'webhook'] as const).map((purpose) => [
      purpose,
      PrivateKeySigner.generate(purpose),
    ]),
  );
  const runtime: Runtime = {
    settings: readSettings(options.settings, options.environment ?? {}),
    clock,
    logger: SILENT,
    pool,
    transport,
    keys,
    registry: new Registry(pool),
    health: new HealthRegistry(),
    metrics: new Metrics(),
    domain: { issuer: domain.issuer, publicUrl: TEST_PUBLIC_URL },
  };
  const pools: Pool[] = [];
  const source = { clusterId: 'spec', partitions, firstOffset: 0n, endOffset: 1_000_000_000n };
  return {
    database,
    domain,
    runtime,
    lane: async (topic, partition = 0) =>
      (await acquireLane(pool, laneName(decidedBy(topic), topic, partition), source)).lease,
    as(role) {
      const limited = createPool(url, { role, applicationName: role });
      pools.push(limited);
      return { ...runtime, pool: limited, registry: new Registry(limited) };
    },
    async close() {
      await transport.stop();
      await Promise.all(pools.map((each) => each.end()));
      await database.close();
    },
  };
}

function decidedBy(topic: TopicName): string {
  return topic === TOPICS.settlementRequests ? 'settlement-gate' : 'authorizer';
}

/** Where the records of a test batch lie. */
export interface BatchPlace {
  readonly topic?: TopicName;
  readonly firstOffset?: bigint;
  readonly appendedAtMs?: number;
  readonly partition?: number;
  readonly partitions?: number;
}

/** Values as a transport would deliver them: consecutive offsets from `firstOffset`, one append time for all. */
export function batchOf(
  lane: LaneLease,
  values: readonly (string | Buffer | null)[],
  place: BatchPlace = {},
): RecordBatch {
  const {
    topic = TOPICS.paymentIntents,
    firstOffset = 0n,
    appendedAtMs = Date.now(),
    partition = 0,
    partitions = 1,
  } = place;
  const records = values.map((value, index) => ({
    topic,
    partition,
    offset: firstOffset + BigInt(index),
    key: null,
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: {},
    appendedAtMs,
  }));
  return { topic, partition, partitions, lane, records, isStale: () => false };
}
