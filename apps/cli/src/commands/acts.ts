import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { listWaitingActs, readOpsAct } from '@spendgate/store';
import type { Command } from 'commander';
import { limitOption, readLimit } from '../limit.js';
import { type ActOptions, claimsOf, signApproval } from '../ops/sign-and-take.js';
import { printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';

/** `spendgate acts`: what waits for its second person, and that person's signature. */
export function addActs(program: Command): void {
  const acts = describeVerb(program.command('acts'), {
    group: 'operate',
    summary: 'list what waits for a second person; approve it',
    example: 'spendgate acts waiting',
  });
  const waiting = acts.command('waiting').addOption(limitOption()).option('--json', 'JSON Lines').action(listAll);
  describeVerb(waiting, {
    group: 'operate',
    summary: 'releases, revocations and revalidations that one person has signed',
    example: 'spendgate acts waiting --json',
  });
  const approve = acts
    .command('approve')
    .argument('<act>', 'id, see `acts waiting`')
    .requiredOption('--as <person>', 'an approver who is not the one who asked')
    .option('--keys <dir>', "folder of private keys; default: the demo domain's")
    .option('--json', 'one JSON object')
    .action(approveOne);
  describeVerb(approve, {
    group: 'operate',
    summary: 'sign as the second person; it takes effect at once',
    example: 'spendgate acts approve ACT --as grace',
    exits: '2 refused',
  });
}

async function listAll({ limit, json = false }: { limit?: string; json?: boolean }): Promise<void> {
  const most = readLimit(limit);
  const rows = await withDatabase((pool) => listWaitingActs(pool, most));
  printRows(
    rows.map((row) => {
      const { targets, reason } = claimsOf(row);
      const on = targets.map(({ kind, id }) => `${kind} ${id}`);
      return { act: row.id, action: row.action, asked_by: row.person, targets: on, reason };
    }),
    json,
  );
}

async function approveOne(id: string, options: Omit<ActOptions, 'reason'>): Promise<void> {
  const waiting = isUuid(id) ? await withDatabase((pool) => readOpsAct(pool, id)) : undefined;
  if (waiting?.state !== 'waiting') throw new StartError(`no act ${id} waits: see \`spendgate acts waiting\``);
  await signApproval(waiting, options);
}
