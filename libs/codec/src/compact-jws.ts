import { isUtf8 } from 'node:buffer';
import { hasCleanTail } from './base64url.js';
import { INTENT_BYTES_MAX, JWS_HEADER_BYTES_MAX, REQUEST_JSON_LIMITS } from './limits.js';
import { fieldPath, problem, type Problem } from './problem.js';
import { parseStrictJson, type JsonValue } from './strict-json.js';

/** Names of the algorithms we verify: Ed25519 goes by two (RFC 8037, RFC 9864). */
export const JWS_ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256'] as const;
export type JwsAlgorithm = (typeof JWS_ALGORITHMS)[number];

/** The protected header of one of our tokens: these three members and no other. */
export interface CompactHeader {
  readonly alg: JwsAlgorithm;
  readonly kid: string;
  readonly typ: string;
}

/** A compact JWS (RFC 7515 §7.1) in its one spelling, taken apart. Nothing in it is verified yet. */
export interface CompactJws<H = CompactHeader> {
  readonly header: H;
  /** Decoded payload. */
  readonly payloadBytes: Buffer;
  /** Decoded signature; its length is for the verifier to judge. */
  readonly signature: Buffer;
  /** What was signed: ASCII(header ‖ '.' ‖ payload), a view of the bytes given. */
  readonly signingInput: Buffer;
}

export type CompactProblem = Problem<
  'too_large' | 'encoding_invalid' | 'malformed' | 'type_mismatch' | 'header_forbidden' | 'algorithm_forbidden'
>;
export type CompactResult<H = CompactHeader> = { readonly ok: true; readonly jws: CompactJws<H> } | CompactProblem;

export interface CompactOptions {
  /** The `typ` this door takes; absent: any, and the caller judges. */
  readonly typ?: string | readonly string[];
  readonly bytesMax?: number;
}

/**
 * The strict gate before any key or signature is looked at. Problems come in the order of the denials table: size,
 * encoding, form, type, header, algorithm. An attacker controls every byte here.
 */
export function splitCompact(bytes: Uint8Array, options: CompactOptions = {}): CompactResult {
  const parts = takeApart(bytes, options.bytesMax ?? INTENT_BYTES_MAX);
  if (!parts.ok) return parts;
  const header = judgeHeader(parts.header, options.typ);
  return header.ok ? { ok: true, jws: { ...parts.jws, header: header.header } } : header;
}

/** The three members every token of ours has, or the first problem with them. */
export function judgeHeader(
  header: JsonObject,
  takes: string | readonly string[] | undefined,
): { readonly ok: true; readonly header: CompactHeader } | CompactProblem {
  const { alg, kid, typ } = header;
  if (!isHeaderText(alg)) return problem('malformed', 'header.alg');
  if (!isHeaderText(kid)) return problem('malformed', 'header.kid');
  if (!isHeaderText(typ)) return problem('malformed', 'header.typ');
  if (!takesTyp(takes, typ)) return problem('type_mismatch', 'header.typ');
  const forbidden = forbiddenMember(header);
  if (forbidden !== null) return forbidden;
  return isAlgorithm(alg) ? { ok: true, header: { alg, kid, typ } } : problem('algorithm_forbidden', 'header.alg');
}

/** Header of a stranger's JWS: `kid` and `typ` may be absent. */
export interface AnyCompactHeader {
  readonly alg: JwsAlgorithm;
  readonly kid: string | null;
  readonly typ: string | null;
}

/** As {@link splitCompact} for a JWS that is none of our tokens: the same form, header members and algorithms. */
export function splitAnyCompact(bytes: Uint8Array, bytesMax: number): CompactResult<AnyCompactHeader> {
  const parts = takeApart(bytes, bytesMax);
  if (!parts.ok) return parts;
  const { alg, kid, typ } = parts.header;
  if (!isHeaderText(alg)) return problem('malformed', 'header.alg');
  if (kid !== undefined && !isHeaderText(kid)) return problem('malformed', 'header.kid');
  if (typ !== undefined && !isHeaderText(typ)) return problem('malformed', 'header.typ');
  const forbidden = forbiddenMember(parts.header);
  if (forbidden !== null) return forbidden;
  if (!isAlgorithm(alg)) return problem('algorithm_forbidden', 'header.alg');
  return { ok: true, jws: { ...parts.jws, header: { alg, kid: kid ?? null, typ: typ ?? null } } };
}

// The signature may be empty: that is how an unsecured JWS (`alg: none`) is written, and it is refused by its name. So
// may the payload (RFC 7515 Appendix F, detached content): its header is judged first, and no token of ours is empty.
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)$/;

type JsonObject = { readonly [name: string]: JsonValue };

/** A compact JWS whose form is right and whose header nobody has judged yet. */
export interface CompactParts {
  readonly ok: true;
  readonly header: JsonObject;
  readonly jws: Omit<CompactJws, 'header'>;
}

/** Form alone: three parts, one spelling, a JSON object for a header. */
export function takeApart(bytes: Uint8Array, bytesMax: number): CompactParts | CompactProblem {
  if (bytes.byteLength > bytesMax) return problem('too_large', 'token');
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const match = COMPACT.exec(buffer.toString('latin1'));
  if (match === null) return problem(isUtf8(buffer) && !buffer.includes(0) ? 'malformed' : 'encoding_invalid', 'token');
  const [, headerText = '', payloadText = '', signatureText = ''] = match;
  if (!hasCleanTail(headerText)) return problem('malformed', 'header');
  if (!hasCleanTail(payloadText)) return problem('malformed', 'payload');
  if (!hasCleanTail(signatureText)) return problem('malformed', 'signature');
  const header = parseStrictJson(Buffer.from(headerText, 'base64url'), HEADER_LIMITS, 'header');
  if (!header.ok) return header;
  if (!isObject(header.value)) return problem('malformed', 'header');
  return {
    ok: true,
    header: header.value,
    jws: {
      payloadBytes: Buffer.from(payloadText, 'base64url'),
      signature: Buffer.from(signatureText, 'base64url'),
      signingInput: buffer.subarray(0, headerText.length + 1 + payloadText.length),
    },
  };
}

const HEADER_LIMITS = { ...REQUEST_JSON_LIMITS, bytesMax: JWS_HEADER_BYTES_MAX, depthMax: 4 };
const HEADER_TEXT_CHARS_MAX = 128;

function isObject(value: JsonValue): value is { [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHeaderText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= HEADER_TEXT_CHARS_MAX;
}

function takesTyp(wanted: string | readonly string[] | undefined, typ: string): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? wanted === typ : wanted.includes(typ);
}

/** `jwk`, `jku`, `x5u`, `x5c` would let an attacker bring the key, `crit`, `b64`, `zip` change what was signed. */
function forbiddenMember(header: JsonObject): CompactProblem | null {
  for (const name in header) {
    if (name !== 'alg' && name !== 'kid' && name !== 'typ')
      return problem('header_forbidden', fieldPath('header', name));
  }
  return null;
}

function isAlgorithm(alg: string): alg is JwsAlgorithm {
  const allowed: readonly string[] = JWS_ALGORITHMS;
  return allowed.includes(alg);
}
