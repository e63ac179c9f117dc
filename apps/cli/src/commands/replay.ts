import { replaySettlements } from '@spendgate/settlement-gate';
import { type Pool, readDeniedRenewals, readStoredDecisions } from '@spendgate/store';
import { differenceOf } from '@spendgate/verifier';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { note, printJson, printLine, printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { parseTime } from '../times.js';
import { describeVerb } from '../verb.js';

/** Differences shown one by one; beyond these only the count grows. */
const SHOWN_MAX = 20;

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

/** What a stored decision, refused renewal or settlement gave when it was decided again. */
interface Replayed {
  readonly kind: 'decision' | 'renewal' | 'settlement';
  readonly id: string;
  /** `null`: every byte is the same; `'other rules'`: this release cannot tell. */
  readonly problem: string | null;
}

/** `spendgate replay`: decides everything again from its stored inputs and compares bytes (D2). */
export function addReplay(program: Command): void {
  const command = program
    .command('replay')
    .option('--from <time>', 'decided at or after this time (ISO 8601 or Unix seconds)')
    .option('--to <time>', 'decided before this time')
    .option('--json', 'JSON Lines: each difference, then {"checked", "differences"}')
    .action(replay);
  describeVerb(command, {
    group: 'operate',
    summary: 'recompute stored decisions and compare bytes',
    example: 'spendgate replay --from 2026-01-31',
    exits: '2 a difference was found',
  });
}

async function replay({ from, to, json = false }: Options): Promise<void> {
  const fromMs = from === undefined ? 0 : parseTime(from);
  const toMs = to === undefined ? undefined : parseTime(to);
  const counts = { decision: 0, renewal: 0, settlement: 0, differences: 0, otherRules: 0 };
  await withDatabase(async (pool) => {
    for await (const replayed of replayAll(pool, fromMs, toMs)) {
      counts[replayed.kind] += 1;
      if (replayed.problem === null) continue;
      if (replayed.problem === 'other rules') counts.otherRules += 1;
      else if (++counts.differences <= SHOWN_MAX) show(replayed, json);
    }
  });
  const { decision, renewal, settlement: settlements, differences, otherRules } = counts;
  const decisions = decision + renewal;
  if (otherRules > 0) note(`${otherRules} were decided under other rules; the release that had them can replay them`);
  if (json) printJson({ checked: decisions + settlements, differences });
  else printRows([{ decisions, settlements, differences }], false);
  if (differences > 0) process.exitCode = EXIT.denied;
}

async function* replayAll(pool: Pool, fromMs: number, toMs: number | undefined): AsyncGenerator<Replayed> {
  for await (const stored of readStoredDecisions(pool, fromMs, toMs)) {
    yield { kind: 'decision', id: stored.decisionId, problem: differenceOf(stored) };
  }
  for (const refused of await readDeniedRenewals(pool, fromMs, toMs)) {
    yield { kind: 'renewal', id: refused.decisionId, problem: differenceOf(refused) };
  }
  for await (const { settlementId, differences } of replaySettlements(pool, fromMs, toMs)) {
    const problem = differences.length === 0 ? null : differences.join(', ');
    yield { kind: 'settlement', id: settlementId, problem };
  }
}

function show(replayed: Replayed, json: boolean): void {
  if (json) printJson(replayed);
  else printLine(`${replayed.kind} ${replayed.id}: ${replayed.problem}`);
}
