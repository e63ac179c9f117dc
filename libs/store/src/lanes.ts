import { DependencyError } from '@spendgate/core';
import { type LockingStatement, lock, locking } from './lock-order.js';
import type { Pool } from './pool.js';
import { type Transaction, execute, query, statement } from './statement.js';
import type { Write } from './together.js';
import { inTransaction } from './transaction.js';

/** The right to write under a lane: lost as soon as another owner raises the epoch. */
export interface LaneLease {
  readonly laneId: number;
  /** `payment-intents.v1/3` for a partition (topic without prefix), `gate-http/0` for a leased lane. */
  readonly name: string;
  readonly epoch: bigint;
}

/** Where a partition's records come from. Another cluster, partition count or range is not continued silently. */
export interface LaneSource {
  readonly clusterId: string;
  readonly partitions: number;
  /** Lowest offset the log still has. */
  readonly firstOffset: bigint;
  /** Offset the next record will get. */
  readonly endOffset: bigint;
}

/** The lane's counters under its lock. */
export interface LaneState {
  readonly leafSeq: bigint;
  readonly outboxSeq: bigint;
  /** Highest append time decided so far, Unix ms: `appended_at` never goes back within a lane. */
  readonly appendedMarkMs: number;
  /** Outbox rows below this are published. */
  readonly published: bigint;
}

/** Another owner has the lane, or the batch was decided already: roll back and drop it, nothing is lost. */
export class LaneLost extends DependencyError {
  constructor(name: string) {
    super('ERR_LANE_LOST', `lane ${name} has another owner, or is past this batch`);
  }
}

/** The lane stands still until an operator accepts what changed (`acceptSource`). */
export class LaneStopped extends DependencyError {
  constructor(name: string, reason: string) {
    super('ERR_LANE_STOPPED', `lane ${name}: ${reason}. Accept it with: spendgate doctor --accept-lane ${name}`);
  }
}

const CREATE = statement(
  'lane-create',
  `INSERT INTO lanes (name, cluster_id, partitions, next) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING`,
);
const LOCK = locking('lane', 'lane-lock', 'SELECT lane_id FROM lanes WHERE name = $1 FOR NO KEY UPDATE');
const READ = statement(
  'lane-read',
  'SELECT lane_id, cluster_id, partitions, next, stopped_reason FROM lanes WHERE name = $1',
);
const RAISE = statement('lane-raise', 'UPDATE lanes SET epoch = epoch + 1 WHERE lane_id = $1 RETURNING epoch');
const STOP = statement('lane-stop', 'UPDATE lanes SET epoch = epoch + 1, stopped_reason = $2 WHERE lane_id = $1');
const FENCE_RETURNS =
  'RETURNING leaf_seq AS "leafSeq", outbox_seq AS "outboxSeq", appended_mark_ms::float8 AS "appendedMarkMs", published';
/** The first write of every deciding transaction (design 2): 0 rows = another owner, abort. */
const FENCE: LockingStatement = locking(
  'lane',
  'lane-fence',
  `UPDATE lanes SET next = $4::bigint + 1 WHERE lane_id = $1 AND epoch = $2 AND next <= $3 AND stopped_reason IS NULL
   ${FENCE_RETURNS}`,
);
const FENCE_LEASED: LockingStatement = locking(
  'lane',
  'lane-fence-leased',
  `UPDATE lanes SET next = next + 1 WHERE lane_id = $1 AND epoch = $2 AND stopped_reason IS NULL ${FENCE_RETURNS}`,
);
const FENCE_IN_PLACE: LockingStatement = locking(
  'lane',
  'lane-fence-in-place',
  `UPDATE lanes SET next = next WHERE lane_id = $1 AND epoch = $2 AND stopped_reason IS NULL ${FENCE_RETURNS}`,
);
const ADVANCE = statement(
  'lane-advance',
  `UPDATE lanes SET leaf_seq = $3::bigint, outbox_seq = $4::bigint,
     appended_mark_ms = greatest(appended_mark_ms, $5::bigint), published = greatest(published, $6::bigint)
   WHERE lane_id = $1 AND epoch = $2`,
);
const PUBLISHED = statement(
  'lane-published',
  'UPDATE lanes SET published = $3 WHERE lane_id = $1 AND epoch = $2 AND published < $3',
);

interface LaneRow {
  lane_id: number;
  cluster_id: string | null;
  partitions: number | null;
  next: bigint;
  stopped_reason: string | null;
}

/**
 * Takes a partition's lane: raises its epoch, so that whoever had it can write nothing more.
 *
 * @param source where the records come from; `null` for a lane that reads no log
 * @param reread asks the log anew. The owner before may have moved on since `source` was read, so a lane is beyond the
 *   log's end only when an end read after it got there says so too.
 * @returns the lease, and the offset to seek to
 * @throws {LaneStopped} when the source is not the one the lane was following
 */
export async function acquireLane(
  pool: Pool,
  name: string,
  source: LaneSource | null,
  reread = () => Promise.resolve(source),
): Promise<{ lease: LaneLease; next: bigint }> {
  const first = await takeLane(pool, name, source, undefined);
  const taken = first.beyond === undefined ? first : await takeLane(pool, name, await reread(), first.beyond);
  if (taken.lease === undefined) throw new LaneStopped(name, taken.reason ?? 'its end is not known');
  return taken;
}

