import type { BenchOptions, BenchResult } from './bench.js';
import { type BenchDomain, makeBenchDomain } from './bench-domain.js';
import { append } from './embedded.js';
import { type ProductRun, runProduct } from './product.js';
import { alternate, median, ratioOfMedians } from './statistics.js';

const FLOWS = 100;
const MANDATES = 100_000;

/** Benchmark 10: intents of a hundred flows in a domain of 100,000 mandates, as a ratio to the same in one of a hundred. */
export async function growth({ count, pairs }: BenchOptions): Promise<BenchResult> {
  const warmUp = Math.floor(count / 4);
  const small = await makeBenchDomain(FLOWS, {});
  const large = await makeBenchDomain(FLOWS, {}, MANDATES - FLOWS);
  const run = (domain: BenchDomain) => async (): Promise<ProductRun> => {
    const intents = await domain.signIntents(count);
    return runProduct(domain, count, warmUp, () => append(domain, intents));
  };
  try {
    const [runs, references] = await alternate(pairs, run(large), run(small));
    const rates = runs.map((each) => each.rate);
    const ofSmall = references.map((each) => each.rate);
    const { ratio, min, max } = ratioOfMedians(rates, ofSmall);
    return {
      name: 'growth',
      rate: median(rates),
      floor: median(ofSmall),
      ratio,
      ratio_min: min,
      ratio_max: max,
      cpu_us: median(runs.map((each) => each.cpuUs)),
    };
  } finally {
    await Promise.all([small.remove(), large.remove()]);
  }
}
