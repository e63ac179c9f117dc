import pg from 'pg';
import { until } from '../e2e/harness/processes.js';
import { type RunningSpendgate, startSpendgate } from '../e2e/harness/spendgate.js';
import type { BenchDomain } from './bench-domain.js';
import { cpuSeconds } from './cpu-time.js';

/** One timed run of the product. */
export interface ProductRun {
  /** Intents decided per second, warm-up dropped. */
  readonly rate: number;
  /** CPU of the authorizer's process and of PostgreSQL per intent, microseconds. */
  readonly cpuUs: number;
}

/** `SPENDGATE_BENCH_PROFILE=DIR` writes a CPU profile of each run there (a flame graph in any DevTools). */
function profileFlags(): string[] {
  const folder = process.env['SPENDGATE_BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

/** How many intents all partitions together have decided: the lanes' stored offsets. */
async function decided(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ sum: string | null }>(
    "SELECT sum(next) AS sum FROM lanes WHERE name LIKE 'payment-intents.v1/%'",
  );
  return Number(rows[0]?.sum ?? 0);
}

/**
 * Decides a backlog: the authorizer is started on a log that already holds `count` new intents, and timed from the
 * warm-up mark to the last one, with the transparency log running as a process of its own. Its CPU is not counted; what
 * it asks of PostgreSQL is.
 *
 * @param append puts the intents into the log while nothing consumes it
 */
export async function runProduct(
  domain: BenchDomain,
  count: number,
  warmUp: number,
  append: () => Promise<void>,
): Promise<ProductRun> {
  const pool = new pg.Pool({ connectionString: domain.database.url, max: 1 });
  let [running, log]: (RunningSpendgate | undefined)[] = [];
  try {
    // Beside it, as in every installation: without a log nothing is approved for long.
    log = await startSpendgate(['serve', 'log'], domain.settings);
    const before = await decided(pool);
    await append();
    running = await startSpendgate(['serve', 'authorizer'], domain.settings, profileFlags());
    const processes = [running.pid() ?? process.pid, domain.database.pid];
    const cpu = (): number => processes.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const mark = async (target: number): Promise<{ ns: bigint; done: number; cpu: number }> => {
      let done = 0;
      await until(
        `${target} intents to be decided`,
        async () => (done = (await decided(pool)) - before) >= target,
        600_000,
      );
      return { ns: process.hrtime.bigint(), done, cpu: cpu() };
    };
    const start = await mark(warmUp);
    const end = await mark(count);
    const intents = end.done - start.done;
    return {
      rate: intents / (Number(end.ns - start.ns) / 1e9),
      cpuUs: ((end.cpu - start.cpu) / intents) * 1e6,
    };
  } finally {
    await running?.stop();
    await log?.stop();
    await pool.end();
  }
}
