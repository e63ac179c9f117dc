import { isUuid, sha256 } from '@spendgate/codec';
import { CLEARING, isCauseKind } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import { type IncidentRow, listIncidents, readIncident, readIncidentView, readProposal } from '@spendgate/store';
import type { Command } from 'commander';
import fs from 'node:fs';
import { limitOption, readLimit } from '../limit.js';
import { type ActOptions, actOptions, signAndTake } from '../ops/sign-and-take.js';
import { note, printJson, printRecord, printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';

/** Acts that need nothing but the incident. */
const PLAIN = {
  assign: 'take it: you are who works on it',
  note: 'write down what is known; --reason is the note',
  escalate: 'call others in',
  recover: 'begin its recovery (phase 7): from here on you answer for it',
} as const;

interface Options extends ActOptions {
  readonly cause?: string[];
  readonly document?: string;
}

/** `spendgate incidents`: what stopped, why, and how it goes on or ends. Every act is signed on this machine. */
export function addIncidents(program: Command): void {
  const incidents = describeVerb(program.command('incidents'), {
    group: 'operate',
    summary: 'list and show contained flows; clear causes, recover, revalidate or revoke them',
    example: 'spendgate incidents list',
  });
  addReads(incidents);
  for (const [name, summary] of Object.entries(PLAIN)) {
    addAct(incidents, name, summary, (incident, options) => act(name, incident, options));
  }
  addAct(
    incidents,
    'evidence',
    'add a document by its SHA-256; the document stays with you',
    async (incident, options) => act('evidence', incident, options, { change_hash: documentHash(options) }),
    (command) => command.requiredOption('--document <file>', 'what shows it'),
  );
  addAct(
    incidents,
    'clear',
    'clear causes, each on the evidence its kind asks for',
    async (incident, options) =>
      act('clear_cause', incident, options, { causes: options.cause ?? [], change_hash: documentHash(options) }),
    (command) =>
      command
        .requiredOption('--cause <kind...>', 'policy, environment, settlement, …: see `incidents show`')
        .option('--document <file>', 'what shows it, where the cause asks for a document'),
  );
  addAct(incidents, 'revalidate', 'let the flow begin anew with a new baseline; another person approves', revalidate);
  addAct(
    incidents,
    'revoke',
    'end the flow for good, with all under it; another person approves',
    (incident, options) => act('revoke_flow', incident, options),
  );
}

function addReads(incidents: Command): void {
  const list = incidents
    .command('list')
    .option('--all', 'closed ones too')
    .addOption(limitOption())
    .option('--json', 'JSON Lines')
    .action(listAll);
  describeVerb(list, {
    group: 'operate',
    summary: 'open incidents, newest first',
    example: 'spendgate incidents list',
  });
  const show = incidents
    .command('show')
    .argument('<incident>', 'incident id')
    .option('--json', 'one JSON object')
    .action(showOne);
  describeVerb(show, {
    group: 'operate',
    summary: 'one incident: causes with what clears each, notes, money, the baseline to be signed',
    example: 'spendgate incidents show INCIDENT',
  });
}

function addAct(
  incidents: Command,
  name: string,
  summary: string,
  action: (incident: IncidentRow, options: Options) => Promise<void>,
  extend: (command: Command) => Command = (command) => command,
): void {
  const command = extend(actOptions(incidents.command(name)).argument('<incident>', 'incident id')).action(
    async (id: string, options: Options) => action(await found(id), options),
  );
  describeVerb(command, {
    group: 'operate',
    summary,
    example: `spendgate incidents ${name} INCIDENT --as ada --reason 'looked at it'`,
    exits: '2 refused',
  });
}

/** The version a person saw is signed with the act: when the incident has moved on, nothing is done. */
function act(
  action: string,
  { id, version }: IncidentRow,
  options: Options,
  details: Parameters<typeof signAndTake>[3] = {},
): Promise<void> {
  return signAndTake(action, [{ kind: 'incident', id, version }], options, details);
}

async function revalidate(incident: IncidentRow, options: Options): Promise<void> {
  const proposal = await withDatabase((pool) => readProposal(pool, incident.flowId));
  if (proposal === undefined) throw new StartError(`the mandate of flow ${incident.flowId} cannot be read`);
  note(`new baseline: ${proposal.text}`);
  await act('revalidate', incident, options, { change_hash: proposal.hash });
}

async function found(id: string): Promise<IncidentRow> {
  const incident = isUuid(id) ? await withDatabase((pool) => readIncident(pool, id)) : undefined;
  if (incident === undefined) throw new StartError(`there is no incident ${id}: see \`spendgate incidents list\``);
  return incident;
}

function documentHash({ document }: Options): string | null {
  return document === undefined ? null : sha256(fs.readFileSync(document)).toString('base64url');
}

async function listAll({ all = false, limit, json = false }: { all?: boolean; limit?: string; json?: boolean }) {
  const most = readLimit(limit);
  const rows = await withDatabase((pool) => listIncidents(pool, all, most));
  printRows(rows.map(shown), json);
}

function shown(row: IncidentRow) {
  return {
    incident: row.id,
    flow: row.flowId,
    agent: row.agentId,
    state: row.state,
    rule: row.rule,
    case: row.caseId,
    assigned_to: row.assignedTo,
    opened_at: new Date(row.openedAtMs).toISOString(),
    due_at: new Date(row.dueAtMs).toISOString(),
  };
}

async function showOne(id: string, { json = false }: { json?: boolean }): Promise<void> {
  const { flowId } = await found(id);
  const { view, proposal } = await withDatabase(async (pool) => ({
    view: await readIncidentView(pool, id),
    proposal: await readProposal(pool, flowId),
  }));
  if (view === undefined) throw new StartError(`there is no incident ${id}`);
  const causes = view.causes.map(({ kind, rule, evidence, clearedBy }) => ({
    kind,
    rule,
    evidence: JSON.parse(evidence) as unknown, // as: our own canonical text
    cleared_by: clearedBy,
    cleared_how: isCauseKind(kind) ? `${CLEARING[kind].by}: ${CLEARING[kind].how}` : null,
  }));
  const { incident, notes, money } = view;
  const record = {
    ...shown(incident),
    version: incident.version,
    epoch: incident.epoch,
    baseline: proposal?.text ?? null,
  };
  if (json) {
    printJson({ ...record, causes, notes, money });
    return;
  }
  printRecord(record);
  for (const rows of [causes, notes.map((each) => ({ ...each })), money.map((each) => ({ ...each }))]) {
    note('');
    printRows(rows, false);
  }
}
