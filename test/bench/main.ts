import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runToEnd } from '../e2e/harness/processes.js';
import { ROOT } from '../e2e/harness/repository.js';
import { audit } from './audit.js';
import { auditGrowth } from './audit-growth.js';
import type { BenchOptions, BenchResult } from './bench.js';
import { embedded } from './embedded.js';
import { growth } from './growth.js';
import { intentToArtifact } from './intent-to-artifact.js';
import { policy } from './policy.js';

const BENCHMARKS: Readonly<Record<string, (options: BenchOptions) => Promise<BenchResult>>> = {
  'intent-to-artifact': intentToArtifact,
  embedded,
  audit,
  'audit-growth': auditGrowth,
  growth,
  policy,
};

const FULL: BenchOptions = { count: 40_000, pairs: 5 };
/** CI: shows that every benchmark runs; its figures mean little and are never asserted. */
const SHORT: BenchOptions = { count: 4_000, pairs: 1 };

/** `npm run bench [NAME] [-- --json] [-- --short] [-- --write]`; `--write` keeps the result under docs/benchmarks.  */
async function main(args: readonly string[]): Promise<void> {
  const flags = new Set(args.filter((arg) => arg.startsWith('--')));
  const names = args.filter((arg) => !arg.startsWith('--'));
  for (const name of names.length > 0 ? names : Object.keys(BENCHMARKS)) {
    const run = BENCHMARKS[name];
    if (run === undefined) throw new Error(`no benchmark "${name}"; there are: ${Object.keys(BENCHMARKS).join(', ')}`);
    const result = await run(flags.has('--short') ? SHORT : FULL);
    if (flags.has('--write')) await keep(result);
    process.stdout.write(`${flags.has('--json') ? JSON.stringify(result) : describe(result)}\n`);
  }
}

function describe(result: BenchResult): string {
  const ratio = `${result.ratio.toFixed(2)} (${result.ratio_min.toFixed(2)}–${result.ratio_max.toFixed(2)})`;
  return `${result.name}: ${Math.round(result.rate)}/s, ratio ${ratio}, CPU ${Math.round(result.cpu_us)} µs each`;
}

/** The result with the commit and the command that made it. */
async function keep(result: BenchResult): Promise<void> {
  const commit = (await runToEnd('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'])).trim();
  const folder = join(ROOT, 'docs/benchmarks');
  mkdirSync(folder, { recursive: true });
  const record = { ...result, commit, command: `npm run bench ${result.name} -- --write` };
  writeFileSync(join(folder, `${result.name}.json`), `${JSON.stringify(record, null, 2)}\n`);
}

await main(process.argv.slice(2));
