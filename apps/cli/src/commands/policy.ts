import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { note, printJson, printRows } from '../output.js';
import { type ChangedDecision, DecisionsBacktest } from '../policy/backtest-decisions.js';
import { readPolicies } from '../policy/read-policies.js';
import { runFixtures } from '../policy/run-fixtures.js';
import { withDatabase } from '../runtime/open-database.js';
import { parseTime } from '../times.js';
import { describeVerb } from '../verb.js';

/** Changes shown to people; `--json` has them all. */
const SHOWN_MAX = 20;

interface BacktestOptions {
  readonly policy: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

/** `spendgate policy test | backtest`: what a policy says before it is in force. */
export function addPolicy(program: Command): void {
  const policy = describeVerb(program.command('policy'), {
    group: 'operate',
    summary: 'test policies, and see what they would have changed',
    example: 'spendgate policy test policies',
  });
  const test = policy
    .command('test')
    .argument('<dir>', 'holds ID.cedar for each policy set, and its cases in ID.test.yaml')
    .option('--json', 'JSON Lines: a result per case')
    .action(testPolicies);
  describeVerb(test, {
    group: 'operate',
    summary: 'run the fixtures beside policies',
    example: 'spendgate policy test examples/policies',
    exits: '2 a case came out differently',
  });
  const backtest = policy
    .command('backtest')
    .requiredOption('--policy <dir>', 'holds ID.cedar for each policy set to try')
    .option('--from <time>', 'decided at or after this time (ISO 8601 or Unix seconds)')
    .option('--to <time>', 'decided before this time')
    .option('--json', 'JSON Lines: each changed decision, then the totals')
    .action(backtestPolicies);
  describeVerb(backtest, {
    group: 'operate',
    summary: 'what policies would have changed on the recorded intents, spend state included',
    example: 'spendgate policy backtest --policy examples/policies --from 2026-01-31',
  });
}

function testPolicies(folder: string, { json = false }: { readonly json?: boolean }): void {
  const results = runFixtures(folder, readPolicies(folder));
  printRows(
    results.map(({ ok, ...result }) => ({ result: ok ? 'ok' : 'FAILED', ...result })),
    json,
  );
  const failed = results.filter(({ ok }) => !ok).length;
  note(`${results.length - failed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = EXIT.denied;
}

async function backtestPolicies({ policy, from, to, json = false }: BacktestOptions): Promise<void> {
  const sets = readPolicies(policy);
  const fromMs = from === undefined ? 0 : parseTime(from);
  const toMs = to === undefined ? Number.MAX_SAFE_INTEGER : parseTime(to);
  const backtest = new DecisionsBacktest(sets);
  const shown: ChangedDecision[] = [];
  await withDatabase((pool) =>
    backtest.run(pool, fromMs, toMs, (change) => {
      if (json) printJson(change);
      else if (shown.length < SHOWN_MAX) shown.push(change);
    }),
  );
  const { totals } = backtest;
  if (json) return printJson(totals);
  if (shown.length > 0) printRows(shown.map((change) => ({ ...change })), false); // prettier-ignore
  if (totals.changed > shown.length) note(`… and ${totals.changed - shown.length} more: --json has them all`);
  if (totals.not_recomputable > 0) note(`${totals.not_recomputable} were decided under other rules and left out`);
  note(`${totals.checked} decisions, ${totals.changed} would have been others`);
  note(`authorized then ${amounts(totals.authorized_then)}, under these policies ${amounts(totals.authorized_now)}`);
}

function amounts(sums: Readonly<Record<string, string>>): string {
  return Object.entries(sums).map(([currency, sum]) => `${sum} ${currency}`).join(' + ') || 'nothing'; // prettier-ignore
}
