import {
  CompactRange,
  TILE_WIDTH,
  TileCollector,
  type TileGrowth,
  type TreeHead,
  readCompactRange,
  sameHash,
} from '@spendgate/audit-log';
import { InvariantError } from '@spendgate/core';
import type { Metrics } from '@spendgate/platform';
import {
  type LeafCursors,
  type LogState,
  type PendingLane,
  type Pool,
  type TileAddition,
  readPendingLeaves,
  readTiles,
  writeIntegration,
} from '@spendgate/store';
import { KnownLeaves } from './known-leaves.js';
import { orderLeaves } from './order-leaves.js';
import { type CheckedLeaf, checkLeaf } from './pending-leaf.js';

export interface IntegrateOptions {
  /** Leaves of one batch at most. */
  readonly batchMax: number;
  readonly leaseMs: number;
}

/** What one batch did. */
export interface Integrated {
  readonly leaves: number;
  /** The head now in the database, not yet signed. */
  readonly head: TreeHead;
  /** Committed leaves are left: the next batch should follow at once. */
  readonly more: boolean;
}

const HASH_BYTES = 32;

/**
 * Gives committed leaves their places in the tree, batch by batch. The only writer of positions, tiles and heads.
 *
 * The tree is a pure function of the order, and the order is written in the same transaction as the head: what is
 * signed later is durable before. Memory is the right edge of the tree and one batch, whatever the size of the log.
 */
export class IntegrateLeaves {
  private readonly known: KnownLeaves;
  private range = CompactRange.empty();
  /** Hashes of the partial tile of level 0, which is not stored as a tile. */
  private tail: Buffer[] = [];
  /** The next batch, read while this one is written: leaves are committed, so what is read does not change. */
  private ahead: Promise<PendingLane[]> | undefined;

  private constructor(
    private readonly pool: Pool,
    private readonly metrics: Metrics,
    private readonly options: IntegrateOptions,
    private state: LogState,
  ) {
    this.known = new KnownLeaves(pool);
  }

  /**
   * Takes up the log where the database has it.
   *
   * @param state of the lease this process just got
   * @throws {InvariantError} `ERR_TREE_ALTERED`: the stored tiles do not give the stored root
   */
  static async resume(
    pool: Pool,
    metrics: Metrics,
    options: IntegrateOptions,
    state: LogState,
  ): Promise<IntegrateLeaves> {
    const integrate = new IntegrateLeaves(pool, metrics, options, state);
    integrate.range = await readCompactRange((needs) => readTiles(pool, needs), state.treeSize);
    if (!sameHash(integrate.range.root(), state.root)) {
      throw new InvariantError('ERR_TREE_ALTERED', `the stored tiles do not give the root at ${state.treeSize} leaves`);
    }
    const width = state.treeSize % TILE_WIDTH;
    const [tile = Buffer.alloc(0)] =
      width === 0 ? [] : await readTiles(pool, [{ level: 0, index: Math.floor(state.treeSize / TILE_WIDTH) }]);
    for (let at = 0; at < width; at += 1) integrate.tail.push(tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
    return integrate;
  }

  get epoch(): bigint {
    return this.state.epoch;
  }

  get head(): TreeHead {
    return { size: this.state.treeSize, root: this.state.root };
  }

  /**
   * Integrates one batch of what is committed now.
   *
   * @throws {LogLost} another process is the log
   * @throws {InvariantError} a leaf was altered or is missing, or the log's own rows were changed: the log stops and
   * says which
   */
  async execute(): Promise<Integrated> {
    const lanes = await (this.ahead ?? this.readFrom(this.state.cursors));
    this.ahead = undefined;
    if (lanes.length === 0) return { leaves: 0, head: this.head, more: false };
    const checked = this.metrics.cpu('log_check', () => lanes.map((lane) => ({ leaves: lane.leaves.map(checkLeaf) })));
    const isWhole = lanes.every((lane) => lastOf(lane) + 1n === lane.end);
    const absent = isWhole ? new Set<string>() : await this.known.absentCauses(checked);
    const leaves = this.metrics.cpu('log_order', () => orderLeaves(checked, (cause) => absent.has(cause)));
    await this.write(leaves, !isWhole);
    this.metrics.batch('log', leaves.length);
    const read = lanes.reduce((sum, lane) => sum + lane.leaves.length, 0);
    return { leaves: leaves.length, head: this.head, more: !isWhole || leaves.length < read };
  }

  private readFrom(cursors: LeafCursors): Promise<PendingLane[]> {
    return readPendingLeaves(this.pool, cursors, this.options.batchMax);
  }

  private async write(leaves: readonly CheckedLeaf[], isBehind: boolean): Promise<void> {
    const before = this.state;
    const range = this.range.copy();
    const collector = new TileCollector();
    this.metrics.cpu('log_hash', () => leaves.forEach((leaf) => range.append(leaf.leafHash, collector.visit)));
    const { tiles, tail } = this.tilesOf(collector.growth());
    const cursors = new Map(before.cursors);
    for (const { laneId, seq } of leaves) cursors.set(laneId, seq + 1n);
    const root = Buffer.from(range.root());
    const batch = { before, leaves, tiles, root, cursors };
    const ahead = isBehind ? this.readFrom(cursors) : undefined;
    ahead?.catch(() => undefined); // heard by the next batch, or by nobody when this one fails
    await this.metrics.wall('log_write', () => writeIntegration(this.pool, batch, this.options.leaseMs));
    // Only after the commit: a failed write leaves this object as the database is.
    this.state = { epoch: before.epoch, treeSize: range.size, root, cursors };
    this.range = range;
    this.tail = tail;
    this.ahead = ahead;
    for (const { name } of leaves) this.known.add(name);
  }

  /** Level 0 is stored a full tile at a time; above it, what grew is appended. */
  private tilesOf(growth: readonly TileGrowth[]): { tiles: TileAddition[]; tail: Buffer[] } {
    const tiles: TileAddition[] = [];
    let { tail } = this;
    for (const { level, index, from, hashes } of growth) {
      if (level > 0) {
        tiles.push({ level, index, hashes });
        continue;
      }
      const whole = [...(from > 0 ? tail : []), ...hashes.map((hash) => Buffer.from(hash))];
      if (whole.length === TILE_WIDTH) tiles.push({ level, index, hashes: whole });
      tail = whole.length === TILE_WIDTH ? [] : whole;
    }
    return { tiles, tail };
  }
}

function lastOf({ leaves, end }: PendingLane): bigint {
  return leaves.at(-1)?.seq ?? end;
}
