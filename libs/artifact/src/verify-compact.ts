import { TOKENS } from '@spendgate/codec';
import type { CompactJws, TokenTyp } from '@spendgate/codec';
import type { KeyLookup, VerificationKey } from './keys.js';
import { verifyRaw } from './raw-signature.js';

/** What `splitCompact` of the codec made of a JWS in strict form. */
export type CompactToken = Pick<CompactJws, 'header' | 'signingInput' | 'signature'>;

export interface CompactVerifyOptions {
  /** The one typ this door takes, compared byte for byte; it also says which keys may sign. */
  readonly typ: TokenTyp;
  readonly keys: KeyLookup;
  /** When the key must be active, Unix ms. */
  readonly atMs: number;
}

export type CompactDenial =
  'type_mismatch' | 'algorithm_forbidden' | 'key_unknown' | 'key_retired' | 'signature_invalid';
export type CompactVerdict = { ok: true; key: VerificationKey } | { ok: false; code: CompactDenial; field: string };

/**
 * Verifies the signatures of a batch in the thread pool; the only verification beside jose, for the two measured paths
 * (intents, settlement requests). A property test holds its yes and no to jose's. Results in order; never throws.
 */
export function verifyCompactBatch(
  tokens: readonly CompactToken[],
  options: CompactVerifyOptions,
): Promise<CompactVerdict[]> {
  return Promise.all(tokens.map((token) => verifyCompact(token, options)));
}

export async function verifyCompact(token: CompactToken, options: CompactVerifyOptions): Promise<CompactVerdict> {
  const found = findKey(token.header, options);
  if (!found.ok) return found;
  const valid = await verifyRaw(found.key, token.signingInput, token.signature);
  return valid ? found : { ok: false, code: 'signature_invalid', field: 'signature' };
}

/** The key a header names, or the first denial that applies, in the order of the table; nothing is computed yet. */
export function findKey(header: CompactToken['header'], { typ, keys, atMs }: CompactVerifyOptions): CompactVerdict {
  if (header.typ !== typ) return { ok: false, code: 'type_mismatch', field: 'header.typ' };
  const named = keys(header.kid);
  const mayUse = named !== undefined && TOKENS[typ].purposes.some((purpose) => purpose === named.purpose);
  // An alg the key does not have is refused before anything is computed with it: no confusion of one with the other.
  if (mayUse && !named.algorithms.includes(header.alg)) {
    return { ok: false, code: 'algorithm_forbidden', field: 'header.alg' };
  }
  if (!mayUse) return { ok: false, code: 'key_unknown', field: 'header.kid' };
  // Written so that a time that is no number is not active.
  const isActive = atMs >= named.activeFromMs && (named.retiredAtMs === null || atMs < named.retiredAtMs);
  return isActive ? { ok: true, key: named } : { ok: false, code: 'key_retired', field: 'header.kid' };
}
