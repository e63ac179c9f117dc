/** Hashes in a full tile, and the tree levels it spans (C2SP tlog-tiles §Merkle Tree). */
export const TILE_WIDTH = 256;
export const TILE_HEIGHT = 8;

/** Levels a path may name: 2^64 leaves need no more. */
const TILE_LEVEL_MAX = 63;
/** Three-digit path elements; five reach 10^15 tiles, beyond what a safe integer of leaves needs. */
const ELEMENTS_MAX = 6;

/** One tile: `level` 0 holds leaf hashes, level 1 their roots by 256, and so on; `entries` holds the leaves themselves. */
export interface TileAddress {
  readonly level: number | 'entries';
  readonly index: number;
  /** Hashes in it, 1–256. */
  readonly width: number;
}

/**
 * Path below `/tile/`: `0/x001/234`, `0/x001/234.p/7` for the first seven hashes, `entries/000`.
 *
 * Groups of three digits, all but the last with an `x`, so that no directory is large (C2SP tlog-tiles §Parameters).
 */
export function tilePath({ level, index, width }: TileAddress): string {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  const partial = width === TILE_WIDTH ? '' : `.p/${width}`;
  return `${level}/${groups.join('/')}${partial}`;
}

const PATH = /^(0|[1-9]\d?|entries)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** The other way round. @returns `undefined` unless it is exactly what `tilePath` writes: one tile, one address */
export function parseTilePath(path: string): TileAddress | undefined {
  const match = PATH.exec(path);
  const [, levelText, groups, widthText] = match ?? [];
  if (levelText === undefined || groups === undefined || groups.split('/').length > ELEMENTS_MAX) return undefined;
  const level = levelText === 'entries' ? levelText : Number(levelText);
  const index = Number(groups.replaceAll(/[x/]/g, ''));
  const width = widthText === undefined ? TILE_WIDTH : Number(widthText);
  const address: TileAddress = { level, index, width };
  if (level !== 'entries' && level > TILE_LEVEL_MAX) return undefined;
  return Number.isSafeInteger(index) && tilePath(address) === path ? address : undefined;
}

/** Widths of the tiles a level has in a tree: how many are full, and how wide the one after them is (0 = none). */
export function tilesOfLevel(
  level: number,
  treeSize: number,
): { readonly full: number; readonly partialWidth: number } {
  const nodes = Math.floor(treeSize / TILE_WIDTH ** level);
  return { full: Math.floor(nodes / TILE_WIDTH), partialWidth: nodes % TILE_WIDTH };
}
