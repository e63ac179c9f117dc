import { HASH_BYTES, sha256 } from './sha256.js';

/** 0x00 before a leaf and 0x01 before two children: no leaf can pass for a node (RFC 9162 §2.1.1). */
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/** Root of the tree without leaves: SHA-256 of nothing (RFC 9162 §2.1.1). */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));

/** Hash of a leaf: SHA-256(0x00 ‖ leaf), RFC 9162 §2.1.1. @param leaf its bytes, or a text for its UTF-8 bytes */
export function leafHash(leaf: Uint8Array | string): Uint8Array {
  const bytes = typeof leaf === 'string' ? Buffer.byteLength(leaf) : leaf.length;
  const input = Buffer.allocUnsafe(1 + bytes);
  input[0] = LEAF_PREFIX;
  if (typeof leaf === 'string') input.write(leaf, 1, 'utf8');
  else input.set(leaf, 1);
  return sha256(input);
}

/** Reused by every call: the digest is taken before the next call writes here. */
const pair = new Uint8Array(1 + 2 * HASH_BYTES);
pair[0] = NODE_PREFIX;

/**
 * Hash of an inner node: SHA-256(0x01 ‖ left ‖ right), RFC 9162 §2.1.1.
 *
 * @throws {RangeError} a child is not 32 bytes: a shorter one would let two different trees share a root
 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new RangeError('a tree hash has 32 bytes');
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return sha256(pair);
}

/** Whether two hashes are the same bytes. Hashes of a public log are no secrets, so the time taken may tell. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  return a.every((byte, index) => byte === b[index]);
}
