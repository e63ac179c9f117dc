import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { INCIDENT_COLUMNS, INCIDENT_FROM, type IncidentRow } from './read-incident.js';

/** What `state` of a filter may be beside `open`. */
export const INCIDENT_STATES = ['contained', 'recovering', 'revalidated', 'revoked', 'proven', 'archived'] as const;

/** Which incidents to list; absent members do not narrow. */
export interface IncidentFilter {
  /** `open`: neither revalidated nor revoked yet. */
  readonly state?: 'open' | (typeof INCIDENT_STATES)[number] | undefined;
  /** Kind of any of its causes, cleared or not. */
  readonly cause?: string | undefined;
  readonly rule?: string | undefined;
  readonly agent?: string | undefined;
  /** With live holds for this counterparty. */
  readonly counterparty?: string | undefined;
  readonly assignedTo?: string | undefined;
  readonly caseId?: string | undefined;
  /** Open past its due time, or not. */
  readonly overdue?: boolean | undefined;
}

/** An incident in a list. */
export interface IncidentLine extends IncidentRow {
  /** Kinds of causes not cleared yet. */
  readonly openCauses: readonly string[];
}

/** Newest first. A cursor is the last incident shown: what opens meanwhile shifts no page. */
const PAGE = statement(
  'incidents-page',
  `SELECT ${INCIDENT_COLUMNS}, array(SELECT DISTINCT c.kind FROM incident_causes c
     WHERE c.incident_id = i.incident_id AND c.cleared_at IS NULL ORDER BY 1) AS "openCauses"
   ${INCIDENT_FROM}
   WHERE ($1::text IS NULL OR CASE $1 WHEN 'open' THEN i.closed_at IS NULL ELSE i.state = $1 END)
     AND ($2::text IS NULL OR EXISTS (
       SELECT FROM incident_causes c WHERE c.incident_id = i.incident_id AND c.kind = $2))
     AND ($3::text IS NULL OR i.rule = $3) AND ($4::text IS NULL OR m.agent_id = $4)
     AND ($5::text IS NULL OR EXISTS (
       SELECT FROM holds h WHERE h.flow_id = i.flow_id AND NOT h.ended AND h.counterparty_id = $5))
     AND ($6::text IS NULL OR i.assigned_to = $6) AND ($7::uuid IS NULL OR i.case_id = $7)
     AND ($8::boolean IS NULL OR $8 = (i.closed_at IS NULL AND i.due_at <= clock_timestamp()))
     AND ($9::uuid IS NULL OR (i.opened_at, i.incident_id) < (
       SELECT b.opened_at, b.incident_id FROM incidents b WHERE b.incident_id = $9))
   ORDER BY i.opened_at DESC, i.incident_id DESC LIMIT $10`,
);

export interface IncidentPage {
  readonly incidents: readonly IncidentLine[];
  /** Id to ask for the next page with; `null`: this was the last. */
  readonly next: string | null;
}

/** @param before id of the last incident of the page before */
export async function readIncidentsPage(
  db: Queryable,
  filter: IncidentFilter,
  { before, limit }: { readonly before: string | null; readonly limit: number },
): Promise<IncidentPage> {
  const { state, cause, rule, agent, counterparty, assignedTo, caseId, overdue } = filter;
  const wanted = [state, cause, rule, agent, counterparty, assignedTo, caseId, overdue].map((each) => each ?? null);
  const found = await guarded(() =>
    query<IncidentLine & Record<string, unknown>>(db, PAGE, [...wanted, before, limit + 1]),
  );
  const incidents = found.slice(0, limit);
  return { incidents, next: found.length > limit ? (incidents.at(-1)?.id ?? null) : null };
}

/** Incidents of one rule that opened within minutes of each other. */
export interface CaseRow {
  readonly id: string;
  readonly rule: string;
  readonly incidents: number;
  readonly open: number;
  readonly openedAtMs: number;
  /** Soonest of the open ones; `null`: none is open. */
  readonly dueAtMs: number | null;
}

const CASES = statement(
  'incident-cases',
  `WITH cases AS (
     SELECT case_id, min(rule) AS rule, count(*)::int AS incidents, min(opened_at) AS opened_at,
       (count(*) FILTER (WHERE closed_at IS NULL))::int AS open, min(due_at) FILTER (WHERE closed_at IS NULL) AS due_at
     FROM incidents GROUP BY case_id)
   SELECT case_id AS id, rule, incidents, open, floor(extract(epoch FROM opened_at) * 1000)::float8 AS "openedAtMs",
     floor(extract(epoch FROM due_at) * 1000)::float8 AS "dueAtMs"
   FROM cases WHERE ($1::boolean OR open > 0) AND ($2::uuid IS NULL OR (opened_at, case_id) < (
     SELECT b.opened_at, b.case_id FROM cases b WHERE b.case_id = $2))
   ORDER BY opened_at DESC, case_id DESC LIMIT $3`,
);

/**
 * Cases, newest first.
 *
 * @param all those without an open incident too @param before id of the last case of the page before
 */
export async function readCasesPage(
  db: Queryable,
  all: boolean,
  { before, limit }: { readonly before: string | null; readonly limit: number },
): Promise<{ readonly cases: readonly CaseRow[]; readonly next: string | null }> {
  const found = await guarded(() => query<CaseRow & Record<string, unknown>>(db, CASES, [all, before, limit + 1]));
  const cases = found.slice(0, limit);
  return { cases, next: found.length > limit ? (cases.at(-1)?.id ?? null) : null };
}
