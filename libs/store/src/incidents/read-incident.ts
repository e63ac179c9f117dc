import { type IncidentFacts, InvariantError, isFlowState } from '@spendgate/core';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { type BlastRadius, readBlastRadius } from './blast-radius.js';

/** An incident as it stands. */
export interface IncidentRow {
  readonly id: string;
  readonly flowId: string;
  readonly epoch: number;
  readonly state: string;
  readonly version: number;
  readonly caseId: string;
  readonly rule: string;
  readonly assignedTo: string | null;
  readonly openedAtMs: number;
  readonly dueAtMs: number;
  readonly escalatedAtMs: number | null;
  readonly closedAtMs: number | null;
  readonly openedLeaf: Buffer;
  readonly closingLeaf: Buffer | null;
  /** Lifecycle state of its flow. */
  readonly flowState: string;
  readonly sequence: bigint;
  readonly agentId: string | null;
}

export interface IncidentCause {
  readonly kind: string;
  readonly rule: string;
  readonly evidence: string;
  readonly foundAtMs: number;
  readonly clearedBy: string | null;
  readonly clearedAtMs: number | null;
  readonly clearing: string | null;
}

export interface IncidentNote {
  readonly number: number;
  readonly person: string;
  readonly kind: string;
  readonly text: string;
  readonly documentHash: string | null;
  readonly notedAtMs: number;
}

const MS = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`;
/** Of an {@link IncidentRow}, from {@link INCIDENT_FROM}. */
export const INCIDENT_COLUMNS = `i.incident_id AS id, i.flow_id AS "flowId", i.epoch, i.state, i.version, i.case_id AS "caseId", i.rule,
  i.assigned_to AS "assignedTo", ${MS('i.opened_at')} AS "openedAtMs", ${MS('i.due_at')} AS "dueAtMs",
  ${MS('i.escalated_at')} AS "escalatedAtMs", ${MS('i.closed_at')} AS "closedAtMs", i.opened_leaf AS "openedLeaf",
  i.closing_leaf AS "closingLeaf", f.state AS "flowState", f.sequence, m.agent_id AS "agentId"`;
export const INCIDENT_FROM = `FROM incidents i JOIN flows f USING (flow_id) JOIN mandates m ON m.mandate_id = i.flow_id`;
const READ = statement('incident-read', `SELECT ${INCIDENT_COLUMNS} ${INCIDENT_FROM} WHERE i.incident_id = $1`);
const OF_FLOW = statement(
  'incidents-of-flow',
  `SELECT ${INCIDENT_COLUMNS} ${INCIDENT_FROM} WHERE i.flow_id = $1 ORDER BY i.opened_at DESC LIMIT 1`,
);
const CAUSES = statement(
  'incident-causes',
  `SELECT kind, rule, evidence, ${MS('found_at')} AS "foundAtMs", cleared_by AS "clearedBy",
     ${MS('cleared_at')} AS "clearedAtMs", clearing
   FROM incident_causes WHERE incident_id = $1 ORDER BY found_at, kind, rule`,
);
const NOTES = statement(
  'incident-notes',
  `SELECT number, person, kind, text, document_hash AS "documentHash", ${MS('noted_at')} AS "notedAtMs"
   FROM incident_notes WHERE incident_id = $1 ORDER BY number`,
);

export async function readIncident(db: Queryable, id: string): Promise<IncidentRow | undefined> {
  const [row] = await guarded(() => query<IncidentRow & Record<string, unknown>>(db, READ, [id]));
  return row;
}

/** The newest of a flow, open or closed. */
export async function readFlowIncident(db: Queryable, flowId: string): Promise<IncidentRow | undefined> {
  const [row] = await guarded(() => query<IncidentRow & Record<string, unknown>>(db, OF_FLOW, [flowId]));
  return row;
}

export function readCauses(db: Queryable, id: string): Promise<IncidentCause[]> {
  return guarded(() => query<IncidentCause & Record<string, unknown>>(db, CAUSES, [id]));
}

/** Money of a flow's live holds, by currency: decimal text, major units. */
export interface IncidentMoney {
  readonly currency: string;
  readonly holds: number;
  readonly held: string;
  /** Of what is held: what nobody can capture now. */
  readonly frozen: string;
  /** Granted before: it goes on to its outcome. */
  readonly capturing: string;
  readonly captured: string;
  readonly released: string;
}

const MONEY = statement(
  'incident-money',
  `WITH sums AS (
     SELECT h.currency, count(*)::int AS holds, sum(h.held) AS held, sum(h.capturing) AS capturing,
       sum(h.captured) AS captured, sum(h.released) AS released,
       coalesce(sum(h.held) FILTER (WHERE f.state IN ('drifting', 'contained', 'recovering', 'revalidated', 'revoked')
         OR a.status <> 0), 0) AS frozen
     FROM holds h JOIN flows f USING (flow_id)
     LEFT JOIN artifacts a ON a.artifact_id = h.artifact_id AND a.flow_id = h.flow_id
     WHERE h.flow_id = $1 AND NOT h.ended GROUP BY h.currency)
   SELECT currency, holds, trim_scale(held)::text AS held, trim_scale(frozen)::text AS frozen,
     trim_scale(capturing)::text AS capturing, trim_scale(captured)::text AS captured,
     trim_scale(released)::text AS released
   FROM sums ORDER BY currency`,
);

/** An incident with everything people did to it, the money it keeps back, and what its flow reaches. */
export interface IncidentView {
  readonly incident: IncidentRow;
  readonly causes: readonly IncidentCause[];
  readonly notes: readonly IncidentNote[];
  readonly money: readonly IncidentMoney[];
  readonly reaches: readonly BlastRadius[];
}

export async function readIncidentView(db: Queryable, id: string): Promise<IncidentView | undefined> {
  const incident = await readIncident(db, id);
  if (incident === undefined) return undefined;
  const causes = await readCauses(db, id);
  const notes = await guarded(() => query<IncidentNote & Record<string, unknown>>(db, NOTES, [id]));
  const money = await readIncidentMoney(db, incident.flowId);
  return { incident, causes, notes, money, reaches: await readBlastRadius(db, 'flow', incident.flowId) };
}

export function readIncidentMoney(db: Queryable, flowId: string): Promise<IncidentMoney[]> {
  return guarded(() => query<IncidentMoney & Record<string, unknown>>(db, MONEY, [flowId]));
}

/** @throws {InvariantError} `ERR_FLOW_STATE` */
export function incidentFacts({ flowState, flowId }: IncidentRow, causes: readonly IncidentCause[]): IncidentFacts {
  if (!isFlowState(flowState)) throw new InvariantError('ERR_FLOW_STATE', `flow ${flowId} is in no known state`);
  return { flow: flowState, causes: causes.map(({ kind, clearedBy }) => ({ kind, cleared: clearedBy !== null })) };
}
