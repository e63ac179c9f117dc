import { canonicalize } from './canonical.js';
import { sha256, sha256Text } from './hash.js';
import { LEAF_CAUSES_MAX } from './limits.js';
import { z } from 'zod';
import type { LeafType } from './leaf-types.js';
import { problem, type Problem } from './problem.js';
import { parseStrictJson, type JsonProblem } from './strict-json.js';
import { identifier, issuer, sha256Hash } from './tokens/fields.js';

/** Salt bytes of a commitment. */
export const LEAF_SALT_BYTES = 32;

/** What goes into the tree. It hides its payload: with the salt erased, the payload is gone and every proof still holds. */
export interface Leaf {
  readonly v: 1;
  /** Issuer of the domain. */
  readonly domain: string;
  /** One of LEAF_TYPES; a reader of an old log, or of a newer one, may meet others. */
  readonly type: string;
  /** Unix ms. */
  readonly time: number;
  /** base64url SHA-256. */
  readonly commitment: string;
  /** Leaf hashes of what led to it, base64url: the edges of the lineage. */
  readonly causes: readonly string[];
}

export interface LeafInput {
  readonly domain: string;
  readonly type: LeafType;
  readonly timeMs: number;
  /** Plain JSON, of the payload schema its type names. */
  readonly payload: unknown;
  readonly salt: Uint8Array;
  /** Leaf hashes, base64url; order is kept. */
  readonly causes: readonly string[];
}

export interface EncodedLeaf {
  /** RFC 8785 text of the leaf: the bytes in the tree. */
  readonly leaf: string;
  /** RFC 8785 text of the payload: the bytes committed to. */
  readonly payload: string;
  /** RFC 9162 §2.1.1 leaf hash. */
  readonly leafHash: Buffer;
}

const COMMITMENT_PREFIX = 0x02;
const LEAF_PREFIX = Uint8Array.of(0x00);

/** SHA-256(0x02 ‖ salt ‖ payload): a third prefix beside the tree's 0x00 and 0x01, so none can pass for another. */
export function commitmentOf(salt: Uint8Array, canonicalPayload: string): Buffer {
  return sha256(committed(salt, canonicalPayload));
}

function committed(salt: Uint8Array, canonicalPayload: string): Buffer {
  if (salt.length !== LEAF_SALT_BYTES) throw new RangeError(`a salt has ${LEAF_SALT_BYTES} bytes`);
  const bytes = Buffer.allocUnsafe(1 + LEAF_SALT_BYTES + Buffer.byteLength(canonicalPayload)); // every byte is written
  bytes.writeUInt8(COMMITMENT_PREFIX, 0);
  bytes.set(salt, 1);
  bytes.write(canonicalPayload, 1 + LEAF_SALT_BYTES, 'utf8');
  return bytes;
}

/** RFC 9162 §2.1.1: SHA-256(0x00 ‖ leaf bytes). */
export function leafHashOf(leaf: Uint8Array | string): Buffer {
  if (typeof leaf === 'string') return sha256(`\0${leaf}`); // U+0000 is the byte 0x00 in UTF-8
  return sha256(Buffer.concat([LEAF_PREFIX, leaf]));
}

/** Builds a leaf from its payload: canonical text, commitment, leaf hash. Equal arguments give equal bytes. */
export function encodeLeaf({ domain, type, timeMs, payload, salt, causes }: LeafInput): EncodedLeaf {
  if (causes.length > LEAF_CAUSES_MAX) throw new RangeError(`a leaf names at most ${LEAF_CAUSES_MAX} causes`);
  if (!Number.isSafeInteger(timeMs) || timeMs < 0) throw new RangeError('time in ms');
  const payloadText = canonicalize(payload);
  const commitment = sha256Text(committed(salt, payloadText));
  const leaf = canonicalize({ causes, commitment, domain, time: timeMs, type, v: 1 } satisfies Leaf);
  return { leaf, payload: payloadText, leafHash: leafHashOf(leaf) };
}

const leafSchema = z.strictObject({
  v: z.literal(1),
  domain: issuer,
  type: identifier,
  time: z.int().min(0),
  commitment: sha256Hash,
  causes: z.array(sha256Hash).max(LEAF_CAUSES_MAX),
});

/**
 * Reads a leaf back, as a verifier does that trusts nobody: only the canonical text is a leaf, so that one hash has one
 * meaning.
 */
export function parseLeaf(bytes: Uint8Array): { readonly ok: true; readonly leaf: Leaf } | JsonProblem | Problem {
  const json = parseStrictJson(bytes, undefined, 'leaf');
  if (!json.ok) return json;
  const parsed = leafSchema.safeParse(json.value);
  if (!parsed.success) return problem('malformed', 'leaf');
  const canonical = Buffer.from(canonicalize(parsed.data));
  return canonical.equals(bytes) ? { ok: true, leaf: parsed.data } : problem('malformed', 'leaf');
}

/** @returns whether a payload and salt are those a leaf commits to; false for a payload that was redacted and replaced */
export function opensCommitment(leaf: Leaf, salt: Uint8Array, canonicalPayload: string): boolean {
  return commitmentOf(salt, canonicalPayload).toString('base64url') === leaf.commitment;
}
