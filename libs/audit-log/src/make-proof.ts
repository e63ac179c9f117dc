import type { NodePlace } from './compact-range.js';
import { nodeHash } from './hashing.js';
import { type TileReader, readNodes } from './tiles.js';

/** A subtree RFC 9162 names by its leaves: `width` leaves from `start`, not always a complete one. */
interface Span {
  readonly start: number;
  readonly width: number;
}

/**
 * Makes an inclusion proof from stored tiles (RFC 9162 §2.1.3.1), in O(log n) hashes and one read.
 *
 * @throws {RangeError} no such leaf in a tree of that size
 * @throws {TileProblem} the tiles do not hold that tree
 */
export function proveInclusion(read: TileReader, leafIndex: number, treeSize: number): Promise<Uint8Array[]> {
  if (!isCount(leafIndex) || !isCount(treeSize) || leafIndex >= treeSize) {
    throw new RangeError(`no leaf ${leafIndex} in a tree of ${treeSize}`);
  }
  const siblings: Span[] = [];
  let tree: Span = { start: 0, width: treeSize };
  while (tree.width > 1) {
    const [left, right] = split(tree);
    const isLeft = leafIndex < right.start;
    siblings.unshift(isLeft ? right : left);
    tree = isLeft ? left : right;
  }
  return readSpans(read, siblings);
}

/**
 * Makes a consistency proof from stored tiles (RFC 9162 §2.1.4.1). Empty for equal sizes and for `size1` 0.
 *
 * @throws {RangeError} sizes the wrong way round
 * @throws {TileProblem} the tiles do not hold that tree
 */
export function proveConsistency(read: TileReader, size1: number, size2: number): Promise<Uint8Array[]> {
  if (!isCount(size1) || !isCount(size2) || size1 > size2)
    throw new RangeError(`no tree of ${size1} in one of ${size2}`);
  if (size1 === 0 || size1 === size2) return Promise.resolve([]);
  const nodes: Span[] = [];
  let tree: Span = { start: 0, width: size2 };
  let whole = true; // SUBPROOF's flag: the subtree at hand is the old tree itself, whose root the verifier knows
  while (size1 - tree.start !== tree.width) {
    const [left, right] = split(tree);
    if (size1 <= right.start) {
      nodes.unshift(right);
      tree = left;
    } else {
      nodes.unshift(left);
      tree = right;
      whole = false;
    }
  }
  return readSpans(read, whole ? nodes : [tree, ...nodes]);
}

/** At the largest power of two below the width (RFC 9162 §2.1.1). */
function split({ start, width }: Span): [Span, Span] {
  let left = 1;
  while (left * 2 < width) left *= 2;
  return [
    { start, width: left },
    { start: start + left, width: width - left },
  ];
}

/** Complete subtrees are stored; one at the right edge is folded from its complete parts. */
async function readSpans(read: TileReader, spans: readonly Span[]): Promise<Uint8Array[]> {
  const parts = spans.map(completeParts);
  const hashes = await readNodes(read, parts.flat());
  return parts.map((part) => {
    const [last, ...higher] = hashes.splice(0, part.length).reverse();
    if (last === undefined) throw new RangeError('an empty subtree has no hash'); // unreachable: width ≥ 1
    return higher.reduce((right, left) => nodeHash(left, right), last);
  });
}

function completeParts({ start, width }: Span): NodePlace[] {
  const parts: NodePlace[] = [];
  let from = start;
  for (let level = 52; level >= 0; level -= 1) {
    const size = 2 ** level;
    if (start + width - from < size) continue;
    parts.push({ level, index: from / size });
    from += size;
  }
  return parts;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
