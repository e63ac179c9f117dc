import { parsePublicKey, verifyWith } from '@spendgate/artifact';
import type { VerificationKey } from '@spendgate/artifact';
import { verifyConsistency as checkConsistency, verifyInclusion as checkInclusion } from '@spendgate/audit-log';
import { TOKEN_BYTES_MAX, splitAnyCompact } from '@spendgate/codec';

/** One line of a `--cases` file judged: a denial code for a JWS, the audit log's own words for a proof. */
export interface CaseResult {
  readonly valid: boolean;
  readonly code: string | null;
}

const invalid = (code: string): CaseResult => ({ valid: false, code });

/**
 * Verifies `{"jws", "keys": {"keys": […]}}`: any compact JWS, not only our tokens, so `kid` and `typ` may be absent and
 * the payload may be anything; form, header members and algorithms are as strict as everywhere.
 *
 * Unusable keys of the set are passed over (RFC 7517 §5); private members are not looked at.
 */
export async function verifyJwsCase(input: unknown): Promise<CaseResult> {
  const { jws, keys } = membersOf(input);
  if (typeof jws !== 'string') return invalid('malformed');
  const bytes = Buffer.from(jws);
  const split = splitAnyCompact(bytes, TOKEN_BYTES_MAX);
  if (!split.ok) return invalid(split.code);
  const { alg, kid } = split.jws.header;
  const listed = membersOf(keys)['keys'];
  const known = (Array.isArray(listed) ? listed : []).flatMap((jwk: unknown) => readKey(jwk));
  const named = kid === null ? known : known.filter((key) => key.names.includes(kid));
  if (named.length === 0) return invalid('key_unknown');
  const fitting = named.filter(({ key }) => key.algorithms.includes(alg));
  if (fitting.length === 0) return invalid('algorithm_forbidden');
  for (const { key } of fitting) {
    if (await verifyWith(key, bytes)) return { valid: true, code: null };
  }
  return invalid('signature_invalid');
}

/** Verifies `{"leaf_index", "tree_size", "leaf_hash", "root", "proof"}` (RFC 9162 §2.1.3.2); hashes base64 or hex. */
export function verifyInclusionCase(input: unknown): CaseResult {
  const given = membersOf(input);
  const verdict = checkInclusion({
    leafIndex: sizeOf(given['leaf_index']),
    treeSize: sizeOf(given['tree_size']),
    leafHash: hashOf(given['leaf_hash']),
    root: hashOf(given['root']),
    proof: proofOf(given['proof']),
  });
  return verdict.valid ? { valid: true, code: null } : invalid(verdict.code);
}

/** Verifies `{"size1", "size2", "root1", "root2", "proof"}` (RFC 9162 §2.1.4.2); hashes base64 or hex. */
export function verifyConsistencyCase(input: unknown): CaseResult {
  const given = membersOf(input);
  const verdict = checkConsistency({
    size1: sizeOf(given['size1']),
    size2: sizeOf(given['size2']),
    root1: hashOf(given['root1']),
    root2: hashOf(given['root2']),
    proof: proofOf(given['proof']),
  });
  return verdict.valid ? { valid: true, code: null } : invalid(verdict.code);
}

/** A stranger's set may name its keys as it likes; the thumbprint is a name of every key. */
function readKey(jwk: unknown): { key: VerificationKey; names: string[] }[] {
  const { kty, crv, x, y, alg, use, kid } = membersOf(jwk);
  const given = Object.entries({ kty, crv, x, y, alg, use }).filter(([, value]) => value !== undefined);
  const parsed = parsePublicKey(Object.fromEntries(given));
  if (!parsed.ok) return [];
  return [{ key: parsed.key, names: typeof kid === 'string' ? [kid, parsed.key.kid] : [parsed.key.kid] }];
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** A number, or its decimal digits where it is above 2^53; NaN for anything else, which the proof check refuses. */
function sizeOf(value: unknown): number | bigint {
  if (typeof value === 'string' && /^(0|[1-9][0-9]{0,19})$/.test(value)) return BigInt(value);
  return typeof value === 'number' ? value : Number.NaN;
}

/** 32 bytes in one of three spellings; an empty array, which is no hash, for anything else. */
function hashOf(value: unknown): Uint8Array {
  if (typeof value !== 'string') return new Uint8Array();
  if (/^[0-9a-fA-F]{64}$/.test(value)) return Buffer.from(value, 'hex');
  const bytes = Buffer.from(value, 'base64');
  const spellings = [bytes.toString('base64'), bytes.toString('base64url')];
  return spellings.includes(value) ? bytes : new Uint8Array();
}

/** `null` is how Go writes an empty list. */
function proofOf(value: unknown): Uint8Array[] {
  if (value === null) return [];
  return Array.isArray(value) ? value.map((hash: unknown) => hashOf(hash)) : [new Uint8Array()];
}
