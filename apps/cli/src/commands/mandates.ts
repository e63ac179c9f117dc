import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { listMandates, readCountedLines, readMandateLevels } from '@spendgate/store';
import type { Command } from 'commander';
import { limitOption, readLimit } from '../limit.js';
import { printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';
import { addSignedMandates } from './sign-mandates.js';

interface Options {
  readonly agent?: string;
  readonly principal?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

/** `spendgate mandates`: limits and what is left of them. */
export function addMandates(program: Command): void {
  const mandates = describeVerb(program.command('mandates'), {
    group: 'operate',
    summary: 'list mandates, show what is left at each level; delegate and amend',
    example: 'spendgate mandates list --agent demo-agent',
  });
  const list = mandates
    .command('list')
    .option('--agent <id>', 'mandates of one agent')
    .option('--principal <id>', 'mandates of one principal')
    .addOption(limitOption())
    .option('--json', 'JSON Lines')
    .action(listAll);
  describeVerb(list, {
    group: 'operate',
    summary: 'mandates with limit, available, held and captured; roots first',
    example: 'spendgate mandates list --principal demo-principal',
  });
  const show = mandates.command('show').argument('<id>', 'mandate id').option('--json', 'JSON Lines').action(showOne);
  describeVerb(show, {
    group: 'operate',
    summary: 'the levels of one mandate, root first: a spend needs room at every one',
    example: 'spendgate mandates show ID',
  });
  addSignedMandates(mandates);
}

async function listAll({ limit, json = false, ...filter }: Options): Promise<void> {
  const most = readLimit(limit);
  const rows = await withDatabase((pool) => listMandates(pool, filter, most));
  printRows(
    rows.map(
      ({ mandateId, depth, principalId, agentId, currency, limit: total, available, held, captured, state }) => ({
        mandate: mandateId,
        depth,
        principal: principalId,
        agent: agentId,
        currency,
        limit: total,
        available,
        held,
        captured,
        state,
      }),
    ),
    json,
  );
}

async function showOne(id: string, { json = false }: Options): Promise<void> {
  const levels = isUuid(id) ? await withDatabase((pool) => readMandateLevels(pool, id)) : [];
  if (levels.length === 0) throw new StartError(`there is no mandate ${id}`);
  printRows(
    levels.map(({ mandateId, depth, version, agentId, currency, limit, ...money }) => ({
      mandate: mandateId,
      depth,
      version,
      agent: agentId,
      currency,
      limit,
      available: money.available,
      held: money.held,
      capturing: money.capturing,
      captured: money.captured,
      refunded: money.refunded,
      state: money.revoked ? 'revoked' : money.state,
    })),
    json,
  );
  const counted = await withDatabase((pool) => readCountedLines(pool, id, Date.now()));
  if (counted.length === 0) return;
  printRows(
    counted.map(({ mandateId, name, limit, available, untilMs }) => ({
      mandate: mandateId,
      counted: name,
      limit,
      available,
      until: untilMs === null ? null : new Date(untilMs).toISOString(),
    })),
    json,
  );
}
