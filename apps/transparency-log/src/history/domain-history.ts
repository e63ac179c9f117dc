import {
  type Checkpoint,
  type NoteKey,
  type TileReader,
  TileProblem,
  proveConsistency,
  proveInclusion,
  verifyCheckpoint,
  verifyConsistency,
} from '@spendgate/audit-log';
import {
  type EvidenceLeaf,
  type Pool,
  readEvidenceLeaves,
  readLastCheckpoint,
  readReadableLeaves,
  readTiles,
} from '@spendgate/store';
import { AlteredLog, LogFold, leafAt, openLeaf } from './log-fold.js';
import { SUBJECT_LEAVES } from './subjects.js';

/** Leaves read at once. */
const PAGE = 2_048;

/** A leaf with its proof in the tree an answer names. */
export interface ProvenLeaf extends EvidenceLeaf {
  readonly proof: readonly string[];
}

/**
 * The domain as of any past time, from the leaves alone. The work is one pass over the log; the newest state is kept, so
 * that a later question reads only what came since. One question at a time: the caller sees to it.
 */
export class DomainHistory {
  private kept: LogFold | undefined;
  private readonly tiles: TileReader = (needs) => readTiles(this.pool, needs);

  constructor(
    private readonly pool: Pool,
    /** Of the domain's own checkpoints: a head with another signature is nobody's. */
    private readonly key: NoteKey,
  ) {}

  /**
   * The state by the leaves before the first that is later than `atMs`, so the answer for a time that is past stays the
   * same for ever.
   *
   * @param atMs Unix ms; infinity for all that is signed
   * @returns `undefined` when there was nothing yet
   * @throws {AlteredLog} the stored leaves are not those of the signed tree
   */
  async at(atMs: number): Promise<LogFold | undefined> {
    const head = await this.head();
    if (head === undefined) return undefined;
    const known = this.kept;
    const isBefore = known !== undefined && known.lastMs <= atMs && known.size <= head.size;
    const fold = isBefore ? known : new LogFold();
    if (isBefore) this.kept = undefined; // what ends half way is not gone on from
    await this.advance(fold, head.size, atMs);
    await this.compare(fold, head);
    this.kept = isBefore || known === undefined || known.size < fold.size ? fold : known;
    return fold.size === 0 ? undefined : fold;
  }

  /** Leaves by their hashes in the tree of that size. @throws {AlteredLog} one is not there any more */
  async prove(hashes: readonly string[], treeSize: number): Promise<ProvenLeaf[]> {
    const wanted = hashes.map((hash) => Buffer.from(hash, 'base64url'));
    const leaves = await readEvidenceLeaves(this.pool, wanted, treeSize);
    if (leaves.length < new Set(hashes).size) throw new AlteredLog(null, 'a leaf is gone');
    const proven: ProvenLeaf[] = [];
    for (const leaf of leaves.sort((a, b) => a.index - b.index)) {
      openLeaf(leaf, leafAt(leaf));
      const proof = await proveInclusion(this.tiles, leaf.index, treeSize);
      proven.push({ ...leaf, proof: proof.map((hash) => Buffer.from(hash).toString('base64url')) });
    }
    return proven;
  }

  private async head(): Promise<Checkpoint | undefined> {
    const last = await readLastCheckpoint(this.pool);
    if (last === undefined) return undefined;
    const verdict = verifyCheckpoint(last.note, [this.key]);
    if (!verdict.valid) throw new AlteredLog(null, `the last checkpoint: ${verdict.code}`);
    return verdict.checkpoint;
  }

  private async advance(fold: LogFold, size: number, atMs: number): Promise<void> {
    while (fold.size < size) {
      const page = await readReadableLeaves(this.pool, fold.size, Math.min(fold.size + PAGE, size), SUBJECT_LEAVES);
      if (page.length === 0) throw new AlteredLog(fold.size, `leaf ${fold.size} has no place`);
      for (const placed of page) {
        const leaf = leafAt(placed);
        if (leaf.time > atMs) return;
        fold.add(placed, leaf);
      }
    }
  }

  /** The leaves are a beginning of what the log signed (RFC 9162 §2.1.4). */
  private async compare(fold: LogFold, head: Checkpoint): Promise<void> {
    if (fold.size === 0) return;
    const heads = { size1: fold.size, size2: head.size, root1: fold.root(), root2: head.root };
    try {
      const verdict = verifyConsistency({ ...heads, proof: await proveConsistency(this.tiles, fold.size, head.size) });
      if (!verdict.valid) throw new AlteredLog(null, `the leaves do not give the signed tree: ${verdict.code}`);
    } catch (error) {
      if (error instanceof TileProblem) throw new AlteredLog(null, 'the tiles do not give the signed tree');
      throw error;
    }
  }
}
