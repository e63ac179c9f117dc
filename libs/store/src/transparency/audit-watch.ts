import { setting } from '@spendgate/platform';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** A checkpoint younger than this makes the audit current without a look at what waits; also the smallest bound. */
const CURRENT_SECONDS = 10;
/** Longest time approvals may go on without being under a signed head. */
const AUDIT_LATE_MS_MAX = 3_600_000;

/** One setting for every role that decides: what is approved must come under a signed head, or nothing is approved. */
export const AUDIT_SETTINGS = {
  SPENDGATE_AUDIT_LATE: setting.duration({
    default: 290_000, // with the lead the log has over its witnesses: 300 s (design 5)
    min: CURRENT_SECONDS * 1_000,
    max: AUDIT_LATE_MS_MAX,
    about: 'audit leaves that wait longer than this while the log signs nothing: everything is audit_unavailable',
  }),
} as const;

/** The oldest leaf under no signed head, Unix ms; of those placed already the first, of each lane the next. */
const OLDEST_WAITING = `SELECT min(coalesce((l.leaf::json ->> 'time')::float8, 0)) AS ms
  FROM (
    SELECT p.lane_id, p.seq FROM log_positions p
    WHERE p.index = coalesce(c.tree_size, 0) AND coalesce(c.tree_size, 0) < s.tree_size
    UNION ALL
    SELECT n.lane_id, coalesce((s.cursors ->> n.lane_id::text)::bigint, 0) FROM lanes n
    WHERE coalesce((s.cursors ->> n.lane_id::text)::bigint, 0) < n.leaf_seq
  ) AS waiting LEFT JOIN leaves l USING (lane_id, seq)`;

/**
 * An expression: for how long, in ms, leaves have been waiting while the log signed nothing; 0 when it is current, NaN
 * when its state cannot be read. A leaf that should wait and is gone has waited since 1970. What waits is looked at only
 * when the last checkpoint is not young, so a domain whose log runs pays one index lookup.
 */
export const AUDIT_LATE_MS = `coalesce((
  SELECT CASE WHEN c.signed_at > clock_timestamp() - interval '${CURRENT_SECONDS} s' THEN 0 ELSE (
    SELECT CASE WHEN oldest.ms IS NULL THEN 0 ELSE least(
      extract(epoch FROM clock_timestamp() - c.signed_at) * 1000,
      extract(epoch FROM clock_timestamp()) * 1000 - oldest.ms) END
    FROM (${OLDEST_WAITING}) AS oldest) END
  FROM log_state s LEFT JOIN LATERAL (
    SELECT tree_size, signed_at FROM checkpoints ORDER BY tree_size DESC LIMIT 1) AS c ON true
), 'NaN')::float8`;

const READ = statement('audit-late', `SELECT ${AUDIT_LATE_MS} AS late_ms`);

/** Outside a deciding transaction, for health: see `readJudged` for the same among what is decided on. */
export async function readAuditLate(db: Queryable): Promise<number> {
  const [row] = await guarded(() => query<{ late_ms: number }>(db, READ));
  return row?.late_ms ?? Number.NaN;
}

/**
 * Whether the audit may be relied on. Anything but `verified` denies.
 *
 * @param lateMs as read with `judged_at` @param boundMs `SPENDGATE_AUDIT_LATE`
 */
export function watchAudit(lateMs: number, boundMs: number): 'verified' | 'stale' | 'unknown' {
  if (Number.isNaN(lateMs)) return 'unknown';
  return lateMs <= boundMs ? 'verified' : 'stale';
}
