import { type VerificationKey, findKey, readClaims, verifyWith } from '@spendgate/artifact';
import { type ClaimsOf, TOKEN_BYTES_MAX, type TokenTyp, splitCompact } from '@spendgate/codec';
import { refuse } from './bundle-report.js';
import type { OpenedLog } from './opened-bundle.js';

export interface Signed<T extends TokenTyp> {
  readonly claims: ClaimsOf<T>;
  readonly key: VerificationKey;
}

/** When the signature may have been made, Unix ms, both included. */
export interface SigningTime {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The domain signs stored claims anew at each read: at any time after. A time of export would be nobody's word. */
export const EVER = Number.POSITIVE_INFINITY;

/**
 * One signed object of a bundle: strict form, claims, a key of the right purpose that was active then, signature. Not
 * whether it has expired: a bundle is read years later.
 *
 * @param index of the leaf it belongs to
 * @throws {BundleFault}
 */
export async function verifySigned<T extends TokenTyp>(
  { keys, trust }: OpenedLog,
  typ: T,
  token: string,
  index: number | null,
  when: (claims: ClaimsOf<T>) => SigningTime,
): Promise<Signed<T>> {
  const bytes = Buffer.from(token);
  const split = splitCompact(bytes, { typ, bytesMax: TOKEN_BYTES_MAX });
  if (!split.ok) return refuse(index, `${typ} is ${split.code} (${split.field})`);
  const read = readClaims(typ, split.jws);
  if (!read.ok) return refuse(index, `${typ} is ${read.code} (${read.field})`);
  const lookup = (kid: string): VerificationKey | undefined => {
    const key = keys.get(kid);
    return key === undefined ? undefined : { ...key, activeFromMs: 0, retiredAtMs: null }; // judged below
  };
  const found = findKey(split.jws.header, { typ, keys: lookup, atMs: 0 });
  const known = keys.get(split.jws.header.kid);
  if (!found.ok || known === undefined) {
    const where = trust === null ? 'the bundle' : 'the trust file, or the bundle for a party,';
    return refuse(index, `${typ}: ${where} has no such key for it: ${split.jws.header.kid}`);
  }
  const { fromMs, toMs } = when(read.claims);
  if (!wasActive(known, fromMs, toMs)) return refuse(index, `${typ}: key ${known.kid} was not active then`);
  if (!(await verifyWith(known, bytes))) return refuse(index, `${typ}: the signature does not verify`);
  return { claims: read.claims, key: known };
}

/** At some time between the two. Written so that a time that is no number is not active. */
function wasActive({ activeFromMs, retiredAtMs }: VerificationKey, fromMs: number, toMs: number): boolean {
  return activeFromMs <= toMs && (retiredAtMs === null || retiredAtMs > fromMs);
}
