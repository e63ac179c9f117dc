import { describe, expect, it } from '@jest/globals';
import type { TreeHead } from './checkpoint.js';
import { CompactRange } from './compact-range.js';
import { leafHash } from './hashing.js';
import { TileCollector } from './tiles.js';
import { type LogEntry, verifyWholeLog } from './whole-log.js';

/** A log of `size` leaves at rest, with a checkpoint each 100 leaves, that a spec may damage. */
function logOf(size: number) {
  const tiles = new Map<string, Buffer>();
  const entries: LogEntry[] = [];
  const heads: TreeHead[] = [];
  const range = CompactRange.empty();
  for (let index = 0; index < size; index += 1) {
    const leaf = `leaf ${index}`;
    const collector = new TileCollector();
    range.append(leafHash(leaf), collector.visit);
    entries.push({ index, leaf, storedHash: leafHash(leaf) });
    for (const { level, index: tile, hashes } of collector.growth()) {
      const key = `${level}/${tile}`;
      tiles.set(key, Buffer.concat([tiles.get(key) ?? Buffer.alloc(0), ...hashes]));
    }
    if (range.size % 100 === 0 || range.size === size) heads.push({ size: range.size, root: range.root() });
  }
  return { tiles, entries, heads };
}
function verify({ tiles, entries, heads }: ReturnType<typeof logOf>) {
  return verifyWholeLog({
    async *leaves() {
      for (let at = 0; at < entries.length; at += 70) yield await Promise.resolve(entries.slice(at, at + 70));
    },
    async *checkpoints() {
      for (const head of heads) yield await Promise.resolve(head);
    },
    tiles: (needs) =>
      Promise.resolve(needs.map(({ level, index }) => tiles.get(`${level}/${index}`) ?? Buffer.alloc(0))),
  });
}

describe('verifying a whole log', () => {
  it('accepts a log whose tiles and checkpoints are what its leaves give', async () => {
    expect(await verify(logOf(1_000))).toMatchObject({ valid: true, size: 1_000, checkpoints: 10 });
    expect(await verify(logOf(0))).toMatchObject({ valid: true, size: 0 });
  });

  it('A35: names the leaf that was edited', async () => {
    const log = logOf(1_000);
    log.entries[321] = { index: 321, leaf: 'edited', storedHash: leafHash('leaf 321') };
    expect(await verify(log)).toMatchObject({ valid: false, fault: 'leaf_altered', index: 321 });
  });

  it('A35: names the leaf that was edited together with its stored hash, by its tile', async () => {
    const log = logOf(1_000);
    log.heads = [];
    log.entries[321] = { index: 321, leaf: 'edited', storedHash: leafHash('edited') };
    expect(await verify(log)).toMatchObject({ valid: false, fault: 'tile_differs', index: 321 });
  });

  it('A35: bounds the edit from below by the last good checkpoint when hash and tiles were rewritten as well', async () => {
    const log = logOf(1_000);
    const rewritten = logOf(1_000);
    rewritten.entries[321] = { index: 321, leaf: 'edited', storedHash: leafHash('edited') };
    rewritten.heads = log.heads;
    rewritten.tiles.set(
      '0/1',
      Buffer.concat([...Array(256).keys()].map((n) => leafHash(n === 65 ? 'edited' : `leaf ${256 + n}`))),
    );
    expect(await verify(rewritten)).toMatchObject({ valid: false, fault: 'checkpoint_differs', index: 300 });
  });

  it('names an inner tile that was edited by the first leaf under it', async () => {
    const log = logOf(1_000);
    log.tiles.get('1/0')?.fill(0, 64, 96);
    expect(await verify(log)).toMatchObject({ valid: false, fault: 'tile_differs', index: 512 });
  });

  it.each([
    ['a deleted leaf', (log: ReturnType<typeof logOf>) => void log.entries.splice(500, 1), 'leaf_missing', 500],
    ['an emptied row', (log) => void log.entries.splice(500, 1, { index: 500, leaf: null }), 'leaf_missing', 500],
    [
      'a leaf given twice',
      (log) => void log.entries.splice(500, 0, { index: 499, leaf: 'leaf 499' }),
      'leaf_missing',
      500,
    ],
    ['a tail cut off', (log) => void log.entries.splice(990), 'log_truncated', 990],
    [
      'a forked checkpoint',
      (log) => void log.heads.splice(3, 0, { size: 300, root: leafHash('x') }),
      'checkpoint_differs',
      300,
    ],
  ] as [string, (log: ReturnType<typeof logOf>) => void, string, number][])(
    'finds %s',
    async (_, damage, fault, index) => {
      const log = logOf(1_000);
      damage(log);
      expect(await verify(log)).toMatchObject({ valid: false, fault, index });
    },
  );
});
