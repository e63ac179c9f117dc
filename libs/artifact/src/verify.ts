import { TOKEN_BYTES_MAX, parseClaims, parseStrictJson, splitCompact } from '@spendgate/codec';
import { RECORD_JSON_LIMITS } from '@spendgate/codec';
import type { ClaimsOf, ClaimsProblem, CompactJws, CompactProblem, JsonProblem, TokenTyp } from '@spendgate/codec';
import { compactVerify, errors, importJWK, jwtVerify } from 'jose';
import type { CryptoKey } from 'jose';
import type { KeyLookup, VerificationKey } from './keys.js';
import { findKey } from './verify-compact.js';
import type { CompactDenial } from './verify-compact.js';

export interface VerifyOptions<T extends TokenTyp> {
  readonly typ: T;
  readonly keys: KeyLookup;
  /** Judged at, Unix ms; skew is 0. At `exp` a token is dead (RFC 7519 §4.1.4), before `nbf` it is not alive. */
  readonly atMs: number;
  /** When the signing key must have been active, Unix ms; absent: `atMs`. */
  readonly keyAtMs?: number;
  /** `iss` and `aud` must be exactly these, where given. */
  readonly issuer?: string;
  readonly audience?: string;
}

/** Rows of the denials table, and `expired`, `not_yet_valid`, which each kind of token has its own row for. */
export type TokenDenial =
  | CompactDenial
  | CompactProblem['code']
  | JsonProblem['code']
  | ClaimsProblem['code']
  | 'issuer_unknown'
  | 'audience_mismatch'
  | 'expired'
  | 'not_yet_valid';
interface Denied {
  readonly ok: false;
  readonly code: TokenDenial;
  readonly field: string;
}
export type TokenVerdict<T extends TokenTyp> =
  { readonly ok: true; readonly key: VerificationKey; readonly claims: ClaimsOf<T> } | Denied;

/**
 * Verifies a signed object with jose: strict form first (jose takes some malformed base64), then claims, key, signature
 * and times, so that the first row of the denials table that applies is reported.
 */
export async function verifyToken<T extends TokenTyp>(
  jws: string | Uint8Array,
  options: VerifyOptions<T>,
): Promise<TokenVerdict<T>> {
  const bytes = typeof jws === 'string' ? Buffer.from(jws) : jws;
  const split = splitCompact(bytes, { typ: options.typ, bytesMax: TOKEN_BYTES_MAX });
  if (!split.ok) return split;
  const claims = readClaims(options.typ, split.jws);
  if (!claims.ok) return claims;
  const { typ, keys, atMs, keyAtMs = atMs } = options;
  const found = findKey(split.jws.header, { typ, keys, atMs: keyAtMs });
  if (!found.ok) return found;
  if (!Number.isFinite(atMs)) return { ok: false, code: 'expired', field: 'exp' };
  try {
    await jwtVerify(bytes, await joseKey(found.key), {
      algorithms: [...found.key.algorithms],
      typ,
      currentDate: new Date(atMs),
      ...(options.issuer !== undefined && { issuer: options.issuer }),
      ...(options.audience !== undefined && { audience: options.audience }),
    });
  } catch (error) {
    return denialOf(error);
  }
  return { ok: true, key: found.key, claims: claims.claims };
}

/** One signature under one key, by jose; the form and the key's right to sign are the caller's to check. */
export async function verifyWith(key: VerificationKey, jws: Uint8Array): Promise<boolean> {
  try {
    await compactVerify(jws, await joseKey(key), { algorithms: [...key.algorithms] });
    return true;
  } catch (error) {
    denialOf(error); // rethrows what is no verdict
    return false;
  }
}

/** @returns the claims in the form the codec's table gives them, or the first row they break */
export function readClaims<T extends TokenTyp>(typ: T, { payloadBytes }: Pick<CompactJws, 'payloadBytes'>) {
  const payload = parseStrictJson(payloadBytes, RECORD_JSON_LIMITS);
  return payload.ok ? parseClaims(typ, payload.value) : payload;
}

const joseKeys = new WeakMap<VerificationKey, Promise<CryptoKey>>();

async function joseKey(key: VerificationKey): Promise<CryptoKey> {
  const imported = joseKeys.get(key) ?? importPublic(key);
  joseKeys.set(key, imported);
  return imported;
}

async function importPublic(key: VerificationKey): Promise<CryptoKey> {
  const imported = await importJWK({ ...key.jwk }, key.algorithms[0]);
  if (imported instanceof Uint8Array) throw new TypeError('a public key, not a secret');
  return imported;
}

function denialOf(error: unknown): Denied {
  if (error instanceof errors.JWTExpired) return { ok: false, code: 'expired', field: error.claim };
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return { ok: false, code: 'issuer_unknown', field: 'iss' };
    if (error.claim === 'aud') return { ok: false, code: 'audience_mismatch', field: 'aud' };
    if (error.claim === 'nbf') return { ok: false, code: 'not_yet_valid', field: 'nbf' };
    return { ok: false, code: 'malformed', field: error.claim };
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return { ok: false, code: 'signature_invalid', field: 'signature' };
  }
  // The strict gate has passed it, so anything else jose dislikes is its form; what is not jose's is a defect of ours.
  if (error instanceof errors.JOSEError) return { ok: false, code: 'malformed', field: 'token' };
  throw error;
}
