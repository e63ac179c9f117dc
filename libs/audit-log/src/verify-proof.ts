import { EMPTY_ROOT, nodeHash, sameHash } from './hashing.js';
import { HASH_BYTES } from './sha256.js';

/**
 * Why a proof proves nothing. `proof_malformed`: a size, index or hash that cannot be one; `index_out_of_range`: no such
 * leaf, or sizes the wrong way round; `proof_length`: too few or too many hashes; `root_mismatch`: it leads elsewhere.
 */
export type ProofProblem = 'proof_malformed' | 'index_out_of_range' | 'proof_length' | 'root_mismatch';

export type ProofVerdict = { readonly valid: true } | { readonly valid: false; readonly code: ProofProblem };

/** A count of leaves or the place of one. Numbers above 2^53 − 1 are refused, bigints go to 2^64 − 1. */
export type TreeNumber = number | bigint;

export interface InclusionProof {
  readonly leafIndex: TreeNumber;
  readonly treeSize: TreeNumber;
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
  /** Siblings from the leaf up. */
  readonly proof: readonly Uint8Array[];
}

export interface ConsistencyProof {
  readonly size1: TreeNumber;
  readonly size2: TreeNumber;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

const TREE_NUMBER_MAX = 2n ** 64n - 1n;
const VALID: ProofVerdict = { valid: true };

/**
 * Checks that a leaf is in a tree (RFC 9162 §2.1.3.2). Total: whatever it is handed, it answers and never throws.
 *
 * The caller knows from elsewhere that `root` is the log's root at `treeSize` (a verified checkpoint).
 */
export function verifyInclusion({ leafIndex, treeSize, leafHash, root, proof }: InclusionProof): ProofVerdict {
  const index = treeNumber(leafIndex);
  const size = treeNumber(treeSize);
  if (index === undefined || size === undefined || !areHashes([leafHash, root]) || !areHashes(proof)) {
    return invalid('proof_malformed');
  }
  if (index >= size) return invalid('index_out_of_range');
  let fn = index;
  let sn = size - 1n;
  let hash = leafHash;
  for (const sibling of proof) {
    if (sn === 0n) return invalid('proof_length');
    if ((fn & 1n) === 1n || fn === sn) {
      hash = nodeHash(sibling, hash);
      // A node without a right sibling is carried up until it is a right child.
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn !== 0n) return invalid('proof_length');
  return sameHash(hash, root) ? VALID : invalid('root_mismatch');
}

/**
 * Checks that the tree of `size2` leaves begins with the tree of `size1` leaves (RFC 9162 §2.1.4.2). Total.
 *
 * Beyond the RFC, which has no such proofs: equal sizes need equal roots and no hashes; every tree begins with the
 * empty one, whose root is fixed, so nothing but that root and an empty proof is accepted for it.
 */
export function verifyConsistency({ size1, size2, root1, root2, proof }: ConsistencyProof): ProofVerdict {
  const from = treeNumber(size1);
  const to = treeNumber(size2);
  if (from === undefined || to === undefined || !areHashes([root1, root2]) || !areHashes(proof)) {
    return invalid('proof_malformed');
  }
  if (from > to) return invalid('index_out_of_range');
  if (from === to || from === 0n) return verifyTrivial(from === to, root1, root2, proof);
  // When size1 is a power of two its root is itself a node of the larger tree and opens the path.
  const path = (from & (from - 1n)) === 0n ? [root1, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined || proof.length === 0) return invalid('proof_length');
  let fn = from - 1n;
  let sn = to - 1n;
  while ((fn & 1n) === 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let old = first;
  let now = first;
  for (const sibling of rest) {
    if (sn === 0n) return invalid('proof_length');
    if ((fn & 1n) === 1n || fn === sn) {
      old = nodeHash(sibling, old);
      now = nodeHash(sibling, now);
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      now = nodeHash(now, sibling);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn !== 0n) return invalid('proof_length');
  return sameHash(old, root1) && sameHash(now, root2) ? VALID : invalid('root_mismatch');
}

function verifyTrivial(
  sameSize: boolean,
  root1: Uint8Array,
  root2: Uint8Array,
  proof: readonly Uint8Array[],
): ProofVerdict {
  if (proof.length !== 0) return invalid('proof_length');
  return sameHash(root1, sameSize ? root2 : EMPTY_ROOT) ? VALID : invalid('root_mismatch');
}

function treeNumber(value: TreeNumber): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  return typeof value === 'bigint' && value >= 0n && value <= TREE_NUMBER_MAX ? value : undefined;
}

/** Also an array of something else, or no array: callers hand over what strangers sent. */
function areHashes(hashes: unknown): boolean {
  if (!Array.isArray(hashes)) return false;
  return hashes.every((each: unknown) => each instanceof Uint8Array && each.length === HASH_BYTES);
}

function invalid(code: ProofProblem): ProofVerdict {
  return { valid: false, code };
}
