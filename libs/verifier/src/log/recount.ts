import { CompactRange, HASH_BYTES, TILE_WIDTH, TileCollector, leafHash, sameHash } from '@spendgate/audit-log';
import { parseLeaf } from '@spendgate/codec';
import type { LogSource } from './log-source.js';
import { isNamed } from './read-head.js';
import { type ReadTile, readHashes } from './read-tiles.js';

/** The first leaf at which something is not as it must be. */
export interface Found {
  readonly index: number;
  readonly detail: string;
}

/** Computes a log again from its leaves. Memory does not grow with the log. */
export class Recount {
  private readonly range = CompactRange.empty();
  /** The tile of each level above 0 that is being filled, as the log serves it. */
  private readonly upper = new Map<number, { readonly index: number; readonly hashes: Uint8Array }>();
  /** First leaf that is none of this domain. */
  badLeaf: Found | null = null;
  /** First leaf under a served hash that is not what the leaves give. */
  badTile: Found | null = null;
  /** Root at the remembered size, once that many leaves were counted. */
  rootThen: Uint8Array | null;

  /** @param sizeThen of a remembered checkpoint, at which the root is kept */
  constructor(
    private readonly source: LogSource,
    private readonly origin: string,
    private readonly treeSize: number,
    private readonly sizeThen: number | null,
  ) {
    this.rootThen = sizeThen === 0 ? this.range.root() : null;
  }

  get size(): number {
    return this.range.size;
  }

  root(): Uint8Array {
    return this.range.root();
  }

  /** @throws {SourceProblem} a tile above these leaves cannot be read */
  async add({ first, leaves, hashes }: ReadTile): Promise<void> {
    const collector = new TileCollector();
    for (const [at, leaf] of leaves.entries()) {
      const index = first + at;
      this.badLeaf ??= this.judgeLeaf(index, leaf);
      const hash = leafHash(leaf);
      if (!sameHash(hash, hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))) {
        this.badTile ??= { index, detail: `leaf ${index} does not have the hash its tile gives it` };
      }
      this.range.append(hash, collector.visit);
      if (this.range.size === this.sizeThen) this.rootThen = this.range.root();
    }
    for (const { level, index, from, hashes: grown } of collector.growth()) {
      if (level > 0) await this.compareUpper(level, index, from, grown);
    }
  }

  private judgeLeaf(index: number, bytes: Uint8Array): Found | null {
    const parsed = parseLeaf(bytes);
    if (!parsed.ok) return { index, detail: `what lies at ${index} is no leaf` };
    if (isNamed(parsed.leaf.domain, this.origin)) return null;
    return { index, detail: `leaf ${index} is one of ${parsed.leaf.domain}` };
  }

  private async compareUpper(level: number, index: number, from: number, grown: readonly Uint8Array[]): Promise<void> {
    let tile = this.upper.get(level);
    if (tile?.index !== index) {
      tile = { index, hashes: await readHashes(this.source, level, index, this.treeSize) };
      this.upper.set(level, tile);
    }
    for (const [at, hash] of grown.entries()) {
      const place = from + at;
      if (sameHash(hash, tile.hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES))) continue;
      const leaf = (index * TILE_WIDTH + place) * TILE_WIDTH ** level;
      this.badTile ??= { index: leaf, detail: `tile ${level}/${index} differs at hash ${place}` };
    }
  }
}
