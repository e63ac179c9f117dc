import type { KeyLookup, KeyPurpose, VerificationKey } from './keys.js';
import { verifyRaw } from './raw-signature.js';

/** The parts of a compact JWS that `splitCompact` of the codec found to be in strict form. */
export interface CompactToken {
  readonly header: { readonly alg: string; readonly kid: string; readonly typ: string };
  /** `BASE64URL(header).BASE64URL(payload)`, the bytes that were signed. */
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

export interface CompactOptions {
  /** The one typ this door takes, compared byte for byte. */
  readonly typ: string;
  readonly purpose: KeyPurpose;
  readonly keys: KeyLookup;
  /** When the key must be active, Unix ms. */
  readonly atMs: number;
}

export type CompactDenial =
  'type_mismatch' | 'algorithm_forbidden' | 'key_unknown' | 'key_retired' | 'signature_invalid';
export type CompactVerdict = { ok: true; key: VerificationKey } | { ok: false; code: CompactDenial };

/**
 * Verifies the signatures of a batch in the thread pool; the only verification beside jose, for the two measured paths
 * (intents, settlement requests). A property test holds its yes and no to jose's. Results in order; never throws.
 */
export function verifyCompactBatch(
  tokens: readonly CompactToken[],
  options: CompactOptions,
): Promise<CompactVerdict[]> {
  return Promise.all(tokens.map((token) => verifyCompact(token, options)));
}

/** The first denial that applies, in the order of the table; the signature, which costs most, is looked at last. */
export async function verifyCompact(token: CompactToken, options: CompactOptions): Promise<CompactVerdict> {
  const { alg, kid, typ } = token.header;
  if (typ !== options.typ) return { ok: false, code: 'type_mismatch' };
  const known = options.keys(kid);
  const key = known?.purpose === options.purpose ? known : undefined;
  // An alg the key does not have is refused before anything is computed with it: no confusion of one with the other.
  if (key !== undefined && !key.algorithms.some((name) => name === alg)) {
    return { ok: false, code: 'algorithm_forbidden' };
  }
  if (key === undefined) return { ok: false, code: 'key_unknown' };
  if (!isActive(key, options.atMs)) return { ok: false, code: 'key_retired' };
  const valid = await verifyRaw(key, token.signingInput, token.signature);
  return valid ? { ok: true, key } : { ok: false, code: 'signature_invalid' };
}

/** Written so that a time that is no number is not active. */
export function isActive(key: VerificationKey, atMs: number): boolean {
  return atMs >= key.activeFromMs && (key.retiredAtMs === null || atMs < key.retiredAtMs);
}
