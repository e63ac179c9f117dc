import { DependencyError } from '@spendgate/core';
import { type ControlRecord, LaneRecords } from './lane-records.js';
import { type SaltSource, randomSalts, writeLeaves } from './leaves.js';
import { lock, locking } from './lock-order.js';
import { writeOutbox } from './outbox.js';
import type { Pool } from './pool.js';
import { type Queryable, type Transaction, execute, query, statement } from './statement.js';
import { inTransaction } from './transaction.js';

/** One advisory lock per database: deciding transactions hold it shared, acts wider than one flow hold it alone. */
const CONTROL_KEY = 7_306_077_260_811_701n;
export const CONTROL_LANE = 'control';

const SHARE = locking('control', 'control-share', `SELECT pg_advisory_xact_lock_shared(${CONTROL_KEY})`);
const EXCLUDE = locking('control', 'control-exclude', `SELECT pg_advisory_xact_lock(${CONTROL_KEY})`);
const ENSURE_LANE = statement(
  'control-lane-ensure',
  `INSERT INTO lanes (name) VALUES ('${CONTROL_LANE}') ON CONFLICT (name) DO NOTHING`,
);
const LOCK_LANE = locking(
  'lane',
  'control-lane-lock',
  `SELECT lane_id FROM lanes WHERE name = '${CONTROL_LANE}' FOR NO KEY UPDATE`,
);
const READ = statement(
  'control-read',
  `SELECT d.issuer, d.control_epoch, l.lane_id, l.leaf_seq, l.outbox_seq,
     floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS at_ms
   FROM domain d, lanes l WHERE l.name = '${CONTROL_LANE}'`,
);
const BUMP = statement('control-bump', 'UPDATE domain SET control_epoch = control_epoch + 1');
const ADVANCE = statement('control-advance', 'UPDATE lanes SET leaf_seq = $2, outbox_seq = $3 WHERE lane_id = $1');
const EPOCH = statement('control-epoch', 'SELECT control_epoch FROM domain');

interface ControlRow {
  issuer: string;
  control_epoch: bigint;
  lane_id: number;
  leaf_seq: bigint;
  outbox_seq: bigint;
  at_ms: number;
}

/** The first statement of a deciding transaction: while it is open, no control act can commit. */
export async function shareControl(tx: Transaction): Promise<void> {
  await lock(tx, SHARE);
}

/**
 * The epoch of all facts no lock guards. Read in a new statement after the locks: when it differs from the epoch of the
 * cached facts used, `RegistryMoved` rolls the batch back.
 */
export async function readControlEpoch(tx: Queryable): Promise<bigint> {
  const [row] = await query<{ control_epoch: bigint }>(tx, EPOCH);
  if (row === undefined) throw noDomain();
  return row.control_epoch;
}

/** An act under the exclusive control lock. Nothing else is being decided while it runs. */
export interface ControlAct {
  readonly tx: Transaction;
  /** The domain's issuer, for leaves. */
  readonly domain: string;
  /** Database clock after the lock, Unix ms. */
  readonly atMs: number;
  /** The epoch this act makes valid when it changes anything. */
  readonly epoch: bigint;
  /** Adds a leaf, and the event that notifies of it. An act without a record changed nothing. @returns the leaf hash */
  record(entry: ControlRecord): Buffer;
}

/**
 * Runs an act wider than one flow: alone, with its leaves and events on the control lane in the same transaction.
 *
 * When it resolves the act is committed, and nothing can be decided on the state before it.
 *
 * @throws {DependencyError} `ERR_NO_DOMAIN` when the database holds no domain yet
 */
export function inControlAct<T>(
  pool: Pool,
  act: (control: ControlAct) => Promise<T>,
  salts: SaltSource = randomSalts,
): Promise<T> {
  return inTransaction(pool, async (tx) => {
    await lock(tx, EXCLUDE);
    await execute(tx, ENSURE_LANE);
    await lock(tx, LOCK_LANE);
    const [row] = await query<ControlRow>(tx, READ);
    if (row === undefined) throw noDomain();
    const control = { tx, domain: row.issuer, atMs: row.at_ms, epoch: row.control_epoch + 1n };
    const kept = new LaneRecords(control, salts);
    const result = await act({ ...control, record: (entry) => kept.record(entry) });
    const { leaves, events } = kept;
    if (leaves.length > 0) {
      const lane = { laneId: row.lane_id };
      const leafSeq = await writeLeaves(tx, lane, row.leaf_seq, leaves);
      const outboxSeq = await writeOutbox(tx, lane, row.outbox_seq, events);
      await execute(tx, ADVANCE, [row.lane_id, leafSeq, outboxSeq]);
      await execute(tx, BUMP);
    }
    return result;
  });
}

function noDomain(): DependencyError {
  return new DependencyError('ERR_NO_DOMAIN', 'the database holds no domain yet: run spendgate up or spendgate apply');
}
