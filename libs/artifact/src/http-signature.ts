import { parseDictionary, serializeDictionary, serializeInnerList } from 'structured-headers';
import type { KeyLookup, Signer, TokenAlgorithm, VerificationKey } from './keys.js';
import { verifyRaw } from './raw-signature.js';

/** The parts of a request a read is signed over. */
export interface SignedRequestTarget {
  /** Upper case, as on the request line. */
  readonly method: string;
  /** Absolute, with the authority the client addressed (RFC 9421 §2.2.2). */
  readonly targetUri: string;
}

export interface SignatureHeaders {
  readonly 'signature-input': string;
  readonly signature: string;
}

export type HttpSignatureVerdict =
  | { ok: true; key: VerificationKey }
  | {
      ok: false;
      code: 'malformed' | 'algorithm_forbidden' | 'key_unknown' | 'key_retired' | 'signature_invalid';
      field: string;
    };

/** How far `created` may lie from our clock, either way: a captured signature reads for this long and no longer. */
const CREATED_WINDOW_MS = 60_000;
const COMPONENTS = ['@method', '@target-uri'] as const;
/** Both headers together; they are parsed before anybody is authenticated. */
const HEADER_CHARS_MAX = 2_048;

/** RFC 9421 §6.2.2 names, by the name the key goes by. */
const HTTP_ALGORITHMS: Readonly<Record<TokenAlgorithm, string>> = {
  EdDSA: 'ed25519',
  Ed25519: 'ed25519',
  ES256: 'ecdsa-p256-sha256',
};

/** RFC 8941 inner list of components with parameters; the library's own types need the DOM's, which are not here. */
type Parameters = Map<string, string | number>;
type Covered = [[string, Parameters][], Map<string, unknown>];

/** Signs a read: the two headers to send with it. `atMs` (Unix ms) becomes `created`. */
export async function signHttpRequest(
  target: SignedRequestTarget,
  signer: Signer,
  atMs: number,
): Promise<SignatureHeaders> {
  const parameters: Parameters = new Map<string, string | number>([
    ['created', Math.floor(atMs / 1000)],
    ['keyid', signer.kid],
    ['alg', HTTP_ALGORITHMS[signer.alg]],
  ]);
  const covered: Covered = [COMPONENTS.map((name) => [name, new Map<string, string | number>()]), parameters];
  const signature = await signer.sign(signatureBase(target, covered));
  return {
    'signature-input': serializeDictionary(new Map([['sig1', covered]])),
    signature: serializeDictionary(new Map([['sig1', [signature, new Map()]]])),
  };
}

/**
 * Verifies the RFC 9421 signature of a read: exactly one signature, over exactly `@method` and `@target-uri`, with
 * `created` and `keyid`, by a key that is active now.
 *
 * The target URI is the caller's to build from what it knows of itself; taken from a `Host` header it proves little.
 */
export async function verifyHttpSignature(
  target: SignedRequestTarget,
  headers: Partial<SignatureHeaders>,
  options: { readonly keys: KeyLookup; readonly atMs: number },
): Promise<HttpSignatureVerdict> {
  const read = readHeaders(headers);
  if (typeof read === 'string') return { ok: false, code: 'malformed', field: read };
  const { covered, signature, createdMs, keyId, alg, expiresMs } = read;
  const key = options.keys(keyId);
  if (alg !== undefined && !Object.values(HTTP_ALGORITHMS).includes(alg)) {
    return { ok: false, code: 'algorithm_forbidden', field: 'alg' };
  }
  if (key === undefined) return { ok: false, code: 'key_unknown', field: 'keyid' };
  if (alg !== undefined && !key.algorithms.some((name) => HTTP_ALGORITHMS[name] === alg)) {
    return { ok: false, code: 'algorithm_forbidden', field: 'alg' };
  }
  const retired = key.retiredAtMs !== null && options.atMs >= key.retiredAtMs;
  if (retired || options.atMs < key.activeFromMs) return { ok: false, code: 'key_retired', field: 'keyid' };
  if (!(Math.abs(options.atMs - createdMs) <= CREATED_WINDOW_MS)) {
    return { ok: false, code: 'signature_invalid', field: 'created' };
  }
  if (!(options.atMs < expiresMs)) return { ok: false, code: 'signature_invalid', field: 'expires' };
  const verified = await verifyRaw(key, signatureBase(target, covered), signature);
  return verified ? { ok: true, key } : { ok: false, code: 'signature_invalid', field: 'signature' };
}

/** RFC 9421 §2.5: one line per component, then the parameters, joined by line feeds, none at the end. */
function signatureBase(target: SignedRequestTarget, covered: Covered): Buffer {
  const values: Readonly<Record<string, string>> = { '@method': target.method, '@target-uri': target.targetUri };
  const lines = covered[0].map(([name]) => `"${name}": ${values[name] ?? ''}`);
  return Buffer.from([...lines, `"@signature-params": ${serializeInnerList(covered)}`].join('\n'));
}

interface ReadHeaders {
  covered: Covered;
  signature: Buffer;
  createdMs: number;
  keyId: string;
  alg: string | undefined;
  /** Infinity when absent. */
  expiresMs: number;
}

/** @returns the parts, or the name of the part that is not in order */
function readHeaders(headers: Partial<SignatureHeaders>): ReadHeaders | string {
  const { 'signature-input': input, signature } = headers;
  if (input === undefined || signature === undefined) return 'signature-input';
  if (input.length + signature.length > HEADER_CHARS_MAX) return 'signature-input';
  let inputs: ReadonlyMap<string, unknown>, signatures: ReadonlyMap<string, unknown>;
  try {
    [inputs, signatures] = [parseDictionary(input), parseDictionary(signature)];
  } catch {
    return 'signature-input';
  }
  const [label, ...more] = inputs.keys();
  if (label === undefined || more.length > 0 || signatures.size !== 1) return 'signature-input';
  const covered = inputs.get(label);
  if (!coversExactly(covered)) return 'signature-input';
  const item = signatures.get(label);
  const bytes: unknown = Array.isArray(item) ? item[0] : undefined;
  if (!(bytes instanceof ArrayBuffer)) return 'signature';
  const parameters = covered[1];
  const [created, keyId, alg, expires] = ['created', 'keyid', 'alg', 'expires'].map((name) => parameters.get(name));
  if (!Number.isSafeInteger(created) || typeof created !== 'number') return 'created';
  if (typeof keyId !== 'string') return 'keyid';
  if (alg !== undefined && typeof alg !== 'string') return 'alg';
  if (expires !== undefined && typeof expires !== 'number') return 'expires';
  const expiresMs = expires === undefined ? Infinity : expires * 1000;
  return { covered, signature: Buffer.from(bytes), createdMs: created * 1000, keyId, alg, expiresMs };
}

/** In any order, without component parameters (`;req`, `;bs` …), which would mean other values than ours. */
function coversExactly(member: unknown): member is Covered {
  if (!Array.isArray(member) || !Array.isArray(member[0])) return false;
  const items: unknown[] = member[0];
  const names = items.map((item) => {
    const [name, parameters] = Array.isArray(item) ? (item as unknown[]) : []; // as: isArray only says any[]
    return parameters instanceof Map && parameters.size === 0 ? name : undefined;
  });
  return names.length === COMPONENTS.length && COMPONENTS.every((name) => names.includes(name));
}
