import { proveConsistency } from '@spendgate/audit-log';
import {
  BUNDLE_JSON_LIMITS,
  BUNDLE_RANGE_LEAVES_MAX,
  type RangeBundle,
  canonicalize,
  parseLeaf,
} from '@spendgate/codec';
import {
  type DomainKeyRow,
  type EvidenceLeaf,
  type StoredCheckpoint,
  readCheckpointBefore,
  readCheckpointFrom,
  readCheckpointUpTo,
  readDomainKeys,
  readEvidenceRange,
  readFoundations,
  readLastCheckpoint,
  readLogLag,
  readTiles,
} from '@spendgate/store';
import { totalsOf } from '@spendgate/verifier';
import { nameOf } from './gather-leaves.js';
import {
  type BundleSources,
  linesOf,
  loggedParts,
  logKeysOf,
  openLeaf,
  rememberedTiles,
  text,
} from './logged-parts.js';
import type { NoBundle } from './make-bundle.js';

/** A decision's transaction may commit this long after the time its leaf states: so much later the range ends. */
const COMMIT_MS = 10_000;
/** Leaves of keys beside those of the range. */
const KEY_LEAVES_MAX = 256;

export interface TimeRange {
  /** Unix ms. */
  readonly fromMs: number;
  /** Unix ms, not included. */
  readonly toMs: number;
}

/** More leaves than one file holds; `toMs`: where one that fits would end, `null`: no checkpoint lies so close. */
export interface RangeTooLarge {
  readonly leaves: number;
  readonly toMs: number | null;
}

/** Makes the bundle of a time range: every leaf between the two checkpoints signed around it. For people. */
export class MakeRangeBundle {
  constructor(private readonly sources: BundleSources) {}

  /** @param from size of a remembered checkpoint; null: none */
  async execute(range: TimeRange, from: number | null): Promise<RangeBundle | NoBundle | 'empty' | RangeTooLarge> {
    const { pool, issuer } = this.sources;
    const lag = await readLogLag(pool);
    const head = await readLastCheckpoint(pool);
    if (head === undefined) return 'not_integrated';
    if (from !== null && from > head.treeSize) return 'beyond_log';
    const start = await readCheckpointBefore(pool, range.fromMs);
    const after = await readCheckpointFrom(pool, range.toMs + COMMIT_MS);
    // Nothing was signed after the range: then what waits to be may belong to it.
    if (after === undefined && lag.waitingLeaves > 0) return 'not_integrated';
    const end = after ?? head;
    const first = start?.treeSize ?? 0;
    if (end.treeSize <= first) return 'empty';
    const domainKeys = await readDomainKeys(pool);
    const records = await this.readKeyLeaves(domainKeys, head.treeSize);
    const outside = records.filter(({ index }) => index < first || index >= end.treeSize);
    if (end.treeSize - first + outside.length > BUNDLE_RANGE_LEAVES_MAX) return this.tooLarge(range, first, end);
    const between = await readEvidenceRange(pool, first, end.treeSize);
    const leaves = [...between, ...outside].sort((a, b) => a.index - b.index);
    const shown = leaves.map(openLeaf);
    const parts = await loggedParts(this.sources, { leaves, shown, domainKeys, partyKids: [] }, head, from);
    const { heads, ...logged } = parts;
    const bundle: RangeBundle = {
      v: 2,
      domain: issuer,
      subject: { kind: 'range', from_ms: range.fromMs, to_ms: range.toMs },
      proof: { ...(await this.bounds(start, end, head, domainKeys)), ...totalsOf(within(between, range)) },
      synchronization: heads,
      ...logged,
    };
    const bytes = Buffer.byteLength(canonicalize(bundle));
    return bytes > BUNDLE_JSON_LIMITS.bytesMax ? this.tooLarge(range, first, end) : bundle;
  }

  /** Leaves that recorded the domain's keys. */
  private async readKeyLeaves(keys: readonly DomainKeyRow[], treeSize: number): Promise<EvidenceLeaf[]> {
    const texts = keys.map(({ kid }) => `"kid":"${kid}"`);
    const found = await readFoundations(this.sources.pool, texts, treeSize, KEY_LEAVES_MAX);
    const added = found.filter(({ payload }) => payload?.includes('"act":"domain_key_added"') === true);
    return [...new Map(added.map((leaf) => [nameOf(leaf.leafHash), leaf])).values()];
  }

  private async bounds(
    start: StoredCheckpoint | undefined,
    end: StoredCheckpoint,
    head: StoredCheckpoint,
    domainKeys: readonly DomainKeyRow[],
  ): Promise<Pick<RangeBundle['proof'], 'start' | 'end'>> {
    const tiles = rememberedTiles((needs) => readTiles(this.sources.pool, needs));
    const logKeys = logKeysOf(this.sources.issuer, domainKeys);
    const bound = async ({ treeSize, root, note }: StoredCheckpoint, later: number) => ({
      size: treeSize,
      root: text(root),
      note: linesOf(note, logKeys),
      consistency: (await proveConsistency(tiles, treeSize, later)).map(text),
    });
    return {
      start: start === undefined ? null : await bound(start, end.treeSize),
      end: await bound(end, head.treeSize),
    };
  }

  private async tooLarge({ fromMs }: TimeRange, first: number, end: StoredCheckpoint): Promise<RangeTooLarge> {
    const fits = await readCheckpointUpTo(this.sources.pool, first + BUNDLE_RANGE_LEAVES_MAX - KEY_LEAVES_MAX);
    const toMs = fits === undefined ? null : fits.signedAtMs - COMMIT_MS;
    return { leaves: end.treeSize - first, toMs: toMs !== null && toMs > fromMs ? toMs : null };
  }
}

/** Those that state a time within the range, as they are counted. */
function within(leaves: readonly EvidenceLeaf[], { fromMs, toMs }: TimeRange) {
  return leaves.flatMap(({ leaf, payload }) => {
    const parsed = parseLeaf(Buffer.from(leaf));
    if (!parsed.ok || parsed.leaf.time < fromMs || parsed.leaf.time >= toMs) return [];
    const said = payload === null ? null : (JSON.parse(payload) as Record<string, unknown>); // as: our own leaf
    return [{ type: parsed.leaf.type, payload: said }];
  });
}
