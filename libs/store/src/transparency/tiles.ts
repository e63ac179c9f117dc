import { bigints, smallints } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

export interface TilePlace {
  readonly level: number;
  readonly index: number;
}

/** A partial tile of level 0 is read where its hashes are: at the end of the positions. */
const READ = statement(
  'log-tiles-read',
  `SELECT coalesce(t.hashes, p.hashes, '') AS hashes
   FROM unnest($1::smallint[], $2::bigint[]) WITH ORDINALITY AS need (level, tile, n)
   LEFT JOIN log_tiles t ON t.level = need.level AND t.tile = need.tile
   LEFT JOIN LATERAL (
     SELECT string_agg(q.leaf_hash, ''::bytea ORDER BY q.index) AS hashes FROM log_positions q
     WHERE need.level = 0 AND t.hashes IS NULL AND q.index >= need.tile * 256 AND q.index < (need.tile + 1) * 256) p ON true
   ORDER BY need.n`,
);

/** Stored tiles, concatenated hashes, in the order asked for; empty for one that is not there. One statement. */
export async function readTiles(db: Queryable, places: readonly TilePlace[]): Promise<Buffer[]> {
  const levels = smallints(places.map((place) => place.level));
  const indexes = bigints(places.map((place) => BigInt(place.index)));
  const rows = await guarded(() => query<{ hashes: Buffer }>(db, READ, [levels, indexes]));
  return rows.map((row) => row.hashes);
}
