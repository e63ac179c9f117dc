import { type OutgoingRecord, EmbeddedTransport, SESSION_TIMEOUT_MS_DEFAULT } from '@spendgate/messaging';
import { Logger, systemClock } from '@spendgate/platform';
import { createPool } from '@spendgate/store';
import type { BenchOptions, BenchResult } from './bench.js';
import { type BenchDomain, ISSUER, type SignedIntent, makeBenchDomain } from './bench-domain.js';
import { benchmarkOne } from './intent-to-artifact.js';
import { type ProductRun, runProduct } from './product.js';
import { alternate, median, ratioOfMedians } from './statistics.js';

const FLOWS = 1_000;
const APPEND = 1_000;

/** Benchmark 2: the same work on the embedded transport, as a ratio to benchmark 1 of the same run. */
export async function embedded({ count, pairs }: BenchOptions): Promise<BenchResult> {
  const warmUp = Math.floor(count / 4);
  const domain = await makeBenchDomain(FLOWS, {});
  const kafka = await benchmarkOne(count, warmUp);
  try {
    const run = async (): Promise<ProductRun> => {
      const intents = await domain.signIntents(count);
      return runProduct(domain, count, warmUp, () => append(domain, intents));
    };
    const [runs, references] = await alternate(pairs, run, kafka.run);
    const rates = runs.map((each) => each.rate);
    const { ratio, min, max } = ratioOfMedians(
      rates,
      references.map((each) => each.rate),
    );
    return {
      name: 'embedded',
      rate: median(rates),
      ratio,
      ratio_min: min,
      ratio_max: max,
      cpu_us: median(runs.map((each) => each.cpuUs)),
    };
  } finally {
    await kafka.stop();
    await domain.remove();
  }
}

/** Puts intents into the embedded log of a domain. */
export async function append(domain: BenchDomain, intents: readonly SignedIntent[]): Promise<void> {
  const pool = createPool(domain.database.url, { connectionsMax: 2 });
  const transport = new EmbeddedTransport({
    pool,
    logger: Logger.create({ level: 'warn', role: 'bench' }),
    clock: systemClock,
    source: ISSUER,
    partitions: 8,
    partitionsAtOnce: 8,
    batchBytesMax: 393_216,
    sessionTimeoutMs: SESSION_TIMEOUT_MS_DEFAULT,
    databaseUrl: domain.database.url,
    retentionHours: 168,
  });
  try {
    for (let at = 0; at < intents.length; at += APPEND) {
      const records = intents.slice(at, at + APPEND).map(({ flow, jws }): OutgoingRecord => {
        return { key: flow, value: Buffer.from(jws), headers: {} };
      });
      await transport.publish('payment-intents.v1', records);
    }
  } finally {
    await transport.stop();
    await pool.end();
  }
}
