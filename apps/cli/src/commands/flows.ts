import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { readFlowTrust } from '@spendgate/store';
import type { Command } from 'commander';
import { printJson, printRecord } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';

/** `spendgate flows show`: where a flow stands in the nine phases. */
export function addFlows(program: Command): void {
  const flows = describeVerb(program.command('flows'), {
    group: 'operate',
    summary: 'show where a flow stands in the nine phases',
    example: 'spendgate flows show FLOW',
  });
  const show = flows
    .command('show')
    .argument('<flow>', 'flow id, which is its mandate id')
    .option('--json', 'one JSON object')
    .action(async (id: string, { json = false }: { json?: boolean }) => {
      const trust = isUuid(id) ? await withDatabase((pool) => readFlowTrust(pool, id)) : undefined;
      if (trust === undefined) throw new StartError(`there is no flow ${id}`);
      if (json) printJson(trust);
      else printRecord({ ...trust });
    });
  describeVerb(show, {
    group: 'operate',
    summary: 'phase, state, epoch, baseline, limbs and its newest incident',
    example: 'spendgate flows show FLOW --json',
  });
}
