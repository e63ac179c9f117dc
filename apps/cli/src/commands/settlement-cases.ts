import { listSettlementCases } from '@spendgate/store';
import type { Command } from 'commander';
import { limitOption, readLimit } from '../limit.js';
import { type ActOptions, actOptions, signAndTake } from '../ops/sign-and-take.js';
import { printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';

/** `spendgate settlements cases | close-case`: what of settled money a person must look at. */
export function addCases(settlements: Command): void {
  const list = settlements
    .command('cases')
    .option('--all', 'closed ones too')
    .addOption(limitOption())
    .option('--json', 'JSON Lines')
    .action(listCases);
  describeVerb(list, {
    group: 'operate',
    summary: 'chargebacks, contradictions of rails, services that refund too much',
    example: 'spendgate settlements cases',
  });
  const close = actOptions(settlements.command('close-case'))
    .argument('<case>', 'case id')
    .action((id: string, options: ActOptions) =>
      signAndTake('close_case', [{ kind: 'case', id, version: null }], options),
    );
  describeVerb(close, {
    group: 'operate',
    summary: 'say what a case was, signed',
    example: "spendgate settlements close-case CASE --as ada --reason 'the merchant was right'",
    exits: '2 refused',
  });
}

async function listCases({ all = false, limit, json = false }: { all?: boolean; limit?: string; json?: boolean }) {
  const most = readLimit(limit);
  const cases = await withDatabase((pool) => listSettlementCases(pool, all, most));
  const rows = cases.map((each) => ({
    case: each.id,
    kind: each.kind,
    about: each.settlementId ?? `${each.service ?? ''} on ${each.day ?? ''}`,
    amount: each.amount,
    currency: each.currency,
    opened_at: new Date(each.openedAtMs).toISOString(),
    closed_by: each.closedBy,
    reason: each.closingReason,
  }));
  printRows(rows, json);
}
