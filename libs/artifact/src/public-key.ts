import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { hashJsonText } from '@spendgate/codec';
import { ed25519PointProblem } from './ed25519-point.js';
import type { KeyPurpose, PublicJwk, TokenAlgorithm, VerificationKey } from './keys.js';

export type KeyProblem =
  | 'jwk_malformed' // not an object, or a member missing, of the wrong type or not canonical base64url
  | 'private_member' // carries d or k: whoever sent it has given the key away
  | 'key_unsupported' // another kty, crv or alg than ours
  | 'alg_mismatch' // alg, use or key_ops contradict the key
  | 'kid_mismatch' // kid is not the RFC 7638 thumbprint
  | 'point_invalid' // not on the curve, or not in canonical form
  | 'weak_key' // a point of small order
  | 'key_duplicate'; // twice in one set

/** Whose key it is and what for; the sender of a JWK does not get to say. */
export interface KeyOwner {
  readonly purpose?: KeyPurpose | null;
  readonly party?: string | null;
  /** Unix ms; active in [activeFromMs, retiredAtMs). Absent: always. */
  readonly activeFromMs?: number;
  readonly retiredAtMs?: number | null;
}

export type ParsedKey = { ok: true; key: VerificationKey } | { ok: false; problem: KeyProblem; detail: string };

const PRIVATE_MEMBERS = ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv'];

/**
 * Reads one public JWK (RFC 7517; OKP: RFC 8037; EC: RFC 7518 §6.2) and checks everything a hostile key may carry.
 *
 * Members that mean nothing here are ignored (RFC 7517 §4), the ones that contradict the key refuse it.
 */
export function parsePublicKey(input: unknown, owner: KeyOwner = {}): ParsedKey {
  const problem = (code: KeyProblem, detail: string): ParsedKey => ({ ok: false, problem: code, detail });
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return problem('jwk_malformed', 'a JWK is a JSON object');
  }
  const jwk = new Map<string, unknown>(Object.entries(input));
  const secret = PRIVATE_MEMBERS.find((name) => jwk.has(name));
  if (secret !== undefined) return problem('private_member', secret);

  const read = readKeyMembers(jwk);
  if (!read.ok) return read;
  const contradiction = contradictionOf(jwk, read.algorithms);
  if (contradiction !== undefined) return problem('alg_mismatch', contradiction);
  const kid = thumbprint(read.jwk);
  if (jwk.has('kid') && jwk.get('kid') !== kid) return problem('kid_mismatch', `expected ${kid}`);
  const alg = jwk.get('alg');
  return {
    ok: true,
    key: {
      kid,
      algorithms: alg === undefined ? read.algorithms : read.algorithms.filter((name) => name === alg),
      jwk: read.jwk,
      purpose: owner.purpose ?? null,
      party: owner.party ?? null,
      activeFromMs: owner.activeFromMs ?? 0,
      retiredAtMs: owner.retiredAtMs ?? null,
    },
  };
}

/** RFC 7638: SHA-256 over the required members in order, which is what the canonical form of them alone is. */
export function thumbprint(jwk: PublicJwk): string {
  return jwk.kty === 'OKP'
    ? hashJsonText({ crv: jwk.crv, kty: jwk.kty, x: jwk.x })
    : hashJsonText({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y });
}

const nodeKeys = new WeakMap<PublicJwk, KeyObject>();

/** The key as node:crypto takes it, made once per JWK object. */
export function nodePublicKey(jwk: PublicJwk): KeyObject {
  const made = nodeKeys.get(jwk) ?? createPublicKey({ key: { ...jwk }, format: 'jwk' });
  nodeKeys.set(jwk, made);
  return made;
}

type KeyMembers = { ok: true; jwk: PublicJwk; algorithms: TokenAlgorithm[] } | (ParsedKey & { ok: false });

function readKeyMembers(jwk: ReadonlyMap<string, unknown>): KeyMembers {
  const [kty, crv] = [jwk.get('kty'), jwk.get('crv')];
  const x = coordinate(jwk.get('x'));
  if (kty === 'OKP' && crv === 'Ed25519') {
    if (x === undefined) return { ok: false, problem: 'jwk_malformed', detail: 'x: 32 bytes in canonical base64url' };
    const weakness = ed25519PointProblem(Buffer.from(x, 'base64url'));
    if (weakness !== undefined) return { ok: false, problem: weakness, detail: 'x' };
    return { ok: true, jwk: { kty, crv, x }, algorithms: ['EdDSA', 'Ed25519'] };
  }
  if (kty === 'EC' && crv === 'P-256') {
    const y = coordinate(jwk.get('y'));
    if (x === undefined || y === undefined) {
      return { ok: false, problem: 'jwk_malformed', detail: 'x, y: 32 bytes each in canonical base64url' };
    }
    const key: PublicJwk = { kty, crv, x, y };
    try {
      nodePublicKey(key); // OpenSSL checks that the point is on the curve; P-256 has cofactor 1
    } catch {
      return { ok: false, problem: 'point_invalid', detail: 'x, y' };
    }
    return { ok: true, jwk: key, algorithms: ['ES256'] };
  }
  if (typeof kty !== 'string') return { ok: false, problem: 'jwk_malformed', detail: 'kty' };
  return { ok: false, problem: 'key_unsupported', detail: 'only OKP Ed25519 and EC P-256' };
}

/** 32 bytes, spelled the one way base64url spells them; another spelling would be another key id for the same key. */
function coordinate(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length !== 43) return undefined;
  const bytes = Buffer.from(value, 'base64url');
  return bytes.length === 32 && bytes.toString('base64url') === value ? value : undefined;
}

function contradictionOf(jwk: ReadonlyMap<string, unknown>, algorithms: readonly string[]): string | undefined {
  const [alg, use, ops] = [jwk.get('alg'), jwk.get('use'), jwk.get('key_ops')];
  if (alg !== undefined && !algorithms.some((name) => name === alg)) return `alg is not ${algorithms.join(' or ')}`;
  if (use !== undefined && use !== 'sig') return 'use is not sig';
  if (ops !== undefined && !(Array.isArray(ops) && ops.includes('verify'))) return 'key_ops lacks verify';
  return undefined;
}
