import { EMPTY_ROOT, nodeHash } from './hashing.js';
import { HASH_BYTES } from './sha256.js';

/** Called for each complete subtree as its last leaf arrives, leaves included; `level` 0 is a leaf. */
export type NodeVisitor = (level: number, index: number, hash: Uint8Array) => void;

/**
 * The right edge of a tree: the roots of its complete subtrees, largest first, one for each bit set in its size.
 *
 * All that appending and the root need: O(log n) memory whatever the size of the log.
 */
export class CompactRange {
  private constructor(
    private leaves: number,
    private readonly peaks: Uint8Array[],
  ) {}

  static empty(): CompactRange {
    return new CompactRange(0, []);
  }

  /** @throws {RangeError} not one 32-byte peak for each bit of `size` */
  static of(size: number, peaks: readonly Uint8Array[]): CompactRange {
    const places = peakPlaces(size);
    if (places.length !== peaks.length || peaks.some((peak) => peak.length !== HASH_BYTES)) {
      throw new RangeError(`a tree of ${size} leaves has ${places.length} peaks of ${HASH_BYTES} bytes`);
    }
    return new CompactRange(size, [...peaks]);
  }

  get size(): number {
    return this.leaves;
  }

  /** Adds a leaf by its hash. @param visit is told of every subtree this leaf completes, lowest first */
  append(leafHash: Uint8Array, visit?: NodeVisitor): void {
    let hash = leafHash;
    let index = this.leaves;
    let level = 0;
    visit?.(0, index, hash);
    while (index % 2 === 1) {
      const left = this.peaks.pop();
      if (left === undefined) throw new RangeError('fewer peaks than the size says'); // unreachable: one per set bit
      hash = nodeHash(left, hash);
      index = (index - 1) / 2;
      level += 1;
      visit?.(level, index, hash);
    }
    this.peaks.push(hash);
    this.leaves += 1;
  }

  /** RFC 9162 §2.1.1 root of the leaves so far. */
  root(): Uint8Array {
    const [last, ...higher] = [...this.peaks].reverse();
    if (last === undefined) return EMPTY_ROOT;
    return higher.reduce((right, left) => nodeHash(left, right), last);
  }

  copy(): CompactRange {
    return new CompactRange(this.leaves, [...this.peaks]);
  }
}

/** A complete subtree: `index` counts the subtrees of its level from the left, `level` 0 is a leaf. */
export interface NodePlace {
  readonly level: number;
  readonly index: number;
}

/** Where the peaks of a tree are, largest first. @throws {RangeError} the size is no count of leaves */
export function peakPlaces(size: number): NodePlace[] {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`not a tree size: ${size}`);
  const places: NodePlace[] = [];
  let start = 0;
  for (let level = 52; level >= 0; level -= 1) {
    const width = 2 ** level;
    if (size - start < width) continue;
    places.push({ level, index: start / width });
    start += width;
  }
  return places;
}
