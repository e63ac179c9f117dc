import { InvariantError } from '@spendgate/core';
import { bigints, byteas, integers, smallints } from '../binary-arrays.js';
import type { Pool } from '../pool.js';
import { query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { type LeafCursors, type LogState, LogLost, cursorsJson, readLogState } from './log-state.js';
import type { PendingLeaf } from './read-leaves.js';

/** Hashes a batch adds to the end of a stored tile. */
export interface TileAddition {
  readonly level: number;
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
}

/** One batch of leaves, in the order of their places. */
export interface Integration {
  /** What it was computed from; the database must still be there. */
  readonly before: LogState;
  readonly leaves: readonly PendingLeaf[];
  /** Tiles that grew; a partial tile of level 0 is not stored, so it is left out. */
  readonly tiles: readonly TileAddition[];
  readonly root: Uint8Array;
  readonly cursors: LeafCursors;
}

/**
 * One statement, so one transaction and one round trip. The first part is the fence: without its row nothing else
 * happens, and it holds only for the epoch, size and root the batch was computed from.
 */
const WRITE = statement(
  'log-integrate',
  `WITH fenced AS (
     UPDATE log_state SET tree_size = tree_size + $4, root = $5, cursors = $6,
       leased_until = clock_timestamp() + $7 * interval '1 ms'
     WHERE epoch = $1 AND tree_size = $2 AND root = $3 RETURNING epoch),
   positions AS (
     INSERT INTO log_positions (index, lane_id, seq, leaf_hash)
     SELECT $2::bigint + p.n - 1, p.lane_id, p.seq, p.leaf_hash
     FROM fenced, unnest($8::integer[], $9::bigint[], $10::bytea[]) WITH ORDINALITY AS p (lane_id, seq, leaf_hash, n)),
   tiles AS (
     INSERT INTO log_tiles (level, tile, hashes)
     SELECT t.level, t.tile, t.hashes FROM fenced, unnest($11::smallint[], $12::bigint[], $13::bytea[]) AS t (level, tile, hashes)
     ON CONFLICT (level, tile) DO UPDATE SET hashes = log_tiles.hashes || excluded.hashes)
   SELECT epoch FROM fenced`,
);

/**
 * Gives leaves their places: positions, tiles, cursors and the new head in one transaction, under the fence.
 *
 * @throws {LogLost} another process raised the epoch
 * @throws {InvariantError} `ERR_LOG_CHANGED`: size or root in the database are not those this process wrote last
 */
export async function writeIntegration(pool: Pool, integration: Integration, leaseMs: number): Promise<void> {
  const { before, leaves, tiles, root, cursors } = integration;
  const values = [
    before.epoch,
    before.treeSize,
    before.root,
    leaves.length,
    Buffer.from(root),
    cursorsJson(cursors),
    leaseMs,
    integers(leaves.map((leaf) => leaf.laneId)),
    bigints(leaves.map((leaf) => leaf.seq)),
    byteas(leaves.map((leaf) => leaf.leafHash)),
    smallints(tiles.map((tile) => tile.level)),
    bigints(tiles.map((tile) => BigInt(tile.index))),
    byteas(tiles.map((tile) => Buffer.concat(tile.hashes))),
  ];
  const rows = await guarded(() => query(pool, WRITE, values));
  if (rows.length > 0) return;
  const now = await readLogState(pool);
  if (now.epoch !== before.epoch) throw new LogLost();
  throw new InvariantError(
    'ERR_LOG_CHANGED',
    `this log wrote ${before.treeSize} leaves last, and log_state says ${now.treeSize}, or another root`,
  );
}
