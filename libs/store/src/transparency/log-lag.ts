import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** How far the log is behind what is committed. */
export interface LogLag {
  /** Committed leaves without a place. */
  readonly waitingLeaves: number;
  readonly treeSize: number;
  /** Leaves under the last checkpoint, -1 before the first. */
  readonly signedSize: number;
  /** Since the last checkpoint was signed, ms; 0 before the first. */
  readonly signedAgoMs: number;
}

const READ = statement(
  'log-lag',
  `SELECT coalesce(w.waiting, 0)::float8 AS "waitingLeaves", s.tree_size::float8 AS "treeSize",
     coalesce(c.tree_size, -1)::float8 AS "signedSize",
     coalesce(extract(epoch FROM clock_timestamp() - c.signed_at) * 1000, 0)::float8 AS "signedAgoMs"
   FROM log_state s
   LEFT JOIN LATERAL (SELECT sum(l.leaf_seq - coalesce((s.cursors ->> l.lane_id::text)::bigint, 0)) AS waiting FROM lanes l) w ON true
   LEFT JOIN LATERAL (SELECT tree_size, signed_at FROM checkpoints ORDER BY tree_size DESC LIMIT 1) c ON true`,
);

export async function readLogLag(db: Queryable): Promise<LogLag> {
  const [row] = await guarded(() => query<LogLag & Record<string, unknown>>(db, READ));
  return row ?? { waitingLeaves: 0, treeSize: 0, signedSize: -1, signedAgoMs: 0 };
}
