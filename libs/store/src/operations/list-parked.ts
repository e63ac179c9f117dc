import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** An intent that waits now. Amount: decimal text, major units. */
export interface ParkedLine {
  readonly intentId: string;
  readonly decisionId: string;
  readonly mandateId: string;
  readonly agentId: string;
  /** Why it waits. */
  readonly code: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly counterpartyId: string | null;
  /** First instant at which it waits no more, Unix ms. */
  readonly untilMs: number;
  /** People who have approved, and how many it takes; `null`: it waits for a release. */
  readonly approvals: number | null;
  readonly needed: number | null;
}

const LIST = statement(
  'parked-list',
  `SELECT p.intent_id AS "intentId", p.decision_id AS "decisionId", p.flow_id AS "mandateId", d.agent_id AS "agentId",
     d.code, trim_scale(d.amount)::text AS amount, d.currency, d.counterparty_id AS "counterpartyId",
     floor(extract(epoch FROM p.parked_until) * 1000)::float8 AS "untilMs",
     CASE WHEN d.code = 'approval_required' THEN cardinality(p.approvals) END AS approvals,
     CASE WHEN d.code = 'approval_required' THEN p.approvals_needed::integer END AS needed
   FROM parked_intents p JOIN decisions d ON d.decision_id = p.decision_id AND d.flow_id = p.flow_id
   WHERE p.parked_until > clock_timestamp() ORDER BY p.parked_until, p.intent_id LIMIT $1`,
);

/** What waits, soonest over first. */
export function listParked(db: Queryable, limit: number): Promise<ParkedLine[]> {
  return guarded(() => query<ParkedLine & Record<string, unknown>>(db, LIST, [limit]));
}
