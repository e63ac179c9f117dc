import { z } from 'zod';
import { KEY_PURPOSES } from './purposes.js';
import { commonClaims, issuer, partyId, requestId, sha256Hash, timeSeconds } from './fields.js';

export const KEY_TRANSITION_LIFETIME_SECONDS_MAX = 7 * 86_400;
/** Two keys of one purpose live side by side no longer than this. */
export const KEY_OVERLAP_SECONDS_MAX = 90 * 86_400;

const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** Public members only (RFC 7517, RFC 8037 §2, RFC 7518 §6.2); that the point is valid is judged with the key. */
const publicJwk = z.discriminatedUnion('kty', [
  z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: coordinate }),
  z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate }),
]);

/**
 * `key-transition+jwt`: a party, or the domain, goes over to a new key. Signed by the old key; `proof` is the same claims
 * without `proof`, signed by the new key (the way of RFC 8555 §7.3.5), so neither key alone can do it.
 */
export const keyTransitionSchema = z.strictObject({
  ...commonClaims(z.union([partyId, issuer]), issuer, requestId),
  purpose: z.enum(KEY_PURPOSES).describe('stays the same: a key never changes its purpose'),
  old: z.strictObject({ kid: sha256Hash.describe('RFC 7638 thumbprint') }),
  new: z.strictObject({ kid: sha256Hash.describe('RFC 7638 thumbprint'), jwk: publicJwk }),
  overlap: z.strictObject({
    from: timeSeconds.describe('the new key signs from here; Unix seconds'),
    until: timeSeconds.describe('the old key is retired at this instant; Unix seconds'),
  }),
  proof: z.string().max(8_192).exactOptional().describe('compact JWS by the new key; absent inside the proof itself'),
});
export type KeyTransitionClaims = z.infer<typeof keyTransitionSchema>;

/** @returns the first claim that contradicts another */
export function checkKeyTransition(claims: KeyTransitionClaims): string | null {
  if (claims.old.kid === claims.new.kid) return 'new.kid';
  const overlapSeconds = claims.overlap.until - claims.overlap.from;
  return overlapSeconds >= 0 && overlapSeconds <= KEY_OVERLAP_SECONDS_MAX ? null : 'overlap.until';
}
