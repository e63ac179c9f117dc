import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PrivateKeySigner } from '@spendgate/artifact';
import { leafHash, nodeHash, proveInclusion } from '@spendgate/audit-log';
import { canonicalize, encodeLeaf } from '@spendgate/codec';
import { type EventTransport, TOPICS } from '@spendgate/messaging';
import { Logger, Metrics, startEmbeddedPostgres, systemClock } from '@spendgate/platform';
import {
  type LaneLease,
  type Pool,
  acquireLane,
  acquireLog,
  advanceLane,
  createPool,
  fenceLeased,
  inTransaction,
  migrate,
  randomSalts,
  readLastCheckpoint,
  readTiles,
  releaseLog,
  writeLeaves,
} from '@spendgate/store';
import { makeTestBundle } from '@spendgate/testing/bundles'; // without what needs jest
import { IntegrateLeaves, LogLoop, PublishCheckpoints, Witnesses } from '@spendgate/transparency-log';
import { verifyBundle } from '@spendgate/verifier';
import type { BenchOptions, BenchResult } from './bench.js';
import { cpuSeconds } from './cpu-time.js';
import { median, percentile, ratioOfMedians } from './statistics.js';

const ISSUER = 'urn:spendgate:bench';
const SIGNER = PrivateKeySigner.generate('checkpoint');
const LANES = 8;
const BATCH = { batchMax: 8_192, leaseMs: 60_000 };
/** Verifications before any is timed, and those that are. */
const BUNDLES = { warmUp: 50, timed: 500 };
/** Leaves a second, commits a second, and seconds of each latency run. */
const PACES = [
  { leaves: 500, commits: 100, seconds: 10 },
  { leaves: 5_000, commits: 100, seconds: 10 },
];

/**
 * Benchmark 8: catching up with a backlog, as a ratio to hashing the same tree in memory; then, beside the log as it
 * runs, the time from a commit to a signed checkpoint over it, in an open loop; then proofs over the whole log, cold; and
 * the verification of one artifact's bundle, from its bytes to the verdict.
 */
