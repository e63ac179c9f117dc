import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CompactRange } from './compact-range.js';
import { EMPTY_ROOT, leafHash, nodeHash } from './hashing.js';
import { proveConsistency, proveInclusion } from './make-proof.js';
import { TileCollector, TileProblem, type TileReader, readCompactRange } from './tiles.js';
import { verifyConsistency, verifyInclusion } from './verify-proof.js';

/** RFC 9162 §2.1 as it is written: recursive, over the leaves themselves, sharing nothing with our code. */
const sha = (...parts: (Uint8Array | string)[]): Buffer =>
  createHash('sha256')
    .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
    .digest();
const half = (n: number): number => 2 ** Math.ceil(Math.log2(n) - 1);
function mth(leaves: string[]): Buffer {
  if (leaves.length === 0) return sha('');
  if (leaves.length === 1) return sha('\x00', leaves[0] ?? '');
  const k = half(leaves.length);
  return sha('\x01', mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}
function path(m: number, leaves: string[]): Buffer[] {
  if (leaves.length === 1) return [];
  const k = half(leaves.length);
  return m < k
    ? [...path(m, leaves.slice(0, k)), mth(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), mth(leaves.slice(0, k))];
}
function subproof(m: number, leaves: string[], whole: boolean): Buffer[] {
  if (m === leaves.length) return whole ? [] : [mth(leaves)];
  const k = half(leaves.length);
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), whole), mth(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))];
}

/** Tiles as a store would keep them. */
class Tiles {
  readonly tiles = new Map<string, Uint8Array>();
  readonly read: TileReader = (needs) =>
    Promise.resolve(needs.map(({ level, index }) => this.tiles.get(`${level}/${index}`) ?? new Uint8Array(0)));

  append(range: CompactRange, leaves: string[]): void {
    const collector = new TileCollector();
    for (const leaf of leaves) range.append(leafHash(leaf), collector.visit);
    for (const { level, index, from, hashes } of collector.growth()) {
      const key = `${level}/${index}`;
      const before = this.tiles.get(key) ?? new Uint8Array(0);
      expect(before.length).toBe(from * 32);
      this.tiles.set(key, Buffer.concat([before, ...hashes]));
    }
  }
}
const leavesOf = (n: number): string[] => Array.from({ length: n }, (_, i) => `leaf ${i}`);
const hex = (hashes: Uint8Array[]): string[] => hashes.map((hash) => Buffer.from(hash).toString('hex'));
const sizes = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 250, max: 260 }),
  fc.integer({ min: 1, max: 700 }),
);

describe('hashing (RFC 9162 §2.1.1)', () => {
  it('gives the empty tree the hash of nothing', () => {
    expect(Buffer.from(EMPTY_ROOT).toString('hex')).toBe(sha('').toString('hex'));
    expect(CompactRange.empty().root()).toEqual(EMPTY_ROOT);
  });
  it('separates leaves from nodes by their first byte', () => {
    const [a, b] = [sha('a'), sha('b')];
    expect(hex([nodeHash(a, b), leafHash('é')])).toEqual(hex([sha('\x01', a, b), sha('\x00', 'é')]));
  });
  it('refuses children that are not 32 bytes', () => {
    expect(() => nodeHash(new Uint8Array(31), new Uint8Array(33))).toThrow(RangeError);
  });
});

describe('a tree in tiles', () => {
  it('has the root the definition gives, whatever the batches it grew by', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 300 }), (size, batch) => {
        const leaves = leavesOf(size);
        const tiles = new Tiles();
        const range = CompactRange.empty();
        for (let at = 0; at < size; at += batch) tiles.append(range, leaves.slice(at, at + batch));
        expect(hex([range.root()])).toEqual(hex([mth(leaves)]));
      }),
      { numRuns: 30 },
    );
  });

  it('is continued from its stored tiles as if it had never stopped', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, sizes, async (before, more) => {
        const tiles = new Tiles();
        tiles.append(CompactRange.empty(), leavesOf(before));
        const again = await readCompactRange(tiles.read, before);
        tiles.append(again, leavesOf(before + more).slice(before));
        expect(hex([again.root()])).toEqual(hex([mth(leavesOf(before + more))]));
      }),
      { numRuns: 30 },
    );
  });

  it('gives the proofs RFC 9162 §2.1.3.1 and §2.1.4.1 define, also for sizes it has outgrown', async () => {
    const all = leavesOf(700);
    const tiles = new Tiles();
    tiles.append(CompactRange.empty(), all);
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (size, pick) => {
        const leaves = all.slice(0, size);
        const index = pick % size;
        expect(hex(await proveInclusion(tiles.read, index, size))).toEqual(hex(path(index, leaves)));
        const old = 1 + index;
        const proof = old === size ? [] : subproof(old, leaves, true);
        expect(hex(await proveConsistency(tiles.read, old, size))).toEqual(hex(proof));
      }),
      { numRuns: 60 },
    );
  });

  it('names the tile that is shorter than its tree', async () => {
    const tiles = new Tiles();
    tiles.append(CompactRange.empty(), leavesOf(300));
    tiles.tiles.set('0/1', new Uint8Array(32));
    await expect(proveInclusion(tiles.read, 280, 300)).rejects.toThrow(TileProblem);
  });

  it('proves nothing outside the tree', () => {
    const tiles = new Tiles();
    expect(() => proveInclusion(tiles.read, 3, 3)).toThrow(RangeError);
    expect(() => proveConsistency(tiles.read, 4, 3)).toThrow(RangeError);
  });
});

