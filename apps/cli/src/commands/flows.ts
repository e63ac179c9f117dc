import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { type SpendingTrust, readFlowTrust } from '@spendgate/store';
import type { Command } from 'commander';
import { printJson, printLine, printRecord, printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';
import { addFlowsLearn } from './flows-learn.js';
import { addFlowsTimeline } from './flows-timeline.js';

/** `spendgate flows show`: where a flow stands in the nine phases. */
export function addFlows(program: Command): void {
  const flows = describeVerb(program.command('flows'), {
    group: 'operate',
    summary: 'show where a flow stands in the nine phases and how it came there, and learn how it spends',
    example: 'spendgate flows show FLOW',
  });
  const show = flows
    .command('show')
    .argument('<flow>', 'flow id, which is its mandate id')
    .option('--json', 'one JSON object')
    .action(async (id: string, { json = false }: { json?: boolean }) => {
      const trust = isUuid(id) ? await withDatabase((pool) => readFlowTrust(pool, id)) : undefined;
      if (trust === undefined) throw new StartError(`there is no flow ${id}`);
      if (json) return printJson(trust);
      const { limbs, spending, ...rest } = trust;
      printRecord(rest);
      printLine('');
      const rows = Object.entries(limbs).map(([limb, { verdict, verified_at_ms: at, due_at_ms: due }]) => {
        return { limb, verdict, verified_at: timeOf(at), due_at: timeOf(due) };
      });
      printRows(rows, false);
      if (spending !== null) printSpending(spending);
    });
  describeVerb(show, {
    group: 'operate',
    summary: 'phase, state, epoch, baseline, limbs, spending evidence and its newest incident',
    example: 'spendgate flows show FLOW --json',
  });
  addFlowsTimeline(flows);
  addFlowsLearn(flows);
}

/** For the people of the house; the agent is never told how close it is. */
function printSpending({
  mode,
  verdict,
  evidence,
  warn_at,
  halt_at,
  events,
  streams,
  carried_by,
}: SpendingTrust): void {
  printLine('');
  const parts = Object.entries(streams ?? {}).map(([stream, part]) => `${stream} ${part}`);
  printRecord({
    spending: `watched (${mode}): ${verdict}`,
    evidence: evidence === null ? 'unreadable' : `${evidence} after ${events} events; warns at ${warn_at}, halts at ${halt_at}`, // prettier-ignore
    streams: parts.join(', '),
  });
  for (const line of carried_by) printLine(`carried by ${line}`);
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