/** A lease, a reason to stop, or the offset a lane has reached beyond an end that may be older. */
type Taken =
  | { readonly lease: LaneLease; readonly next: bigint; readonly beyond?: undefined }
  | { readonly lease?: undefined; readonly reason?: string; readonly beyond?: bigint };

/** @param reached offset the lane had before `source` was read, when that is known */
function takeLane(pool: Pool, name: string, source: LaneSource | null, reached: bigint | undefined): Promise<Taken> {
  return inTransaction<Taken>(pool, async (tx) => {
    const first = source?.firstOffset ?? 0n;
    await execute(tx, CREATE, [name, source?.clusterId ?? null, source?.partitions ?? null, first]);
    await lock(tx, LOCK, [name]);
    const [row] = await query<LaneRow>(tx, READ, [name]);
    if (row === undefined) throw new LaneLost(name);
    if (source !== null && reached === undefined && row.next > source.endOffset) return { beyond: row.next };
    const reason = row.stopped_reason ?? (source === null ? undefined : difference(row, source, reached ?? row.next));
    if (reason !== undefined) {
      await execute(tx, STOP, [row.lane_id, reason]); // committed, so that every later owner stops as well
      return { reason };
    }
    const [raised] = await query<{ epoch: bigint }>(tx, RAISE, [row.lane_id]);
    return { lease: { laneId: row.lane_id, name, epoch: raised?.epoch ?? -1n }, next: row.next };
  });
}

/** In the words an operator reads; `undefined` when the log is the one this lane has been reading. */
function difference(row: LaneRow, source: LaneSource, reached: bigint): string | undefined {
  if (row.cluster_id !== source.clusterId) {
    return `the log has identity ${source.clusterId}, this lane read ${row.cluster_id ?? 'none'}`;
  }
  if (row.partitions !== source.partitions) {
    return `the topic has ${source.partitions} partitions, this lane knew ${row.partitions ?? 'none'}`;
  }
  if (row.next < source.firstOffset) return `offset ${row.next} is gone, the log starts at ${source.firstOffset}`;
  if (reached > source.endOffset) return `offset ${reached} is beyond the log's end ${source.endOffset}`;
  return undefined;
}

/**
 * Claims offsets `first … last` for this transaction and locks the lane. With it, effect and offset are one commit.
 *
 * @throws {LaneLost} another owner raised the epoch, or these offsets are decided already
 */
export async function fence(tx: Transaction, lease: LaneLease, first: bigint, last: bigint): Promise<LaneState> {
  const [state] = await lock<LaneStateRow>(tx, FENCE, [lease.laneId, lease.epoch, first, last]);
  if (state === undefined) throw new LaneLost(lease.name);
  return state;
}

/** The same for a lane without offsets. @throws {LaneLost} another process took the lease over */
export async function fenceLeased(tx: Transaction, lease: LaneLease): Promise<LaneState> {
  const [state] = await lock<LaneStateRow>(tx, FENCE_LEASED, [lease.laneId, lease.epoch]);
  if (state === undefined) throw new LaneLost(lease.name);
  return state;
}

/** The same for an act of the owner that takes no record. @throws {LaneLost} another owner raised the epoch */
export async function fenceInPlace(tx: Transaction, lease: LaneLease): Promise<LaneState> {
  const [state] = await lock<LaneStateRow>(tx, FENCE_IN_PLACE, [lease.laneId, lease.epoch]);
  if (state === undefined) throw new LaneLost(lease.name);
  return state;
}

type LaneStateRow = LaneState & Record<string, unknown>;

/** What a transaction used up; `publishedThrough`: outbox rows below it are published (optional, never moves back). */
export interface LaneProgress {
  readonly leafSeq: bigint;
  readonly outboxSeq: bigint;
  readonly appendedMarkMs?: number;
  readonly publishedThrough?: bigint;
}

/** Moves the lane's counters; the last write of a deciding transaction. */
export async function advanceLane(tx: Transaction, lease: LaneLease, to: LaneProgress): Promise<void> {
  const { statement: advance, values } = advanceLaneWrite(lease, to);
  if ((await execute(tx, advance, values)) === 0) throw new LaneLost(lease.name);
}

/** The write of {@link advanceLane}, to send together with others in the transaction that holds the fenced lane row. */
export function advanceLaneWrite(lease: LaneLease, to: LaneProgress): Write {
  const { leafSeq, outboxSeq, appendedMarkMs = 0, publishedThrough = 0n } = to;
  return {
    statement: ADVANCE,
    values: [lease.laneId, lease.epoch, leafSeq, outboxSeq, appendedMarkMs, publishedThrough],
  };
}

/** Records that outbox rows below `through` are published. Losing this only publishes them again. */
export async function markPublished(pool: Pool, lease: LaneLease, through: bigint): Promise<void> {
  await inTransaction(pool, (tx) => execute(tx, PUBLISHED, [lease.laneId, lease.epoch, through]));
}
