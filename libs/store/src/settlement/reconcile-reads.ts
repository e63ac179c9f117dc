import { uuids } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';

/** A capture or refund that was granted, as its rail's report is compared with it. Amount: decimal text, major units. */
export interface GrantedTransfer {
  readonly settlementId: string;
  readonly artifactId: string;
  /** base64url SHA-256 of the artifact's canonical claims. */
  readonly artifactHash: string;
  readonly action: 'capture' | 'refund';
  /** The presenter's capture or refund id. */
  readonly actionId: string;
  readonly amount: string;
  readonly currency: string;
  readonly state: string;
  /** Of a refund: a rail has confirmed it. */
  readonly restored: boolean;
}

const COLUMNS = `s.settlement_id AS "settlementId", s.artifact_id AS "artifactId",
     translate(rtrim(encode(a.claims_hash, 'base64'), '='), '+/', '-_') AS "artifactHash", s.action,
     s.action_id AS "actionId", trim_scale(s.amount)::text AS amount, s.currency, s.state, s.restored`;
const FROM = 'FROM settlements s JOIN artifacts a ON a.artifact_id = s.artifact_id AND a.flow_id = s.flow_id';
const GRANTED = statement(
  'reconcile-granted',
  `SELECT ${COLUMNS} ${FROM}
   WHERE s.settlement_id = ANY ($1::uuid[]) AND s.rail = $2 AND s.outcome = 'authorized'
     AND s.action IN ('capture', 'refund')`,
);
// Two partial indexes: the cost follows what is open, never the history.
const OVERDUE = statement(
  'reconcile-overdue',
  `(SELECT ${COLUMNS} ${FROM}
    WHERE s.rail = $1 AND s.state IN ('capturing', 'refunding') AND s.outcome_due_at <= clock_timestamp()
    ORDER BY s.outcome_due_at LIMIT $2)
   UNION ALL
   (SELECT ${COLUMNS} ${FROM} WHERE s.rail = $1 AND s.state = 'unknown' ORDER BY s.settlement_id LIMIT $2)`,
);
const TOLD = statement(
  'reconcile-told',
  'SELECT outcome_id AS "outcomeId" FROM settlement_outcomes WHERE outcome_id = ANY ($1::uuid[])',
);

/** Those of the ids under which this rail was granted a movement of money. */
export function readGrantedTransfers(db: Queryable, rail: string, ids: readonly string[]): Promise<GrantedTransfer[]> {
  return query<GrantedTransfer & Record<string, unknown>>(db, GRANTED, [uuids(ids), rail]);
}

/** Granted on this rail, past the time an outcome was due, and still without one; at most twice `limit`. */
export function readOverdueTransfers(db: Queryable, rail: string, limit: number): Promise<GrantedTransfer[]> {
  return query<GrantedTransfer & Record<string, unknown>>(db, OVERDUE, [rail, limit]);
}

/** Those of the outcome ids that are recorded. */
export async function readToldOutcomes(db: Queryable, outcomeIds: readonly string[]): Promise<Set<string>> {
  const rows = await query<{ outcomeId: string }>(db, TOLD, [uuids(outcomeIds)]);
  return new Set(rows.map((row) => row.outcomeId));
}
