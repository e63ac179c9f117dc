import { texts } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';

/** A settlement that still waits for its outcome. Amount: decimal text, major units. */
export interface AwaitedSettlement {
  readonly settlementId: string;
  readonly artifactId: string;
  readonly action: string;
  readonly amount: string;
  readonly currency: string;
  readonly rail: string;
  readonly counterpartyId: string;
}

const COLUMNS = `s.settlement_id AS "settlementId", s.artifact_id AS "artifactId", s.action,
     trim_scale(s.amount)::text AS amount, s.currency, s.rail, h.counterparty_id AS "counterpartyId"`;
// settlements_due holds what awaits an outcome only, so the cost follows what is open, never the history.
const OVERDUE = statement(
  'settlement-overdue',
  `SELECT ${COLUMNS} FROM settlements s JOIN holds h ON h.hold_id = s.hold_id AND h.flow_id = s.flow_id
   WHERE s.state IN ('capturing', 'refunding') AND s.outcome_due_at <= clock_timestamp()
   ORDER BY s.outcome_due_at LIMIT $1`,
);
const AWAITED = statement(
  'settlement-awaited',
  `SELECT ${COLUMNS} FROM settlements s JOIN holds h ON h.hold_id = s.hold_id AND h.flow_id = s.flow_id
   WHERE s.state IN ('capturing', 'refunding') AND s.outcome_due_at IS NOT NULL AND s.rail = ANY ($1::text[])
     AND s.judged_at <= clock_timestamp() - make_interval(secs => $2::float8 / 1000)
   ORDER BY s.outcome_due_at LIMIT $3`,
);

const UNKNOWN = statement(
  'settlement-unknown',
  `SELECT ${COLUMNS} FROM settlements s JOIN holds h ON h.hold_id = s.hold_id AND h.flow_id = s.flow_id
   WHERE s.state = 'unknown' AND s.rail = ANY ($1::text[]) AND s.settlement_id > $2::uuid
   ORDER BY s.settlement_id LIMIT $3`,
);

/** Settlements whose outcome is overdue, the longest waiting first. */
export function readOverdueSettlements(db: Queryable, limit: number): Promise<AwaitedSettlement[]> {
  return query<AwaitedSettlement & Record<string, unknown>>(db, OVERDUE, [limit]);
}

/** Granted at least `olderThanMs` ago on one of these rails and still without outcome: the rail must be asked again. */
export function readAwaitedSettlements(
  db: Queryable,
  rails: readonly string[],
  olderThanMs: number,
  limit: number,
): Promise<AwaitedSettlement[]> {
  if (rails.length === 0) return Promise.resolve([]);
  return query<AwaitedSettlement & Record<string, unknown>>(db, AWAITED, [texts(rails), olderThanMs, limit]);
}

/** Settlements of these rails whose outcome nobody knows, after `afterId` in id order. */
export function readUnknownSettlements(
  db: Queryable,
  rails: readonly string[],
  afterId: string,
  limit: number,
): Promise<AwaitedSettlement[]> {
  if (rails.length === 0) return Promise.resolve([]);
  return query<AwaitedSettlement & Record<string, unknown>>(db, UNKNOWN, [texts(rails), afterId, limit]);
}

// A loose scan of holds_ending: one index descent per root, whatever each tree holds.
const ROOTS_WITH_ENDED = statement(
  'settlement-roots-with-ended-holds',
  `WITH RECURSIVE roots AS (
     (SELECT root_id, 1 AS n FROM holds WHERE NOT ended AND root_id > $1::uuid ORDER BY root_id LIMIT 1)
     UNION ALL
     SELECT (
       SELECT h.root_id FROM holds h WHERE NOT h.ended AND h.root_id > r.root_id ORDER BY h.root_id LIMIT 1), n + 1
     FROM roots r WHERE r.root_id IS NOT NULL AND n < $2)
   SELECT r.root_id AS "rootId",
     EXISTS (
       SELECT 1 FROM holds h WHERE h.root_id = r.root_id AND NOT h.ended AND h.ends_at <= clock_timestamp()) AS due
   FROM roots r WHERE r.root_id IS NOT NULL`,
);
export const FIRST_ROOT = '00000000-0000-0000-0000-000000000000';

/** A mandate tree with live holds, and whether one of them has ended. */
export interface HoldRoot {
  readonly rootId: string;
  readonly due: boolean;
}

/** Trees with live holds after `afterRoot` in id order, at most `limit`; fewer means the round is complete. */
export function readHoldRoots(db: Queryable, afterRoot: string, limit: number): Promise<HoldRoot[]> {
  return query<HoldRoot & Record<string, unknown>>(db, ROOTS_WITH_ENDED, [afterRoot, limit]);
}
