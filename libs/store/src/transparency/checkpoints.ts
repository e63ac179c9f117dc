import type { Pool } from '../pool.js';
import { type Queryable, execute, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { LogLost } from './log-state.js';

/** A signed head of the log. */
export interface StoredCheckpoint {
  readonly treeSize: number;
  readonly root: Buffer;
  /** C2SP signed note. */
  readonly note: string;
  readonly signedAtMs: number;
}

const COLUMNS =
  'tree_size::float8 AS "treeSize", root, note, floor(extract(epoch FROM signed_at) * 1000)::float8 AS "signedAtMs"';
const LAST = statement('checkpoint-last', `SELECT ${COLUMNS} FROM checkpoints ORDER BY tree_size DESC LIMIT 1`);
const AT_LEAST = statement(
  'checkpoint-at-least',
  `SELECT ${COLUMNS} FROM checkpoints WHERE tree_size >= $1 ORDER BY tree_size LIMIT 1`,
);
const SIGNED_BEFORE = statement(
  'checkpoint-signed-before',
  `SELECT ${COLUMNS} FROM checkpoints WHERE signed_at < to_timestamp($1::float8 / 1000) ORDER BY signed_at DESC, tree_size DESC LIMIT 1`,
);
const SIGNED_FROM = statement(
  'checkpoint-signed-from',
  `SELECT ${COLUMNS} FROM checkpoints WHERE signed_at >= to_timestamp($1::float8 / 1000) ORDER BY signed_at, tree_size LIMIT 1`,
);
const UP_TO = statement(
  'checkpoint-up-to',
  `SELECT ${COLUMNS} FROM checkpoints WHERE tree_size <= $1 ORDER BY tree_size DESC LIMIT 1`,
);
const PAGE = statement(
  'checkpoint-page',
  `SELECT ${COLUMNS} FROM checkpoints WHERE tree_size > $1 ORDER BY tree_size LIMIT $2`,
);
/**
 * Not flushed: the head is durable already and Ed25519 is deterministic, so a database crash only makes the log sign
 * the same bytes again.
 */
const WRITE = statement(
  'checkpoint-write',
  `WITH unflushed AS (SELECT set_config('synchronous_commit', 'off', true)),
   fenced AS (SELECT 1 FROM log_state, unflushed WHERE epoch = $4)
   INSERT INTO checkpoints (tree_size, root, note, signed_at)
   SELECT $1, $2, $3, clock_timestamp() FROM fenced
   ON CONFLICT (tree_size) DO UPDATE SET note = excluded.note, signed_at = excluded.signed_at
     WHERE checkpoints.root = excluded.root`,
);

const COSIGN = statement('checkpoint-cosign', 'UPDATE checkpoints SET note = $2 WHERE tree_size = $1');

type CheckpointRow = StoredCheckpoint & Record<string, unknown>;

export async function readLastCheckpoint(db: Queryable): Promise<StoredCheckpoint | undefined> {
  const [row] = await guarded(() => query<CheckpointRow>(db, LAST));
  return row;
}

/** The first checkpoint that covers a tree of this size. */
export async function readCheckpointCovering(db: Queryable, treeSize: number): Promise<StoredCheckpoint | undefined> {
  const [row] = await guarded(() => query<CheckpointRow>(db, AT_LEAST, [treeSize]));
  return row;
}

/** The last checkpoint signed before a time: every leaf in it was decided before. @param atMs Unix ms */
export async function readCheckpointBefore(db: Queryable, atMs: number): Promise<StoredCheckpoint | undefined> {
  const [row] = await guarded(() => query<CheckpointRow>(db, SIGNED_BEFORE, [atMs]));
  return row;
}

/** The first checkpoint signed at a time or after it. @param atMs Unix ms */
export async function readCheckpointFrom(db: Queryable, atMs: number): Promise<StoredCheckpoint | undefined> {
  const [row] = await guarded(() => query<CheckpointRow>(db, SIGNED_FROM, [atMs]));
  return row;
}

/** The largest checkpoint of at most so many leaves. */
export async function readCheckpointUpTo(db: Queryable, treeSize: number): Promise<StoredCheckpoint | undefined> {
  const [row] = await guarded(() => query<CheckpointRow>(db, UP_TO, [treeSize]));
  return row;
}

/** All checkpoints in order of size, a page at a time. */
export async function* readAllCheckpoints(db: Queryable, pageSize = 1_000): AsyncGenerator<StoredCheckpoint> {
  let after = -1;
  for (;;) {
    const page = await guarded(() => query<CheckpointRow>(db, PAGE, [after, pageSize]));
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.treeSize;
  }
}

/**
 * Stores a signed head before anyone is shown it. A second signature of the same head (after a key change) replaces the
 * note; another root for a size that has one is refused.
 *
 * @throws {LogLost} another process is the log, or that size has another root
 */
export async function writeCheckpoint(
  pool: Pool,
  epoch: bigint,
  { treeSize, root, note }: Omit<StoredCheckpoint, 'signedAtMs'>,
): Promise<void> {
  if ((await guarded(() => execute(pool, WRITE, [treeSize, root, note, epoch]))) === 0) throw new LogLost();
}

/** Stores a checkpoint's note with the lines of witnesses added. A lost one is asked for again. */
export async function addCosignatures(pool: Pool, treeSize: number, note: string): Promise<void> {
  await guarded(() => execute(pool, COSIGN, [treeSize, note]));
}
