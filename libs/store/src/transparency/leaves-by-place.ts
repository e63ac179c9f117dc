import type { LeafType } from '@spendgate/codec';
import { byteas } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** A leaf where it lies in the tree. */
export interface PlacedLeaf {
  readonly index: number;
  /** The hash its place was given for. */
  readonly leafHash: Buffer;
  /** `null` when the row is gone. */
  readonly leaf: string | null;
}

/** A leaf where it lies, with what it commits to; both `null` for a type that was not asked for or a redacted one. */
export interface ReadableLeaf extends PlacedLeaf {
  readonly payload: string | null;
  readonly salt: Buffer | null;
}

const BY_HASH = statement(
  'log-index-by-hash',
  'SELECT min(index)::float8 AS index FROM log_positions WHERE leaf_hash = $1',
);
const KNOWN = statement(
  'log-hashes-known',
  `SELECT DISTINCT p.leaf_hash FROM unnest($1::bytea[]) AS given (leaf_hash) JOIN log_positions p USING (leaf_hash)`,
);
const RANGE = statement(
  'log-leaves-range',
  `SELECT p.index::float8 AS index, p.leaf_hash AS "leafHash", l.leaf
   FROM log_positions p LEFT JOIN leaves l USING (lane_id, seq)
   WHERE p.index >= $1 AND p.index < $2 ORDER BY p.index`,
);

const READABLE = statement(
  'log-leaves-readable',
  `SELECT p.index::float8 AS index, p.leaf_hash AS "leafHash", l.leaf,
     CASE WHEN l.leaf ~ $3 THEN l.payload END AS payload, CASE WHEN l.leaf ~ $3 THEN l.salt END AS salt
   FROM log_positions p LEFT JOIN leaves l USING (lane_id, seq)
   WHERE p.index >= $1 AND p.index < $2 ORDER BY p.index`,
);

/** @returns the first place of a leaf, or `undefined` when the tree does not hold it */
export async function findLeafIndex(db: Queryable, leafHash: Uint8Array): Promise<number | undefined> {
  const [row] = await guarded(() => query<{ index: number | null }>(db, BY_HASH, [Buffer.from(leafHash)]));
  return row?.index ?? undefined;
}

/** Which of these hashes the tree holds. */
export async function findIntegrated(db: Queryable, hashes: readonly Uint8Array[]): Promise<Buffer[]> {
  if (hashes.length === 0) return [];
  const rows = await guarded(() => query<{ leaf_hash: Buffer }>(db, KNOWN, [byteas(hashes)]));
  return rows.map((row) => row.leaf_hash);
}

/** Leaves from `first` to before `end`, in order; a gap in the places is a gap in the answer. */
export function readPlacedLeaves(db: Queryable, first: number, end: number): Promise<PlacedLeaf[]> {
  return guarded(() => query<PlacedLeaf & Record<string, unknown>>(db, RANGE, [first, end]));
}

/** The same, with what leaves of these types commit to. */
export function readReadableLeaves(
  db: Queryable,
  first: number,
  end: number,
  types: readonly LeafType[],
): Promise<ReadableLeaf[]> {
  const named = `"type":"(${types.join('|')})"`;
  return guarded(() => query<ReadableLeaf & Record<string, unknown>>(db, READABLE, [first, end, named]));
}

/** The whole log in order, `pageSize` leaves at a time, up to the highest place there is. */
export async function* readAllPlacedLeaves(db: Queryable, pageSize = 4_096): AsyncGenerator<PlacedLeaf[]> {
  for (let first = 0; ;) {
    const page = await guarded(() => query<PlacedLeaf & Record<string, unknown>>(db, PAGE, [first, pageSize]));
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    first = last.index + 1;
  }
}

const PAGE = statement(
  'log-leaves-page',
  `SELECT p.index::float8 AS index, p.leaf_hash AS "leafHash", l.leaf
   FROM log_positions p LEFT JOIN leaves l USING (lane_id, seq)
   WHERE p.index >= $1 ORDER BY p.index LIMIT $2`,
);