export async function audit({ count, pairs }: BenchOptions): Promise<BenchResult> {
  const backlog = count * 5;
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-audit-'));
  const server = await startEmbeddedPostgres({ folder });
  await migrate(server.url);
  const pool = createPool(server.url, { connectionsMax: 12 });
  try {
    const rates: number[] = [];
    const references: number[] = [];
    const cpus: number[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      await fill(pool, backlog, pair);
      const cpu = cpuSeconds(process.pid);
      rates.push(backlog / (await seconds(() => catchUp(pool))));
      cpus.push(((cpuSeconds(process.pid) - cpu) * 1e6) / backlog);
      references.push(backlog / (await seconds(() => Promise.resolve(hashOnly(backlog)))));
    }
    const delays = [];
    for (const pace of PACES) delays.push(await delaysAt(pool, pace));
    const [slow, fast] = delays;
    const { ratio, min, max } = ratioOfMedians(rates, references);
    const verifications = await bundleTimes();
    return {
      name: 'audit',
      rate: median(rates),
      ratio,
      ratio_min: min,
      ratio_max: max,
      cpu_us: median(cpus),
      p50_ms: percentile(slow ?? [], 0.5),
      p99_ms: percentile(slow ?? [], 0.99),
      p50_fast_ms: percentile(fast ?? [], 0.5),
      p99_fast_ms: percentile(fast ?? [], 0.99),
      proof_ms: median(await proofTimes(pool)),
      bundle_p50_ms: percentile(verifications, 0.5),
      bundle_p99_ms: percentile(verifications, 0.99),
      rss_mb: Math.round(process.memoryUsage().rss / 1e6),
    };
  } finally {
    await pool.end();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function seconds(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return (performance.now() - start) / 1_000;
}

/** A backlog as eight lanes left it, each leaf with two causes of its lane; made in SQL, which is not timed. */
export async function fill(pool: Pool, count: number, round: number): Promise<void> {
  const each = Math.floor(count / LANES);
  await pool.query(
    `WITH lane AS (
       INSERT INTO lanes (name, leaf_seq) SELECT 'bench-' || $2::int || '/' || n, $1::int
       FROM generate_series(1, $3::int) AS n RETURNING lane_id, name),
     first AS (SELECT lane_id, format('{"causes":[],"domain":"%s"}', name) AS leaf FROM lane),
     cause AS (
       SELECT lane_id, left(translate(encode(sha256('\\x00'::bytea || convert_to(leaf, 'UTF8')), 'base64'), '+/', '-_'), 43) AS name
       FROM first),
     text AS (
       SELECT lane_id, 0 AS seq, leaf FROM first UNION ALL
       SELECT lane_id, n, format('{"causes":["%s","%s"],"commitment":"%s","domain":"urn:spendgate:bench",'
         '"time":1700000000000,"type":"decision_authorized","v":1}', name, name, md5(lane_id || '/' || n))
       FROM cause, generate_series(1, $1::int - 1) AS n)
     INSERT INTO leaves (lane_id, seq, leaf_hash, leaf)
     SELECT lane_id, seq, sha256('\\x00'::bytea || convert_to(leaf, 'UTF8')), leaf FROM text`,
    [each, round, LANES],
  );
  await pool.query('VACUUM ANALYZE leaves');
}

export async function catchUp(pool: Pool): Promise<void> {
  const state = await acquireLog(pool, 'bench', BATCH.leaseMs);
  if (state === undefined) throw new Error('the log is taken');
  const log = await IntegrateLeaves.resume(pool, new Metrics(), BATCH, state);
  while ((await log.execute()).more);
  await releaseLog(pool, log.epoch);
}

/** One leaf hash and one node hash for each leaf: what no log can do without. */
function hashOnly(count: number): void {
  const leaf = 'x'.repeat(250);
  let hash = leafHash(leaf);
  for (let n = 0; n < count; n += 1) hash = nodeHash(hash, leafHash(leaf));
}

/** Milliseconds from each commit to the first stored checkpoint over its leaves. */
async function delaysAt(pool: Pool, pace: { leaves: number; commits: number; seconds: number }): Promise<number[]> {
  const loop = openLoop(pool);
  const lanes = await Promise.all(
    Array.from({ length: LANES }, (_, n) => acquireLane(pool, `pace-${pace.leaves}/${n}`, null)),
  );
  const [start] = await total(pool);
  let written = start ?? 0;
  const due: { size: number; atMs: number }[] = [];
  const delays: number[] = [];
  let done = false;
  const watch = (async () => {
    while (!done || due.length > 0) {
      const size = (await readLastCheckpoint(pool))?.treeSize ?? 0;
      const now = performance.now();
      while (due[0] !== undefined && due[0].size <= size) delays.push(now - (due.shift()?.atMs ?? now));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  const begin = performance.now();
  for (let n = 0; n < pace.commits * pace.seconds; n += 1) {
    const wait = begin + (n * 1_000) / pace.commits - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const lane = lanes[n % LANES];
    if (lane !== undefined) await writeBatch(pool, lane.lease, pace.leaves / pace.commits);
    written += pace.leaves / pace.commits;
    due.push({ size: written, atMs: performance.now() });
  }
  done = true;
  await watch;
  await loop.stop();
  return delays.slice(Math.floor(delays.length / 10)); // warm-up
}

/** What a deciding transaction does for its leaves, and nothing else. */
async function writeBatch(pool: Pool, lease: LaneLease, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, n) => {
    const salt = randomSalts.salt();
    const type = 'decision_authorized';
    return { ...encodeLeaf({ domain: ISSUER, type, timeMs: Date.now(), payload: { n }, salt, causes: [] }), salt };
  });
  await inTransaction(pool, async (tx) => {
    const { leafSeq, outboxSeq } = await fenceLeased(tx, lease);
    await advanceLane(tx, lease, { leafSeq: await writeLeaves(tx, lease, leafSeq, rows), outboxSeq });
  });
}

async function total(pool: Pool): Promise<number[]> {
  const { rows } = await pool.query<{ sum: string }>('SELECT sum(leaf_seq)::text AS sum FROM lanes');
  return rows.map((row) => Number(row.sum));
}

export function openLoop(pool: Pool): LogLoop {
  const logger = Logger.create({ level: 'warn', role: 'bench' });
  const nowhere = { publish: () => Promise.resolve([]) } as unknown as EventTransport; // as: only publish is called
  const named = { origin: ISSUER, issuer: ISSUER };
  const publish = new PublishCheckpoints(nowhere, systemClock, logger, named, 250);
  const identity = { ...named, signer: SIGNER, owner: TOPICS.checkpoints };
  const witnesses = new Witnesses(pool, logger, [], { quorum: 0, leadMs: 0 });
  const loop = new LogLoop(pool, logger, new Metrics(), identity, publish, witnesses, {
    ...BATCH,
    paceMs: 5,
    idleMs: 50,
  });
  loop.start();
  return loop;
}

export async function proofTimes(pool: Pool): Promise<number[]> {
  const size = (await readLastCheckpoint(pool))?.treeSize ?? 0;
  const times: number[] = [];
  for (let n = 0; n < 200; n += 1) {
    const index = Math.floor((size * ((n * 7_919) % 1_000)) / 1_000);
    times.push((await seconds(() => proveInclusion((needs) => readTiles(pool, needs), index, size))) * 1_000);
  }
  return times;
}

/** Milliseconds of each verification of a bundle: thirteen leaves, a capture, its outcome, all signatures. */
async function bundleTimes(): Promise<number[]> {
  const bundle = Buffer.from(canonicalize((await makeTestBundle({ from: 10 })).bundle));
  const times: number[] = [];
  for (let n = 0; n < BUNDLES.warmUp + BUNDLES.timed; n += 1) {
    const start = performance.now();
    const { valid } = await verifyBundle({ bundle });
    if (n >= BUNDLES.warmUp) times.push(performance.now() - start);
    if (!valid) throw new Error('the bundle is valid');
  }
  return times;
}
