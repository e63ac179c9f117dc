import { sha256, hashJson } from './hash.js';
import { canonicalize } from './canonical.js';
import type { ArtifactRenewalClaims } from './tokens/artifact-renewal.js';
import type { MandateClaim } from './tokens/mandate.js';
import type { PaymentIntentClaims } from './tokens/payment-intent.js';
import type { SettlementRequestClaims } from './tokens/settlement.js';

/**
 * What an intent asks, whoever signed it when: SHA-256 over the RFC 8785 form of its claims without `iat` and `exp`.
 * Never over token bytes: the same intent re-signed is the same intent.
 */
export function intentBodyHash(claims: PaymentIntentClaims): Buffer {
  return sha256(canonicalize({ ...claims, iat: undefined, exp: undefined }));
}

/** As {@link intentBodyHash}. */
export function renewalBodyHash(claims: ArtifactRenewalClaims): Buffer {
  return sha256(canonicalize({ ...claims, iat: undefined, exp: undefined }));
}

/** As {@link intentBodyHash}; without `jti` too, because a retry after an outage is signed anew under the same action id. */
export function settlementBodyHash(claims: SettlementRequestClaims): Buffer {
  return sha256(canonicalize({ ...claims, iat: undefined, exp: undefined, jti: undefined }));
}

/** Hash of a grant: what a child's `parent_hash` and an artifact's lineage name. */
export function mandateHash(mandate: MandateClaim): Buffer {
  return hashJson(mandate);
}
