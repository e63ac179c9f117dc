import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { readFlowTrust } from '@spendgate/store';
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
      const { limbs, ...rest } = trust;
      printRecord(rest);
      printLine('');
      const rows = Object.entries(limbs).map(([limb, { verdict, verified_at_ms: at, due_at_ms: due }]) => {
        return { limb, verdict, verified_at: timeOf(at), due_at: timeOf(due) };
      });
      printRows(rows, false);
    });
  describeVerb(show, {
    group: 'operate',
    summary: 'phase, state, epoch, baseline, limbs and its newest incident',
    example: 'spendgate flows show FLOW --json',
  });
  addFlowsTimeline(flows);
  addFlowsLearn(flows);
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
