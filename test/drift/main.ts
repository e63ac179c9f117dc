import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { driftThresholds } from '@spendgate/core';
import { type Results, describeAll, medianEvents } from './describe.js';
import { FLEET, runNullFleet } from './null-fleet.js';
import { readSample, readWhole, runPurchases } from './purchases.js';
import { runAttacks } from './run-attacks.js';
import { USUAL_DAY } from './usual-flow.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const WHOLE = path.join(ROOT, '../shared/data/cdnow-purchases.txt');
const EVENTS = 10_000_000;

/**
 * `npm run drift:sim -- [--events N] [--json] [--write]`: null fleet, attacks, purchases. At WARN a tenth of the events
 * is enough to count alarms; `--write` keeps docs/drift-attacks.md.
 */
function main(args: readonly string[]): void {
  const at = args.indexOf('--events');
  const events = at < 0 ? EVENTS : Number(args[at + 1]);
  if (!Number.isSafeInteger(events) || events < FLEET)
    throw new Error(`--events is a whole number of at least ${FLEET}`);
  const results = run(events);
  if (args.includes('--write')) writeFileSync(path.join(ROOT, 'docs/drift-attacks.md'), describeAll(results));
  process.stdout.write(args.includes('--json') ? `${JSON.stringify(summary(results))}\n` : describeAll(results));
}

function run(events: number): Results {
  const thresholds = driftThresholds(FLEET * USUAL_DAY);
  const purchases = existsSync(WHOLE)
    ? readWhole(WHOLE)
    : readSample(path.join(ROOT, 'examples/cdnow/sample-5000.jsonl'));
  return {
    thresholds,
    fleets: [
      runNullFleet(events / 10, thresholds.warn, 0),
      runNullFleet(events, 1_000_000, 1),
      runNullFleet(events, thresholds.halt, 2),
    ],
    learned: runAttacks('learned', thresholds),
    declared: runAttacks('declared', thresholds),
    purchases: runPurchases(purchases, purchases.length > 50_000 ? 100 : 20, thresholds),
  };
}

function summary({ fleets, learned, declared, purchases }: Results): object {
  const medians = { learned: medianEvents(learned), declared: medianEvents(declared) };
  return { fleets, medians, attacks: learned.map(({ name, events }) => ({ name, events })), purchases };
}

main(process.argv.slice(2));
