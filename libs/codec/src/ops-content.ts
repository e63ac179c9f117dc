import { canonicalize } from './canonical.js';
import { sha256Text } from './hash.js';
import type { OpsActionClaims } from './tokens/ops-action.js';

/**
 * What a second person signs for in `change_hash`: base64url SHA-256 over the RFC 8785 form of the first person's action,
 * targets with their versions, causes, and `change_hash`. One signature covers the whole list of targets.
 */
export function opsContentHash({ action, targets, causes, change_hash: change }: OpsContent): string {
  return sha256Text(canonicalize({ action, causes, change_hash: change, targets }));
}
type OpsContent = Pick<OpsActionClaims, 'action' | 'targets' | 'causes' | 'change_hash'>;
