import { randomUUID, sign, verify, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';

const signAsync = promisify(sign);
const verifyAsync = promisify(verify);

/** What a run of the floor needs: servers that are up, and records as a product run would get them. */
export interface FloorInput {
  readonly brokers: readonly string[];
  readonly databaseUrl: string;
  /** Topic that already holds `count` compact JWS, and the topic the results go to. */
  readonly inTopic: string;
  readonly outTopic: string;
  readonly count: number;
  /** Ids of the budget rows; each record moves the row that its key names. */
  readonly flows: readonly string[];
  /** Public key of the agent that owns a flow. */
  readonly keyOf: (flow: string) => KeyObject;
  readonly signingKey: KeyObject;
  /** Records at the head that are processed and not timed. */
  readonly warmUp: number;
}

/**
 * The floor: Kafka in, one Ed25519 verification, three set-based statements and the offset row in one durable
 * transaction, one Ed25519 signature, Kafka out. No parsing, no rules, no audit: what this stack costs when nothing is
 * decided. Every throughput figure of the product is a ratio to it, measured in the same run.
 *
 * @returns records per second, warm-up dropped
 */
export async function runFloor(input: FloorInput): Promise<number> {
  const pool = new pg.Pool({ connectionString: input.databaseUrl, max: 8 });
  // a connection may still be on its way back when the server is stopped after the run
  pool.on('error', () => undefined);
  await prepare(pool, input.flows);
  const kafka = new Kafka({ clientId: 'floor', brokers: [...input.brokers], logLevel: logLevel.ERROR });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  const consumer = kafka.consumer({
    groupId: `floor-${randomUUID()}`,
    maxBytesPerPartition: 393_216,
    maxWaitTimeInMs: 20,
  });
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topic: input.inTopic, fromBeginning: true });
  let done = 0;
  let startedAt = 0n;
  let startedWith = 0;
  try {
    return await new Promise<number>((resolve, reject) => {
      const eachBatch = async (records: readonly { key: Buffer | null; value: Buffer | null }[], partition: number) => {
        const jws = records.map((record) => (record.value ?? Buffer.alloc(0)).toString('latin1'));
        const flows = records.map((record) => (record.key ?? Buffer.alloc(0)).toString());
        await Promise.all(jws.map((token, i) => verifyOne(token, input.keyOf(flows[i] ?? ''))));
        await writeBatch(pool, flows, jws, partition);
        const signatures = await Promise.all(jws.map((token) => signAsync(null, Buffer.from(token), input.signingKey)));
        const messages = signatures.map((value, i) => ({ key: flows[i] ?? null, value }));
        await producer.send({ topic: input.outTopic, acks: -1, messages });
        done += records.length;
        if (startedAt === 0n && done >= input.warmUp) [startedAt, startedWith] = [process.hrtime.bigint(), done];
        if (done >= input.count) resolve((done - startedWith) / (Number(process.hrtime.bigint() - startedAt) / 1e9));
      };
      consumer
        .run({
          autoCommit: false,
          partitionsConsumedConcurrently: 8,
          eachBatch: (delivery) =>
            eachBatch(delivery.batch.messages, delivery.batch.partition)
              .then(() => delivery.resolveOffset(delivery.batch.lastOffset()))
              .catch(reject),
        })
        .catch(reject);
    });
  } finally {
    await Promise.allSettled([consumer.disconnect(), producer.disconnect()]);
    await pool.end();
  }
}

async function verifyOne(token: string, key: KeyObject): Promise<void> {
  const dot = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(dot + 1), 'base64url');
  if (!(await verifyAsync(null, Buffer.from(token.slice(0, dot), 'latin1'), key, signature))) {
    throw new Error('the floor was given a record that does not verify');
  }
}

async function prepare(pool: pg.Pool, flows: readonly string[]): Promise<void> {
  await pool.query(`
    DROP TABLE IF EXISTS floor_budgets, floor_decisions, floor_artifacts, floor_offsets;
    CREATE TABLE floor_budgets (id uuid PRIMARY KEY, held numeric(38,18) NOT NULL) WITH (fillfactor = 50);
    CREATE TABLE floor_decisions (id uuid PRIMARY KEY, flow uuid NOT NULL, body text NOT NULL);
    CREATE TABLE floor_artifacts (id uuid PRIMARY KEY, flow uuid NOT NULL, body text NOT NULL);
    CREATE TABLE floor_offsets (lane integer PRIMARY KEY, next bigint NOT NULL)`);
  await pool.query('INSERT INTO floor_budgets SELECT unnest($1::uuid[]), 0', [flows]);
  await pool.query('INSERT INTO floor_offsets SELECT generate_series(0, 63), 0');
}

async function writeBatch(pool: pg.Pool, flows: string[], bodies: string[], partition: number): Promise<void> {
  const counts = new Map<string, number>();
  for (const flow of flows) counts.set(flow, (counts.get(flow) ?? 0) + 1);
  const ids = flows.map(() => randomUUID());
  // one order for all, or two batches that share flows would wait for each other
  const touched = [...counts.keys()].sort();
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('UPDATE floor_offsets SET next = next + $2 WHERE lane = $1', [partition, flows.length]);
    await client.query(
      `UPDATE floor_budgets b SET held = held + d.n FROM unnest($1::uuid[], $2::numeric[]) AS d(id, n) WHERE b.id = d.id`,
      [touched, touched.map((flow) => counts.get(flow))],
    );
    const rows = [ids, flows, bodies];
    await client.query('INSERT INTO floor_decisions SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])', rows);
    await client.query('INSERT INTO floor_artifacts SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])', rows);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}
