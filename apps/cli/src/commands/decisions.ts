import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { type DecisionFilter, countDecisions, listDecisions, listParked, readDecision } from '@spendgate/store';
import type { Command } from 'commander';
import { printJson, printRecord, printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { limitOption, readLimit } from '../limit.js';
import { describeVerb } from '../verb.js';
import { addAnswers } from './answer-parked.js';

interface Options {
  readonly outcome?: string;
  readonly code?: string;
  readonly agent?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

/** `spendgate decisions`: what was decided and what waits, read from the database; a person's answer goes to the service. */
export function addDecisions(program: Command): void {
  const decisions = describeVerb(program.command('decisions'), {
    group: 'operate',
    summary: 'count, list and show decisions; answer those that wait for a person',
    example: 'spendgate decisions count',
  });
  const list = filtered(decisions.command('list')).addOption(limitOption()).action(listAll);
  describeVerb(list, {
    group: 'operate',
    summary: 'decisions, newest first',
    example: 'spendgate decisions list --code budget_exceeded --limit 20',
  });
  const count = filtered(decisions.command('count')).action(countAll);
  describeVerb(count, {
    group: 'operate',
    summary: 'how many by outcome and code',
    example: 'spendgate decisions count --agent demo-agent',
  });
  const show = decisions
    .command('show')
    .argument('<id>', 'decision id')
    .option('--json', 'one JSON object')
    .action(showOne);
  describeVerb(show, {
    group: 'operate',
    summary: 'one decision with everything it was decided on',
    example: 'spendgate decisions show ID --json | jq .read_set.levels',
  });
  const parked = decisions
    .command('parked')
    .addOption(limitOption())
    .option('--json', 'JSON Lines')
    .action(listWaiting);
  describeVerb(parked, {
    group: 'operate',
    summary: 'intents that wait, soonest over first',
    example: 'spendgate decisions parked',
  });
  addAnswers(decisions);
}

function filtered(command: Command): Command {
  return command
    .option('--outcome <outcome>', 'authorized, denied or parked')
    .option('--code <code>', 'a denial code')
    .option('--agent <id>', 'who asked')
    .option('--json', 'JSON Lines');
}

async function listAll({ limit, json = false, ...filter }: Options & DecisionFilter): Promise<void> {
  const most = readLimit(limit);
  const rows = await withDatabase((pool) => listDecisions(pool, filter, most));
  printRows(
    rows.map(({ decisionId, appendedAtMs, agentId, mandateId, outcome, code, amount, currency, counterpartyId }) => ({
      decision_id: decisionId,
      at: new Date(appendedAtMs).toISOString(),
      agent: agentId,
      mandate: mandateId,
      outcome,
      code,
      amount,
      currency,
      counterparty: counterpartyId,
    })),
    json,
  );
}

async function listWaiting({ limit, json = false }: Options): Promise<void> {
  const most = readLimit(limit);
  const rows = await withDatabase((pool) => listParked(pool, most));
  printRows(
    rows.map(
      ({ intentId, mandateId, agentId, code, amount, currency, counterpartyId, untilMs, approvals, needed }) => ({
        intent: intentId,
        mandate: mandateId,
        agent: agentId,
        code,
        approvals,
        needed,
        amount,
        currency,
        counterparty: counterpartyId,
        until: new Date(untilMs).toISOString(),
      }),
    ),
    json,
  );
}

async function countAll({ json = false, ...filter }: Options & DecisionFilter): Promise<void> {
  const rows = await withDatabase((pool) => countDecisions(pool, filter));
  printRows(
    rows.map(({ outcome, code, count }) => ({ outcome, code, count })),
    json,
  );
}

async function showOne(id: string, { json = false }: Options): Promise<void> {
  const view = isUuid(id) ? await withDatabase((pool) => readDecision(pool, id)) : undefined;
  if (view === undefined) throw new StartError(`there is no decision ${id}`);
  const record = {
    decision_id: view.decisionId,
    intent_id: view.intentId,
    mandate: view.flowId,
    agent: view.agentId,
    outcome: view.outcome,
    code: view.code,
    field: view.field,
    artifact_id: view.artifactId,
    appended_at: new Date(view.appendedAtMs).toISOString(),
    judged_at: new Date(view.judgedAtMs).toISOString(),
    rules_version: view.rulesVersion,
    supersedes: view.supersedes,
    decision_hash: view.decisionHash.toString('base64url'),
    leaf_hash: view.leafHash.toString('base64url'),
    request: view.request,
    read_set: JSON.parse(view.readSet) as unknown,
  };
  if (json) printJson(record);
  else printRecord(record);
}
