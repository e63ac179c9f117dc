import { KEY_PURPOSES } from '@spendgate/codec';
import type { KeyPurpose, VerificationKey } from './keys.js';
import { parsePublicKey } from './public-key.js';
import type { KeyProblem } from './public-key.js';

/** Keys in one JWKS; a set that a stranger hands in must not stall the process. */
const KEYS_MAX = 10_000;

/** A published key: RFC 7517 members, our `iss` and `purpose`, times in seconds as OpenID Federation §8.7 has them. */
export interface PublishedJwk {
  readonly kty: 'OKP' | 'EC';
  readonly crv: 'Ed25519' | 'P-256';
  readonly x: string;
  readonly y?: string;
  readonly kid: string;
  readonly alg: string;
  readonly use: 'sig';
  readonly iss?: string;
  readonly purpose?: KeyPurpose;
  readonly nbf?: number;
  readonly exp?: number;
}

export type ParsedKeySet =
  { ok: true; keys: KeySet } | { ok: false; problem: KeyProblem; index: number; detail: string };

/** Keys by kid, unchangeable. */
export class KeySet {
  private readonly byKid: ReadonlyMap<string, VerificationKey>;

  constructor(keys: Iterable<VerificationKey>) {
    this.byKid = new Map([...keys].map((key) => [key.kid, key]));
  }

  /** As a `KeyLookup`: `set.find` may be passed on alone. */
  readonly find = (kid: string): VerificationKey | undefined => this.byKid.get(kid);

  all(): VerificationKey[] {
    return [...this.byKid.values()];
  }
}

/**
 * Reads a JWKS (RFC 7517 §5). Keys of kinds we do not use are skipped, as the RFC asks; a key that is dangerous or
 * contradicts itself (private, weak, listed twice, wrong kid) refuses the whole set, because its author is not careful.
 */
export function parseKeySet(input: unknown): ParsedKeySet {
  const refuse = (problem: KeyProblem, index: number, detail: string): ParsedKeySet => ({
    ok: false,
    problem,
    index,
    detail,
  });
  const listed = typeof input === 'object' && input !== null && 'keys' in input ? input.keys : undefined;
  if (!Array.isArray(listed)) return refuse('jwk_malformed', -1, 'a key set is {"keys": […]}');
  if (listed.length > KEYS_MAX) return refuse('jwk_malformed', KEYS_MAX, `more than ${KEYS_MAX} keys`);
  const keys = new Map<string, VerificationKey>();
  for (const [index, jwk] of (listed as unknown[]).entries()) {
    // as: Array.isArray only says any[]
    const owner = ownerOf(jwk);
    if (owner === undefined) return refuse('jwk_malformed', index, 'iss, purpose, nbf or exp');
    const parsed = parsePublicKey(jwk, owner);
    if (!parsed.ok && parsed.problem === 'key_unsupported') continue;
    if (!parsed.ok) return refuse(parsed.problem, index, parsed.detail);
    if (keys.has(parsed.key.kid)) return refuse('key_duplicate', index, parsed.key.kid);
    keys.set(parsed.key.kid, parsed.key);
  }
  return { ok: true, keys: new KeySet(keys.values()) };
}

/** The public JWKS of some keys, in order of kid, so that equal sets are equal bytes. */
export function exportKeySet(keys: Iterable<VerificationKey>): { keys: PublishedJwk[] } {
  const sorted = [...keys].sort((a, b) => (a.kid < b.kid ? -1 : 1));
  return { keys: sorted.map(publishedJwk) };
}

function publishedJwk(key: VerificationKey): PublishedJwk {
  return {
    ...key.jwk,
    kid: key.kid,
    alg: key.algorithms[0] ?? 'EdDSA',
    use: 'sig',
    ...(key.party !== null && { iss: key.party }),
    ...(key.purpose !== null && { purpose: key.purpose }),
    ...(key.activeFromMs > 0 && { nbf: Math.floor(key.activeFromMs / 1000) }),
    ...(key.retiredAtMs !== null && { exp: Math.ceil(key.retiredAtMs / 1000) }),
  };
}

const PURPOSES = new Map<string, KeyPurpose>(KEY_PURPOSES.map((name) => [name, name]));

function ownerOf(jwk: unknown) {
  const { iss, purpose, nbf, exp }: Record<string, unknown> = typeof jwk === 'object' && jwk !== null ? { ...jwk } : {};
  const named = typeof purpose === 'string' ? PURPOSES.get(purpose) : undefined;
  if (purpose !== undefined && named === undefined) return undefined;
  if (iss !== undefined && typeof iss !== 'string') return undefined;
  for (const seconds of [nbf, exp]) {
    if (seconds !== undefined && !Number.isSafeInteger(seconds)) return undefined;
  }
  return {
    purpose: named ?? null,
    party: iss ?? null,
    activeFromMs: typeof nbf === 'number' ? nbf * 1000 : 0,
    retiredAtMs: typeof exp === 'number' ? exp * 1000 : null,
  };
}
