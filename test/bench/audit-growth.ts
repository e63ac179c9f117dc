import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '@spendgate/platform';
import { type Pool, createPool, migrate, readLastCheckpoint } from '@spendgate/store';
import { catchUp, fill, openLoop, proofTimes, seconds } from './audit.js';
import type { BenchOptions, BenchResult } from './bench.js';
import { cpuSeconds } from './cpu-time.js';
import { median } from './statistics.js';

/** Of the full form's 40,000: a log of 10^6 leaves, then of 10^7. */
const SMALL = 25;
const LARGE = 250;
/** Leaves timed at each size, as a share of the small log. */
const TIMED = 0.2;

/**
 * Benchmark 8, growth by ten: what the last leaves of a log of 10^7 cost to take in, as a ratio to the last of one of
 * 10^6; one inclusion proof at the larger size; memory of the log process there.
 */
export async function auditGrowth({ count }: BenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-growth-'));
  const server = await startEmbeddedPostgres({ folder });
  await migrate(server.url);
  const pool = createPool(server.url, { connectionsMax: 12 });
  try {
    const timed = Math.floor(count * SMALL * TIMED);
    const rounds = LARGE / SMALL;
    const small = await grow(pool, [count * SMALL - timed], timed);
    const parts = Array.from({ length: rounds - 1 }, (_, n) => count * SMALL - (n === 0 ? timed : 0));
    const large = await grow(pool, parts, timed);
    const ratio = large.rate / small.rate;
    await signAll(pool);
    const proof = median(await proofTimes(pool));
    return {
      ...{ name: 'audit-growth', rate: large.rate, floor: small.rate, ratio, ratio_min: ratio, ratio_max: ratio },
      ...{ cpu_us: large.cpuUs, proof_ms: proof, rss_mb: Math.round(process.memoryUsage().rss / 1e6) },
    };
  } finally {
    await pool.end();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

let round = 0;

/** Takes leaves in, a part at a time, for one statement may last a minute; then times `timed` more. */
async function grow(pool: Pool, parts: readonly number[], timed: number): Promise<{ rate: number; cpuUs: number }> {
  for (const part of parts) {
    await fill(pool, part, round++);
    await catchUp(pool);
  }
  await fill(pool, timed, round++);
  const cpu = cpuSeconds(process.pid);
  const rate = timed / (await seconds(() => catchUp(pool)));
  return { rate, cpuUs: ((cpuSeconds(process.pid) - cpu) * 1e6) / timed };
}

/** A proof is asked for under a signed head: signs one over the whole log. */
async function signAll(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ size: string }>('SELECT tree_size::text AS size FROM log_state');
  const loop = openLoop(pool);
  while (((await readLastCheckpoint(pool))?.treeSize ?? 0) < Number(rows[0]?.size ?? 0)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await loop.stop();
}
