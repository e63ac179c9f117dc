import { listParties } from '@spendgate/store';
import type { Command } from 'commander';
import { limitOption, readLimit } from '../limit.js';
import { printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';

/** `spendgate agents list`: who may ask to spend, and with which keys. */
export function addAgents(program: Command): void {
  const agents = describeVerb(program.command('agents'), {
    group: 'operate',
    summary: 'list agents and their keys',
    example: 'spendgate agents list',
  });
  const list = agents
    .command('list')
    .addOption(limitOption())
    .option('--json', 'JSON Lines')
    .action(async ({ limit, json = false }: { limit?: string; json?: boolean }) => {
      const most = readLimit(limit);
      const rows = await withDatabase((pool) => listParties(pool, 'agent', most));
      printRows(
        rows.map(({ id, name, state, kids }) => ({ id, name, state, kids })),
        json,
      );
    });
  describeVerb(list, {
    group: 'operate',
    summary: 'id, name, state, key ids',
    example: 'spendgate agents list --json',
  });
}
