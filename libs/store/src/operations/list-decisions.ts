import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** A decision in a list. Amounts: decimal text, major units. */
export interface DecisionLine {
  readonly decisionId: string;
  readonly appendedAtMs: number;
  readonly agentId: string;
  readonly mandateId: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly counterpartyId: string | null;
}

/** What to show; absent members do not narrow. */
export interface DecisionFilter {
  readonly outcome?: string;
  readonly code?: string;
  readonly agent?: string;
}

export interface DecisionCount {
  readonly outcome: string;
  readonly code: string | null;
  readonly count: number;
}

const WHERE = `($1::text IS NULL OR outcome = $1) AND ($2::text IS NULL OR code = $2)
   AND ($3::text IS NULL OR agent_id = $3)`;
// Ids lead with the append time, so the newest come first from the end of the primary key.
const LIST = statement(
  'decisions-list',
  `SELECT decision_id AS "decisionId", floor(extract(epoch FROM appended_at) * 1000)::float8 AS "appendedAtMs",
     agent_id AS "agentId", flow_id AS "mandateId", outcome, code, trim_scale(amount)::text AS amount, currency,
     counterparty_id AS "counterpartyId"
   FROM decisions WHERE ${WHERE} ORDER BY decision_id DESC, flow_id DESC LIMIT $4`,
);
const COUNT = statement(
  'decisions-count',
  `SELECT outcome, code, count(*)::float8 AS count FROM decisions WHERE ${WHERE} GROUP BY outcome, code
   ORDER BY count DESC, outcome, code`,
);

const valuesOf = ({ outcome, code, agent }: DecisionFilter): unknown[] => [
  outcome ?? null,
  code ?? null,
  agent ?? null,
];

/** Newest first. */
export function listDecisions(db: Queryable, filter: DecisionFilter, limit: number): Promise<DecisionLine[]> {
  return guarded(() => query<DecisionLine & Record<string, unknown>>(db, LIST, [...valuesOf(filter), limit]));
}

/** Decisions by outcome and code, most frequent first. Reads every decision: for people, not for a door. */
export function countDecisions(db: Queryable, filter: DecisionFilter): Promise<DecisionCount[]> {
  return guarded(() => query<DecisionCount & Record<string, unknown>>(db, COUNT, valuesOf(filter)));
}
