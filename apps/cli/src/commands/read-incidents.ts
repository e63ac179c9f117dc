import { isUuid } from '@spendgate/codec';
import { CLEARING, isCauseKind } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import {
  INCIDENT_STATES,
  type IncidentFilter,
  type IncidentRow,
  readCasesPage,
  readIncident,
  readIncidentView,
  readIncidentsPage,
  readProposal,
} from '@spendgate/store';
import { type Command, Option } from 'commander';
import { limitOption, readLimit } from '../limit.js';
import { note, printCsv, printJson, printRecord, printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';

interface ListOptions extends Omit<IncidentFilter, 'caseId'> {
  readonly all?: boolean;
  readonly case?: string;
  readonly limit?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** `spendgate incidents list | show | cases`: what people look at before they act. */
export function addIncidentReads(incidents: Command): void {
  const list = incidents
    .command('list')
    .option('--all', 'closed ones too')
    .addOption(new Option('--state <state>', 'of this state only').choices(INCIDENT_STATES))
    .option('--cause <kind>', 'with a cause of this kind: policy, settlement, …')
    .option('--rule <rule>', 'that this rule opened')
    .option('--agent <agent>', 'of this agent')
    .option('--counterparty <id>', 'with live holds for this counterparty')
    .option('--assigned-to <person>', 'that this person works on')
    .option('--case <case>', 'of this case')
    .option('--overdue', 'past their due time')
    .addOption(limitOption())
    .option('--json', 'JSON Lines')
    .addOption(new Option('--csv', 'a table for a spreadsheet (RFC 4180)').conflicts('json'))
    .action(listAll);
  describeVerb(list, {
    group: 'operate',
    summary: 'open incidents, newest first',
    example: 'spendgate incidents list --overdue',
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
  const cases = incidents
    .command('cases')
    .option('--all', 'those without an open incident too')
    .addOption(limitOption())
    .option('--json', 'JSON Lines')
    .action(listCases);
  describeVerb(cases, {
    group: 'operate',
    summary: 'incidents of one rule that opened within minutes, as one case each',
    example: 'spendgate incidents cases',
  });
}

/** @throws {StartError} there is none */
export async function foundIncident(id: string): Promise<IncidentRow> {
  const incident = isUuid(id) ? await withDatabase((pool) => readIncident(pool, id)) : undefined;
  if (incident === undefined) throw new StartError(`there is no incident ${id}: see \`spendgate incidents list\``);
  return incident;
}

async function listAll(options: ListOptions): Promise<void> {
  const { all = false, state, case: caseId, overdue, json = false, csv = false, limit, ...filter } = options;
  if (caseId !== undefined && !isUuid(caseId)) throw new StartError(`"${caseId}" is no case id`);
  const wanted = { ...filter, caseId, overdue, state: state ?? (all ? undefined : ('open' as const)) };
  const place = { before: null, limit: readLimit(limit) };
  const { incidents } = await withDatabase((pool) => readIncidentsPage(pool, wanted, place));
  const rows = incidents.map((each) => ({ ...shown(each), open_causes: each.openCauses }));
  if (csv) printCsv(rows);
  else printRows(rows, json);
}

async function listCases({ all = false, limit, json = false }: { all?: boolean; limit?: string; json?: boolean }) {
  const place = { before: null, limit: readLimit(limit) };
  const { cases } = await withDatabase((pool) => readCasesPage(pool, all, place));
  const rows = cases.map(({ id, rule, incidents, open, openedAtMs, dueAtMs }) => ({
    case: id,
    ...{ rule, incidents, open },
    opened_at: new Date(openedAtMs).toISOString(),
    due_at: dueAtMs === null ? null : new Date(dueAtMs).toISOString(),
  }));
  printRows(rows, json);
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
    overdue: row.closedAtMs === null && row.dueAtMs <= Date.now(),
  };
}

async function showOne(id: string, { json = false }: { json?: boolean }): Promise<void> {
  const { flowId } = await foundIncident(id);
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
  const { incident, notes, money, reaches } = view;
  const record = {
    ...shown(incident),
    version: incident.version,
    epoch: incident.epoch,
    baseline: proposal?.text ?? null,
  };
  if (json) {
    printJson({ ...record, causes, notes, money, reaches });
    return;
  }
  printRecord(record);
  for (const rows of [causes, notes, money, reaches]) {
    note('');
    printRows(
      rows.map((each) => ({ ...each })),
      false,
    );
  }
}
