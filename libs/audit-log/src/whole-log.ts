import type { TreeHead } from './checkpoint.js';
import { type TileGrowth, TileCollector, type TileNeed, type TileReader } from './tiles.js';
import { CompactRange } from './compact-range.js';
import { leafHash, sameHash } from './hashing.js';
import { HASH_BYTES } from './sha256.js';

/** One stored leaf, as the log claims it. */
export interface LogEntry {
  readonly index: number;
  /** Its bytes, or their UTF-8 text; `null` when the row is gone. */
  readonly leaf: Uint8Array | string | null;
  /** The hash stored beside its place, where the source has one besides the tiles. */
  readonly storedHash?: Uint8Array;
}

/** A log at rest: a database, a folder, a web server. */
export interface WholeLog {
  /** In order of index, from 0, in batches of any size. */
  leaves(): AsyncIterable<readonly LogEntry[]>;
  readonly tiles: TileReader;
  /** Signed heads in order of size; signatures are checked apart. */
  checkpoints(): AsyncIterable<TreeHead>;
}

export type LogFault =
  /** A place without a leaf, or places out of order. */
  | 'leaf_missing'
  /** The leaf's bytes do not have the hash stored beside its place. */
  | 'leaf_altered'
  /** A stored tile is not what the leaves give; `index` is the first leaf under the first differing hash. */
  | 'tile_differs'
  /** The leaves give another root; the change is at `index` or after it, below the checkpoint's size. */
  | 'checkpoint_differs'
  /** A checkpoint is for more leaves than there are: the end was cut off. `index` is the first leaf missing. */
  | 'log_truncated';

export type WholeLogVerdict =
  | { readonly valid: true; readonly size: number; readonly root: Uint8Array; readonly checkpoints: number }
  | { readonly valid: false; readonly fault: LogFault; readonly index: number; readonly detail: string };

class Fault extends Error {
  constructor(
    readonly fault: LogFault,
    readonly index: number,
    detail: string,
  ) {
    super(detail);
  }
}

/**
 * Recomputes a log from its leaves and compares it with its stored hashes, tiles and checkpoints.
 *
 * The tree is a pure function of the leaves, so any edit, deletion, insertion or exchange by whoever owns the database
 * shows, and the first bad index is named. Memory does not grow with the log. A log rewritten as a whole and signed
 * again shows only against a checkpoint someone remembered: hand it in among `checkpoints`.
 */
export async function verifyWholeLog(log: WholeLog): Promise<WholeLogVerdict> {
  const recount = new Recount(log);
  try {
    await recount.readCheckpoint();
    for await (const entries of log.leaves()) await recount.add(entries);
    return recount.finish();
  } catch (problem) {
    if (!(problem instanceof Fault)) throw problem;
    return { valid: false, fault: problem.fault, index: problem.index, detail: problem.message };
  }
}

class Recount {
  private readonly range = CompactRange.empty();
  private readonly heads: AsyncIterator<TreeHead>;
  private head: TreeHead | undefined;
  private goodSize = 0;
  private checkpoints = 0;

  constructor(private readonly log: WholeLog) {
    this.heads = log.checkpoints()[Symbol.asyncIterator]();
  }

  async readCheckpoint(): Promise<void> {
    const next = await this.heads.next();
    this.head = next.done === true ? undefined : next.value;
    await this.checkHeads();
  }

  async add(entries: readonly LogEntry[]): Promise<void> {
    const tiles = new TileCollector();
    for (const { index, leaf, storedHash } of entries) {
      const { size } = this.range;
      if (index !== size || leaf === null) throw new Fault('leaf_missing', size, `no leaf at ${size}`);
      const hash = leafHash(leaf);
      if (storedHash !== undefined && !sameHash(hash, storedHash)) {
        throw new Fault('leaf_altered', index, `leaf ${index} does not have the hash stored for it`);
      }
      this.range.append(hash, tiles.visit);
      if (this.head !== undefined && this.range.size >= this.head.size) await this.checkHeads();
    }
    await this.compareTiles(tiles.growth());
  }

  finish(): WholeLogVerdict {
    const { size } = this.range;
    if (this.head !== undefined) {
      throw new Fault('log_truncated', size, `a checkpoint says ${this.head.size} leaves, there are ${size}`);
    }
    return { valid: true, size, root: this.range.root(), checkpoints: this.checkpoints };
  }

  /** All heads of this very size: two with different roots are a fork. */
  private async checkHeads(): Promise<void> {
    while (this.head !== undefined && this.head.size <= this.range.size) {
      const { size, root } = this.head;
      if (size !== this.range.size || !sameHash(root, this.range.root())) {
        throw new Fault('checkpoint_differs', this.goodSize, `leaves below ${size} do not give its checkpoint's root`);
      }
      this.goodSize = size;
      this.checkpoints += 1;
      const next = await this.heads.next();
      this.head = next.done === true ? undefined : next.value;
    }
  }

  private async compareTiles(growth: readonly TileGrowth[]): Promise<void> {
    if (growth.length === 0) return;
    const needs = growth.map(({ level, index, from, hashes }): TileNeed => {
      return { level, index, width: from + hashes.length };
    });
    const stored = await this.log.tiles(needs);
    for (const [at, { level, index, from, hashes }] of growth.entries()) {
      const tile = stored[at] ?? new Uint8Array(0);
      for (const [offset, hash] of hashes.entries()) {
        const start = (from + offset) * HASH_BYTES;
        if (sameHash(tile.subarray(start, start + HASH_BYTES), hash)) continue;
        const leaf = (index * 256 + from + offset) * 256 ** level;
        throw new Fault('tile_differs', leaf, `tile ${level}/${index} differs at hash ${from + offset}`);
      }
    }
  }
}
