import {
  type TileAddress,
  type TileReader,
  HASH_BYTES,
  TILE_WIDTH,
  formatEntries,
  proveConsistency,
  proveInclusion,
  tilesOfLevel,
} from '@spendgate/audit-log';
import {
  type PlacedLeaf,
  type Pool,
  type StoredCheckpoint,
  findLeafIndex,
  readLastCheckpoint,
  readPlacedLeaves,
  readTiles,
} from '@spendgate/store';

/** Under which a tile holds leaves, not hashes; its border is level 0's. */
const ENTRIES_LEVEL = 0;

/**
 * What anyone may read of the log, from the database: every process serves it, active or not.
 *
 * Nothing beyond the last signed checkpoint is shown, so nothing is shown that could still be taken back.
 */
export class PublicLog {
  private readonly tiles: TileReader = (needs) => readTiles(this.pool, needs);

  constructor(private readonly pool: Pool) {}

  checkpoint(): Promise<StoredCheckpoint | undefined> {
    return readLastCheckpoint(this.pool);
  }

  /** @returns `undefined` for a tile the signed tree does not have, or not that wide */
  async tile({ level, index, width }: TileAddress): Promise<Buffer | undefined> {
    const size = (await this.checkpoint())?.treeSize ?? 0;
    const { full, partialWidth } = tilesOfLevel(level === 'entries' ? ENTRIES_LEVEL : level, size);
    const widthThere = index < full ? TILE_WIDTH : index === full ? partialWidth : 0;
    if (width > widthThere) return undefined;
    if (level === 'entries') return this.entries(index * TILE_WIDTH, width);
    const [hashes] = await readTiles(this.pool, [{ level, index }]);
    const bytes = width * HASH_BYTES;
    return hashes === undefined || hashes.length < bytes ? undefined : hashes.subarray(0, bytes);
  }

  async leaf(index: number): Promise<PlacedLeaf | undefined> {
    const size = (await this.checkpoint())?.treeSize ?? 0;
    if (index >= size) return undefined;
    const [leaf] = await readPlacedLeaves(this.pool, index, index + 1);
    return leaf;
  }

  /**
   * Proves that a leaf is in the signed tree.
   *
   * @param treeSize of a checkpoint the caller has; `undefined` for the last one
   * @returns `undefined` when that tree does not hold the leaf
   */
  async inclusion(leafHash: Buffer, treeSize: number | undefined): Promise<object | undefined> {
    const last = await this.checkpoint();
    const index = await findLeafIndex(this.pool, leafHash);
    const size = treeSize ?? last?.treeSize ?? 0;
    if (last === undefined || index === undefined || size > last.treeSize || index >= size) return undefined;
    const proof = await proveInclusion(this.tiles, index, size);
    return {
      leaf_index: index,
      tree_size: size,
      leaf_hash: leafHash.toString('base64url'),
      ...(size === last.treeSize ? { root: last.root.toString('base64url'), checkpoint: last.note } : {}),
      proof: proof.map(text),
    };
  }

  /** Proves that one signed tree continues another. @returns `undefined` beyond the signed tree */
  async consistency(size1: number, size2: number | undefined): Promise<object | undefined> {
    const last = await this.checkpoint();
    const to = size2 ?? last?.treeSize ?? 0;
    if (last === undefined || to > last.treeSize || size1 > to) return undefined;
    const proof = await proveConsistency(this.tiles, size1, to);
    const end = to === last.treeSize ? { root2: last.root.toString('base64url'), checkpoint: last.note } : {};
    return { size1, size2: to, ...end, proof: proof.map(text) };
  }

  private async entries(first: number, width: number): Promise<Buffer | undefined> {
    const leaves = await readPlacedLeaves(this.pool, first, first + width);
    if (leaves.length !== width || leaves.some(({ leaf }) => leaf === null)) return undefined;
    return formatEntries(leaves.map(({ leaf }) => Buffer.from(leaf ?? '', 'utf8')));
  }
}

function text(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64url');
}
