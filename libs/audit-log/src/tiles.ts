import { nodeHash } from './hashing.js';
import { type NodePlace, CompactRange, peakPlaces } from './compact-range.js';
import { HASH_BYTES } from './sha256.js';
import { TILE_HEIGHT, TILE_WIDTH } from './tile-path.js';

/** A tile to read: its place, and how many of its hashes are needed at least. */
export interface TileNeed {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** Where stored tiles come from: a table, a folder, a web server. Concatenated hashes, at least `width` of them. */
export type TileReader = (needs: readonly TileNeed[]) => Promise<readonly Uint8Array[]>;

/** The stored tiles are not those of this tree: short, or absent. */
export class TileProblem extends Error {
  constructor(readonly tile: TileNeed) {
    super(`tile ${tile.level}/${tile.index} has fewer than ${tile.width} hashes`);
    this.name = 'TileProblem';
  }
}

/** The tile a node lies in or is computed from: the stored level below it, and the hashes under it. */
interface NodeSource extends TileNeed {
  readonly first: number;
  readonly count: number;
}

function sourceOf({ level, index }: NodePlace): NodeSource {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level % TILE_HEIGHT);
  const start = index * count;
  const first = start % TILE_WIDTH;
  return { level: tileLevel, index: Math.floor(start / TILE_WIDTH), width: first + count, first, count };
}

/**
 * Reads nodes of the tree, each from one tile; inner levels are computed from the stored one below. One call of `read`.
 *
 * @throws {TileProblem} a tile is shorter than the tree it should hold
 */
export async function readNodes(read: TileReader, places: readonly NodePlace[]): Promise<Uint8Array[]> {
  const sources = places.map(sourceOf);
  const needs = new Map<string, TileNeed>();
  for (const { level, index, width } of sources) {
    const key = `${level}/${index}`;
    needs.set(key, { level, index, width: Math.max(width, needs.get(key)?.width ?? 0) });
  }
  const keys = [...needs.keys()];
  const tiles = needs.size === 0 ? [] : await read([...needs.values()]);
  return sources.map((source) => {
    const tile = tiles[keys.indexOf(`${source.level}/${source.index}`)];
    if (tile === undefined || tile.length < source.width * HASH_BYTES) throw new TileProblem(source);
    return subtreeRoot(tile, source.first, source.count);
  });
}

/** Root of `count` (a power of two) hashes of a tile, from the `first`. */
function subtreeRoot(tile: Uint8Array, first: number, count: number): Uint8Array {
  if (count === 1) return tile.subarray(first * HASH_BYTES, (first + 1) * HASH_BYTES);
  const half = count / 2;
  return nodeHash(subtreeRoot(tile, first, half), subtreeRoot(tile, first + half, half));
}

/** The right edge of a stored tree. @throws {TileProblem} a tile is shorter than the tree it should hold */
export async function readCompactRange(read: TileReader, treeSize: number): Promise<CompactRange> {
  return CompactRange.of(treeSize, await readNodes(read, peakPlaces(treeSize)));
}

/** A tile's hashes from `from` on, to be appended to what is stored of it. */
export interface TileGrowth {
  readonly level: number;
  readonly index: number;
  /** Hashes stored before. */
  readonly from: number;
  readonly hashes: readonly Uint8Array[];
}

/**
 * Collects what a batch adds to the tiles: hand `visit` to {@link CompactRange.append}.
 *
 * A node of every eighth level is one hash of one tile, so tiles cost no hashing of their own.
 */
export class TileCollector {
  private readonly grown = new Map<string, { level: number; index: number; from: number; hashes: Uint8Array[] }>();

  readonly visit = (level: number, index: number, hash: Uint8Array): void => {
    if (level % TILE_HEIGHT !== 0) return;
    const tile = { level: level / TILE_HEIGHT, index: Math.floor(index / TILE_WIDTH) };
    const key = `${tile.level}/${tile.index}`;
    const known = this.grown.get(key);
    if (known === undefined) this.grown.set(key, { ...tile, from: index % TILE_WIDTH, hashes: [hash] });
    else known.hashes.push(hash);
  };

  /** In order of level, then index. */
  growth(): TileGrowth[] {
    return [...this.grown.values()].sort((a, b) => a.level - b.level || a.index - b.index);
  }
}
