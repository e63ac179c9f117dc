import { InvariantError } from '@spendgate/core';
import type { Pool } from '../pool.js';
import { query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { type LeafCursors, cursorsJson } from './log-state.js';

/** A committed leaf that has no place in the tree yet. */
export interface PendingLeaf {
  readonly laneId: number;
  readonly seq: bigint;
  readonly leafHash: Buffer;
  /** The bytes in the tree, UTF-8. */
  readonly leaf: string;
}

/** New leaves of one lane, dense from its cursor. */
export interface PendingLane {
  readonly laneId: number;
  readonly leaves: readonly PendingLeaf[];
  /** Number after the last leaf the lane had in the snapshot; beyond `leaves` when the batch is full. */
  readonly end: bigint;
}

/**
 * All lanes in one statement, so in one snapshot: whatever is visible of an effect, its causes are visible too, and a
 * transaction that commits late shows up at its lane's cursor, which waited for it. OFFSET 0 keeps it to one range of the
 * key per lane: as a plain join it was planned as a scan of every leaf there ever was.
 */
const PENDING_LEAVES = statement(
  'log-leaves-read',
  `WITH behind AS (
     SELECT l.lane_id, coalesce(c.next::bigint, 0) AS next, l.leaf_seq AS lane_end,
       greatest($2::bigint / count(*) OVER (), 1) AS share
     FROM lanes l LEFT JOIN jsonb_each_text($1::jsonb) AS c (lane, next) ON c.lane::integer = l.lane_id
     WHERE l.leaf_seq <> coalesce(c.next::bigint, 0)),
   due AS (SELECT lane_id, next, lane_end, least(lane_end, next + share) AS until FROM behind)
   SELECT d.lane_id, d.next, d.lane_end, d.until, f.seq, f.leaf_hash, f.leaf
   FROM due d LEFT JOIN LATERAL (
     SELECT seq, leaf_hash, leaf FROM leaves WHERE lane_id = d.lane_id AND seq >= d.next AND seq < d.until OFFSET 0) AS f ON true
   ORDER BY d.lane_id, f.seq`,
);

interface PendingRow extends Record<string, unknown> {
  lane_id: number;
  next: bigint;
  lane_end: bigint;
  until: bigint;
  seq: bigint | null;
  leaf_hash: Buffer | null;
  leaf: string | null;
}

/**
 * Reads what the tree lacks.
 *
 * @param limit leaves at most, shared among the lanes that have any
 * @throws {InvariantError} `ERR_LEAF_MISSING`, naming lane and number: a row the lane counted is not there
 */
export async function readPendingLeaves(pool: Pool, cursors: LeafCursors, limit: number): Promise<PendingLane[]> {
  const rows = await guarded(() => query<PendingRow>(pool, PENDING_LEAVES, [cursorsJson(cursors), limit]));
  const lanes = new Map<number, { laneId: number; leaves: PendingLeaf[]; end: bigint; next: bigint; until: bigint }>();
  for (const row of rows) {
    let lane = lanes.get(row.lane_id);
    if (lane === undefined) {
      lane = { laneId: row.lane_id, leaves: [], end: row.lane_end, next: row.next, until: row.until };
      lanes.set(row.lane_id, lane);
    }
    if (row.seq === null || row.leaf_hash === null || row.leaf === null) continue; // the lane's first row is missing
    if (row.seq !== lane.next) throw missing(row.lane_id, lane.next);
    lane.leaves.push({ laneId: row.lane_id, seq: row.seq, leafHash: row.leaf_hash, leaf: row.leaf });
    lane.next += 1n;
  }
  for (const lane of lanes.values()) if (lane.next !== lane.until) throw missing(lane.laneId, lane.next);
  return [...lanes.values()];
}

function missing(laneId: number, seq: bigint): InvariantError {
  return new InvariantError('ERR_LEAF_MISSING', `lane ${laneId} counted leaf ${seq}, and it is not there`);
}
