import { HASH_BYTES, TILE_WIDTH, parseEntries, tilePath, tilesOfLevel } from '@spendgate/audit-log';
import { type LogSource, SourceProblem } from './log-source.js';

/** Longest leaf this verifier takes: with the most causes a leaf has fewer than 4 KiB. */
const LEAF_BYTES_MAX = 8_192;
/** Tiles fetched before they are needed; with the bound on a tile this bounds memory. */
const AHEAD = 8;

/** One tile's worth of leaves, and the hashes the log has for them. */
export interface ReadTile {
  readonly first: number;
  readonly leaves: readonly Uint8Array[];
  readonly hashes: Uint8Array;
}

/** All leaves of a tree in order, a tile at a time, some tiles ahead. @throws {SourceProblem} */
export async function* readLeafTiles(source: LogSource, treeSize: number): AsyncGenerator<ReadTile> {
  const tiles = Math.ceil(treeSize / TILE_WIDTH);
  const ahead: Promise<ReadTile>[] = [];
  for (let index = 0; index < tiles; index += 1) {
    while (ahead.length < AHEAD && index + ahead.length < tiles) {
      const reading = readTile(source, index + ahead.length, treeSize);
      reading.catch(() => undefined); // heard when its turn comes, or by nobody when an earlier one fails
      ahead.push(reading);
    }
    const next = ahead.shift();
    if (next !== undefined) yield await next;
  }
}

async function readTile(source: LogSource, index: number, treeSize: number): Promise<ReadTile> {
  const width = widthOf(0, index, treeSize);
  const path = `tile/${tilePath({ level: 'entries', index, width })}`;
  const [entries, hashes] = await Promise.all([
    source.read(path, width * (2 + LEAF_BYTES_MAX)),
    readHashes(source, 0, index, treeSize),
  ]);
  const leaves = parseEntries(entries, width);
  if (leaves === undefined) throw new SourceProblem('malformed', path, `not ${width} entries`);
  return { first: index * TILE_WIDTH, leaves, hashes };
}

/** A tile of hashes, as wide as this tree has it. @throws {SourceProblem} */
export async function readHashes(
  source: LogSource,
  level: number,
  index: number,
  treeSize: number,
): Promise<Uint8Array> {
  const width = widthOf(level, index, treeSize);
  const path = `tile/${tilePath({ level, index, width })}`;
  const hashes = await source.read(path, width * HASH_BYTES);
  if (hashes.length !== width * HASH_BYTES) throw new SourceProblem('malformed', path, `not ${width} hashes`);
  return hashes;
}

function widthOf(level: number, index: number, treeSize: number): number {
  const { full, partialWidth } = tilesOfLevel(level, treeSize);
  return index < full ? TILE_WIDTH : partialWidth;
}
