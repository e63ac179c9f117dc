import { canonicalize } from './canonical.js';
import { sha256Text } from './hash.js';

/** The log as two people accept it while its witnesses are silent. */
export interface AcceptedLog {
  /** Of the one log process it is accepted for. */
  readonly epoch: bigint;
  /** Leaves under the last checkpoint. */
  readonly size: number;
  /** RFC 9162 §2.1.1 root of that tree. */
  readonly root: Uint8Array;
}

/** `change_hash` of an `accept_log` act: base64url SHA-256 over the RFC 8785 form of epoch, size and root. */
export function logAcceptanceHash({ epoch, size, root }: AcceptedLog): string {
  const rootText = Buffer.from(root).toString('base64url');
  return sha256Text(canonicalize({ epoch: String(epoch), root: rootText, size: String(size) }));
}
