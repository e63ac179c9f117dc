import type { Pool } from '../pool.js';
import { execute, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** Heartbeats and reads who is alive in one statement; members silent for longer than the bound are dropped. */
const BEAT = statement(
  'embedded-beat',
  `WITH beat AS (
     INSERT INTO embedded_members (group_id, member_id, heartbeat_at) VALUES ($1, $2, clock_timestamp())
     ON CONFLICT (group_id, member_id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at RETURNING member_id),
   gone AS (
     DELETE FROM embedded_members
     WHERE group_id = $1 AND member_id <> $2 AND heartbeat_at < clock_timestamp() - make_interval(secs => $3 / 1000.0)
     RETURNING member_id)
   SELECT member_id FROM embedded_members
   WHERE group_id = $1 AND member_id <> $2 AND member_id NOT IN (SELECT member_id FROM gone)
   UNION SELECT member_id FROM beat ORDER BY member_id`,
);
const LEAVE = statement('embedded-leave', 'DELETE FROM embedded_members WHERE group_id = $1 AND member_id = $2');

/**
 * Says "I am here" and tells who else is, in one order for all: each member works out the same assignment from it.
 * Two members may disagree for a moment; the lane's epoch, not this list, decides who may write.
 *
 * @param silentMs a member without a heartbeat for longer is gone
 * @returns the live members' ids, sorted
 */
export async function beat(pool: Pool, group: string, member: string, silentMs: number): Promise<string[]> {
  const rows = await guarded(() => query<{ member_id: string }>(pool, BEAT, [group, member, silentMs]));
  return rows.map((row) => row.member_id).sort();
}

/** Leaves at once, so that the others need not wait for the silence. */
export async function leave(pool: Pool, group: string, member: string): Promise<void> {
  await guarded(() => execute(pool, LEAVE, [group, member]));
}
