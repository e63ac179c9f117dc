import { LaneLost, type LaneLease } from './lanes.js';
import { lock, locking } from './lock-order.js';
import type { Pool } from './pool.js';
import { type Transaction, execute, query, statement } from './statement.js';
import { inTransaction } from './transaction.js';

/** Lanes of one prefix are numbered from 0; more processes than this of one role are a mistake. */
const LANES_MAX = 1_000;

/** Takes turns on the prefix, so that two processes never make or take the same lane. */
const TURN = locking('lane', 'leased-lane-turn', "SELECT pg_advisory_xact_lock(hashtextextended('lane ' || $1, 0))");
const TAKE = statement(
  'leased-lane-take',
  `UPDATE lanes SET epoch = epoch + 1, owner = $2, leased_until = now() + make_interval(secs => $3)
   WHERE lane_id = (
     SELECT lane_id FROM lanes
     WHERE starts_with(name, $1 || '/') AND (leased_until IS NULL OR leased_until < now())
     ORDER BY (published < outbox_seq) DESC, lane_id LIMIT 1)
   RETURNING lane_id, name, epoch`,
);
const ADD = statement(
  'leased-lane-add',
  `INSERT INTO lanes (name, epoch, owner, leased_until)
   SELECT $1 || '/' || count(*), 1, $2, now() + make_interval(secs => $3)
   FROM lanes WHERE starts_with(name, $1 || '/') HAVING count(*) < ${LANES_MAX}
   RETURNING lane_id, name, epoch`,
);
const ADOPT = statement(
  'leased-lane-adopt',
  `UPDATE lanes SET epoch = epoch + 1, owner = $2, leased_until = now() + make_interval(secs => $3)
   WHERE starts_with(name, $1 || '/') AND leased_until < now() AND published < outbox_seq
   RETURNING lane_id, name, epoch`,
);
const RENEW = statement(
  'leased-lane-renew',
  `UPDATE lanes SET leased_until = now() + make_interval(secs => $3) WHERE lane_id = $1 AND epoch = $2`,
);

interface LeaseRow {
  lane_id: number;
  name: string;
  epoch: bigint;
}

/**
 * Gives a process without a partition a lane of its own, `prefix/0`, `prefix/1`, …: first one whose lease ended with
 * events unpublished, then any free one, then a new one.
 *
 * @param owner names the process, for operators only: the epoch is what fences
 * @param ttlSeconds the lease ends this long after the last `renewLane`
 */
export function acquireLeasedLane(pool: Pool, prefix: string, owner: string, ttlSeconds: number): Promise<LaneLease> {
  return inTransaction(pool, async (tx) => {
    await takeTurn(tx, prefix);
    const values = [prefix, owner, ttlSeconds];
    const [free] = await query<LeaseRow>(tx, TAKE, values);
    const [row] = free === undefined ? await query<LeaseRow>(tx, ADD, values) : [free];
    if (row === undefined) throw new LaneLost(prefix);
    return toLease(row);
  });
}

/** Takes over every lane of the prefix whose owner is gone and left events unpublished, to publish them again. */
export function adoptEndedLanes(pool: Pool, prefix: string, owner: string, ttlSeconds: number): Promise<LaneLease[]> {
  return inTransaction(pool, async (tx) => {
    await takeTurn(tx, prefix);
    const rows = await query<LeaseRow>(tx, ADOPT, [prefix, owner, ttlSeconds]);
    return rows.map(toLease);
  });
}

/** Keeps the lease. @throws {LaneLost} another process has taken the lane over */
export async function renewLane(pool: Pool, lease: LaneLease, ttlSeconds: number): Promise<void> {
  const kept = await inTransaction(pool, (tx) => execute(tx, RENEW, [lease.laneId, lease.epoch, ttlSeconds]));
  if (kept === 0) throw new LaneLost(lease.name);
}

/** Gives the lane back at once, at shutdown. */
export async function releaseLane(pool: Pool, lease: LaneLease): Promise<void> {
  await inTransaction(pool, (tx) => execute(tx, RENEW, [lease.laneId, lease.epoch, -1]));
}

async function takeTurn(tx: Transaction, prefix: string): Promise<void> {
  await lock(tx, TURN, [prefix]);
}

function toLease(row: LeaseRow): LaneLease {
  return { laneId: row.lane_id, name: row.name, epoch: row.epoch };
}
