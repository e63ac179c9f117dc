import type { Signer } from '@spendgate/artifact';
import {
  CompactRange,
  type NoteKey,
  NOTE_SIGNATURE,
  type TileReader,
  logOrigin,
  proveConsistency,
  proveInclusion,
  signCheckpoint,
} from '@spendgate/audit-log';
import { type BundleLeaf, type EncodedLeaf, type LeafType, encodeLeaf, sha256 } from '@spendgate/codec';
import { TEST_ISSUER } from './test-domain.js';

/** A log of a few leaves of the test domain in memory, at most as many as one tile holds. */
export class MemoryLog {
  readonly leaves: (EncodedLeaf & { readonly salt: Buffer })[] = [];

  /** @returns the leaf hash, base64url */
  push(type: LeafType, timeMs: number, payload: object, causes: readonly string[] = []): string {
    const salt = sha256(`salt ${this.leaves.length}`);
    const leaf = encodeLeaf({ domain: TEST_ISSUER, type, timeMs, payload, salt, causes });
    this.leaves.push({ ...leaf, salt });
    return hashText(leaf.leafHash);
  }

  readonly tiles: TileReader = (needs) => {
    const hashes = Buffer.concat(this.leaves.map((leaf) => leaf.leafHash));
    return Promise.resolve(needs.map(({ level }) => (level === 0 ? hashes : new Uint8Array(0))));
  };

  head(size: number) {
    const range = CompactRange.empty();
    for (const { leafHash } of this.leaves.slice(0, size)) range.append(leafHash);
    return { size, root: range.root() };
  }

  /** The signed note of the tree of a size. */
  note(size: number, signer: Signer): Promise<string> {
    return signCheckpoint(this.head(size), noteKeyOf(signer), (bytes) => signer.sign(bytes));
  }

  /** A leaf with all it commits to, as a bundle has it. */
  shown(index: number): BundleLeaf {
    const { leaf = '', payload = '', salt = Buffer.alloc(0) } = this.leaves[index] ?? {};
    return { index, leaf, payload, salt: hashText(salt) };
  }

  async inclusion(index: number, size: number) {
    return { index, proof: (await proveInclusion(this.tiles, index, size)).map(hashText) };
  }

  async consistency(size: number, later: number): Promise<string[]> {
    return (await proveConsistency(this.tiles, size, later)).map(hashText);
  }
}

export function noteKeyOf({ jwk }: Signer): NoteKey {
  const publicKey = Buffer.from(jwk.x, 'base64url');
  return { name: logOrigin(TEST_ISSUER), type: NOTE_SIGNATURE.ed25519, publicKey };
}

export function hashText(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64url');
}