describe('verifying proofs', () => {
  it('accepts every proof of the definition and refuses it for any other leaf, place, size or root', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (treeSize, pick) => {
        const leaves = leavesOf(treeSize);
        const leafIndex = pick % treeSize;
        const good = {
          leafIndex,
          treeSize,
          leafHash: leafHash(`leaf ${leafIndex}`),
          root: mth(leaves),
          proof: path(leafIndex, leaves),
        };
        expect(verifyInclusion(good)).toEqual({ valid: true });
        expect(verifyInclusion({ ...good, leafIndex: BigInt(leafIndex), treeSize: BigInt(treeSize) }).valid).toBe(true);
        expect(verifyInclusion({ ...good, leafHash: leafHash('other') })).toEqual(refused('root_mismatch'));
        expect(verifyInclusion({ ...good, root: sha('x') })).toEqual(refused('root_mismatch'));
        expect(verifyInclusion({ ...good, leafIndex: treeSize })).toEqual(refused('index_out_of_range'));
        expect(verifyInclusion({ ...good, proof: [...good.proof, sha('x')] })).toEqual(refused('proof_length'));
        if (leafIndex > 0) expect(verifyInclusion({ ...good, leafIndex: leafIndex - 1 }).valid).toBe(false);
        if (treeSize > 1) expect(verifyInclusion({ ...good, proof: good.proof.slice(1) }).valid).toBe(false);
        expect(verifyInclusion({ ...good, treeSize: treeSize * 2 }).valid).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('accepts every consistency proof of the definition and refuses it for a rewritten tree', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 70 }), fc.nat(), (size2, pick) => {
        const size1 = 1 + (pick % (size2 - 1));
        const leaves = leavesOf(size2);
        const rewritten = leaves.map((leaf, index) => (index === size1 - 1 ? 'rewritten' : leaf));
        const [root1, root2] = [mth(leaves.slice(0, size1)), mth(leaves)];
        const good = { size1, size2, root1, root2, proof: subproof(size1, leaves, true) };
        expect(verifyConsistency(good)).toEqual({ valid: true });
        const forged = { ...good, root2: mth(rewritten), proof: subproof(size1, rewritten, true) };
        expect(verifyConsistency(forged)).toEqual(refused('root_mismatch'));
        expect(verifyConsistency({ ...good, proof: [] }).valid).toBe(false);
        expect(verifyConsistency({ ...good, proof: [...good.proof, root1] })).toEqual(refused('proof_length'));
        expect(verifyConsistency({ ...good, size1: size2, size2: size1 })).toEqual(refused('index_out_of_range'));
      }),
      { numRuns: 60 },
    );
  });

  it('takes a tree as consistent with itself and with the empty one, without hashes', () => {
    const root = mth(leavesOf(3));
    const same = { size1: 3, size2: 3, root1: root, root2: root, proof: [] };
    expect(verifyConsistency(same).valid).toBe(true);
    expect(verifyConsistency({ ...same, root2: sha('x') })).toEqual(refused('root_mismatch'));
    expect(verifyConsistency({ ...same, proof: [root] })).toEqual(refused('proof_length'));
    expect(verifyConsistency({ ...same, size1: 0, root1: EMPTY_ROOT }).valid).toBe(true);
    expect(verifyConsistency({ ...same, size1: 0 })).toEqual(refused('root_mismatch'));
  });

  it.each([
    ['a negative size', { treeSize: -1 }],
    ['a size beyond exact numbers', { treeSize: 2 ** 53 }],
    ['a size of more than 64 bits', { treeSize: 2n ** 64n }],
    ['a fraction', { leafIndex: 0.5 }],
    ['a short root', { root: new Uint8Array(31) }],
    ['a short hash on the path', { proof: [new Uint8Array(16)] }],
  ])('answers proof_malformed, and throws nothing, for %s', (_, change) => {
    const good = { leafIndex: 0, treeSize: 2, leafHash: sha('a'), root: sha('b'), proof: [sha('c')] };
    expect(verifyInclusion({ ...good, ...change })).toEqual(refused('proof_malformed'));
  });
});

function refused(code: string): { valid: false; code: string } {
  return { valid: false, code };
}
