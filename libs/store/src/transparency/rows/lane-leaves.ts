import { type Queryable, query, statement } from '../../statement.js';
import { guarded } from '../../transaction.js';

/** A leaf as its lane has it, placed or not. */
export interface LaneLeaf {
  readonly laneId: number;
  readonly seq: bigint;
  readonly leafHash: Buffer;
  readonly leaf: string;
  readonly payload: string | null;
  readonly salt: Buffer | null;
  /** `null`: it has no place in the tree. */
  readonly index: number | null;
}

const PAGE = statement(
  'lane-leaves-page',
  `SELECT l.lane_id AS "laneId", l.seq, l.leaf_hash AS "leafHash", l.leaf, l.payload, l.salt,
     (SELECT min(p.index)::float8 FROM log_positions p
      WHERE p.leaf_hash = l.leaf_hash AND p.lane_id = l.lane_id AND p.seq = l.seq) AS index
   FROM leaves l WHERE (l.lane_id, l.seq) > ($1::integer, $2::bigint) ORDER BY l.lane_id, l.seq LIMIT $3`,
);

/** Every leaf row, lane by lane, a page at a time. */
export async function* readLaneLeaves(db: Queryable, pageSize = 2_000): AsyncGenerator<LaneLeaf> {
  let after: readonly [number, bigint] = [-1, -1n];
  for (;;) {
    const page = await guarded(() => query<LaneLeaf & Record<string, unknown>>(db, PAGE, [...after, pageSize]));
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = [last.laneId, last.seq];
  }
}

const WAITING = statement(
  'lane-leaves-waiting',
  `SELECT l.leaf_hash AS "leafHash" FROM log_state s CROSS JOIN lanes n
   JOIN leaves l ON l.lane_id = n.lane_id AND l.seq >= coalesce((s.cursors ->> n.lane_id::text)::bigint, 0)`,
);

/** Hashes of leaves that wait for their place: a running log has them within milliseconds. */
export async function readWaitingHashes(db: Queryable): Promise<Buffer[]> {
  return (await guarded(() => query<{ leafHash: Buffer }>(db, WAITING))).map(({ leafHash }) => leafHash);
}
