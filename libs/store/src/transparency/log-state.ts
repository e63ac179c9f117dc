import { DependencyError } from '@spendgate/core';
import type { Pool } from '../pool.js';
import { type Queryable, execute, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** Lane → number of its next leaf to integrate. Dense per lane, so one number says it all. */
export type LeafCursors = ReadonlyMap<number, bigint>;

/** What is integrated: persisted before it is signed. */
export interface LogState {
  readonly epoch: bigint;
  readonly treeSize: number;
  readonly root: Buffer;
  readonly cursors: LeafCursors;
}

/** Another process is the log now: drop everything in memory and stand by. */
export class LogLost extends DependencyError {
  constructor() {
    super('ERR_LOG_LOST', 'another process is the transparency log now');
  }
}

const READ = statement('log-state-read', 'SELECT epoch, tree_size, root, cursors FROM log_state');
/** The clock is the database's, so that two machines agree on when a lease ended. */
const ACQUIRE = statement(
  'log-acquire',
  `UPDATE log_state SET epoch = epoch + 1, owner = $1, leased_until = clock_timestamp() + $2 * interval '1 ms',
     witness_quorum = $3
   WHERE leased_until IS NULL OR leased_until < clock_timestamp() OR owner = $1
   RETURNING epoch, tree_size, root, cursors`,
);
const RENEW = statement(
  'log-renew',
  `UPDATE log_state SET leased_until = clock_timestamp() + $2 * interval '1 ms' WHERE epoch = $1`,
);
const CONFIRM = statement('log-confirm', 'UPDATE log_state SET witnessed_epoch = epoch WHERE epoch = $1');
// A database that came back from a backup still says so, but its lease ran out while it was away.
const IS_CONFIRMED = statement(
  'log-is-confirmed',
  `SELECT witness_quorum = 0 OR (witnessed_epoch = epoch AND leased_until > clock_timestamp()) AS confirmed FROM log_state`,
);
const RELEASE = statement('log-release', 'UPDATE log_state SET leased_until = NULL, owner = NULL WHERE epoch = $1');

interface StateRow {
  epoch: bigint;
  tree_size: bigint;
  root: Buffer;
  cursors: Record<string, number | string>;
}

/** As it is in the database now, whoever holds it. */
export async function readLogState(db: Queryable): Promise<LogState> {
  const [row] = await guarded(() => query<StateRow & Record<string, unknown>>(db, READ));
  if (row === undefined) throw new DependencyError('ERR_LOG_STATE', 'log_state has no row: run spendgate migrate');
  return stateOf(row);
}

/**
 * Becomes the one active log, when no lease is running: raises the fencing epoch, so that whoever was it before can
 * write nothing more.
 *
 * @param owner names this process; a second call under the same name takes over from itself
 * @param quorum of witnesses that must have cosigned; 0: there are none
 * @returns the state to go on from, or `undefined` while another process holds the lease
 */
export async function acquireLog(
  pool: Pool,
  owner: string,
  leaseMs: number,
  quorum = 0,
): Promise<LogState | undefined> {
  const values = [owner, leaseMs, quorum];
  const [row] = await guarded(() => query<StateRow & Record<string, unknown>>(pool, ACQUIRE, values));
  return row === undefined ? undefined : stateOf(row);
}

/** The quorum cosigned the last checkpoint of this database since this process became the log. Harmless when it is no more. */
export async function confirmLog(pool: Pool, epoch: bigint): Promise<void> {
  await guarded(() => execute(pool, CONFIRM, [epoch]));
}

/** Whether a running log has found this database's history to be what its witnesses remember; true without witnesses. */
export async function isLogConfirmed(db: Queryable): Promise<boolean> {
  const [row] = await guarded(() => query<{ confirmed: boolean | null }>(db, IS_CONFIRMED));
  return row?.confirmed === true;
}

/** Keeps the lease of an idle log; integrating renews it by itself. @throws {LogLost} */
export async function renewLog(pool: Pool, epoch: bigint, leaseMs: number): Promise<void> {
  if ((await guarded(() => execute(pool, RENEW, [epoch, leaseMs]))) === 0) throw new LogLost();
}

/** Lets another process take over at once. Harmless when the lease is gone already. */
export async function releaseLog(pool: Pool, epoch: bigint): Promise<void> {
  await guarded(() => execute(pool, RELEASE, [epoch]));
}

function stateOf(row: StateRow): LogState {
  const cursors = Object.entries(row.cursors).map(([lane, next]) => [Number(lane), BigInt(next)] as const);
  return { epoch: row.epoch, treeSize: Number(row.tree_size), root: row.root, cursors: new Map(cursors) };
}

/** For `jsonb` parameters: numbers as text, since JSON numbers end at 2^53. */
export function cursorsJson(cursors: LeafCursors): string {
  return JSON.stringify(Object.fromEntries([...cursors].map(([lane, next]) => [lane, String(next)])));
}
