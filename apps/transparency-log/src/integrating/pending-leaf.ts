import { leafHash, sameHash } from '@spendgate/audit-log';
import { LEAF_CAUSES_MAX } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import type { PendingLeaf } from '@spendgate/store';

/** A leaf whose bytes were checked, with what it follows from. */
export interface CheckedLeaf extends PendingLeaf {
  /** Its own hash as causes name it, base64url. */
  readonly name: string;
  /** Leaf hashes, base64url. */
  readonly causes: readonly string[];
}

/**
 * Checks a stored leaf before it gets a place.
 *
 * Whoever edits a row before it is in the tree is caught here, whoever edits it afterwards by `verifyWholeLog`.
 *
 * @throws {InvariantError} `ERR_LEAF_ALTERED`, naming lane and number: the bytes do not have the hash stored with them,
 * or are no leaf
 */
export function checkLeaf(pending: PendingLeaf): CheckedLeaf {
  if (!sameHash(leafHash(pending.leaf), pending.leafHash)) throw altered(pending, 'its hash is another');
  const causes = causesOf(pending.leaf);
  if (causes === undefined) throw altered(pending, 'its bytes are no leaf');
  return { ...pending, name: pending.leafHash.toString('base64url'), causes };
}

/** Only what the order needs: the full strict reading is the verifier's, at a hundred times the cost. */
function causesOf(leaf: string): string[] | undefined {
  const parsed = parse(leaf);
  if (typeof parsed !== 'object' || parsed === null || !('causes' in parsed)) return undefined;
  const { causes } = parsed;
  if (!Array.isArray(causes) || causes.length > LEAF_CAUSES_MAX) return undefined;
  return causes.every((cause): cause is string => typeof cause === 'string') ? causes : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function altered({ laneId, seq }: PendingLeaf, why: string): InvariantError {
  return new InvariantError(
    'ERR_LEAF_ALTERED',
    `leaf ${seq} of lane ${laneId} was changed after it was written: ${why}`,
  );
}
