import { type KeySet, type VerificationKey, parsePublicKey } from '@spendgate/artifact';
import {
  type AnyBundle,
  type Bundle,
  type BundleLeaf,
  DOMAIN_PURPOSES,
  type Leaf,
  decodeBase64url,
  leafHashOf,
  opensCommitment,
  parseLeaf,
  parseStrictJson,
} from '@spendgate/codec';
import { RECORD_JSON_LIMITS } from '@spendgate/codec';
import { refuse } from './bundle-report.js';

export type Payload = Readonly<Record<string, unknown>>;

/** A leaf of a bundle, taken apart. */
export interface OpenedLeaf {
  readonly index: number;
  /** RFC 9162 leaf hash, base64url. */
  readonly hash: string;
  /** `null`: the text is no leaf. */
  readonly leaf: Leaf | null;
  /** `redacted`: no payload was given; `broken`: one was given that the leaf does not commit to. */
  readonly state: 'open' | 'redacted' | 'broken';
  /** What the leaf commits to; `null` unless `open`. */
  readonly payload: Payload | null;
}

/** What bundles of every kind have: leaves, their proofs, the head, keys. */
export type Logged = Pick<AnyBundle, 'domain' | 'synchronization' | 'lineage' | 'audit' | 'persistence' | 'keys'>;

/** A bundle with its leaves opened and its keys read; what every statement is judged on. */
export interface OpenedBundle<B extends Logged = Bundle> {
  readonly bundle: B;
  /** In the bundle's order. */
  readonly leaves: readonly OpenedLeaf[];
  readonly byHash: ReadonlyMap<string, OpenedLeaf>;
  /** The verifier's own keys; `null`: none were given. */
  readonly trust: KeySet | null;
  readonly keys: ReadonlyMap<string, VerificationKey>;
}

/** Of any kind, for checks that look at no subject. */
export type OpenedLog = OpenedBundle<Logged>;

export function openBundle<B extends Logged>(bundle: B, trust: KeySet | null): OpenedBundle<B> {
  const leaves = bundle.lineage.leaves.map(openLeaf);
  const byHash = new Map(leaves.map((leaf) => [leaf.hash, leaf]));
  return { bundle, leaves, byHash, trust, keys: readKeys(bundle, leaves, byHash, trust) };
}

function openLeaf({ index, leaf: text, payload, salt }: BundleLeaf): OpenedLeaf {
  const hash = leafHashOf(text).toString('base64url');
  const parsed = parseLeaf(Buffer.from(text));
  const leaf = parsed.ok ? parsed.leaf : null;
  if (payload === null && salt === null) return { index, hash, leaf, state: 'redacted', payload: null };
  const saltBytes = salt === null ? null : decodeBase64url(salt);
  const isOpen = leaf !== null && payload !== null && saltBytes !== null && opensCommitment(leaf, saltBytes, payload);
  const value = isOpen ? parseObject(payload) : null;
  return { index, hash, leaf, state: value === null ? 'broken' : 'open', payload: value };
}

/** Of the domain's keys only the trusted ones count, once there are any: whoever made the bundle chose its own. */
function readKeys(
  bundle: Logged,
  leaves: readonly OpenedLeaf[],
  byHash: ReadonlyMap<string, OpenedLeaf>,
  trust: KeySet | null,
): ReadonlyMap<string, VerificationKey> {
  const keys = new Map<string, VerificationKey>();
  for (const { kid, jwk, party, purpose, leaf } of bundle.keys) {
    const ends = leaves.filter(({ payload }) => payload?.['kid'] === kid && ENDS.has(textOf(payload['act'])));
    const owner = {
      purpose,
      party,
      activeFromMs: timeSaid(byHash.get(leaf), 'active_from_ms'),
      retiredAtMs: ends.length === 0 ? null : Math.min(...ends.map((each) => timeSaid(each, 'retired_at_ms'))),
    };
    const parsed = parsePublicKey({ ...jwk, kid }, owner);
    const isDomains = DOMAIN_PURPOSES.some((each) => each === purpose);
    if (parsed.ok && (trust === null || !isDomains)) keys.set(kid, parsed.key);
  }
  for (const key of trust?.all() ?? []) {
    if (key.party === null || key.party === bundle.domain || keys.has(key.kid)) keys.set(key.kid, key);
  }
  return keys;
}

/** What a leaf says of the end of a key. */
const ENDS = new Set(['key_retired', 'key_removed', 'domain_key_retired']);

/** The instant an act names, or else its own; no number for a leaf that is none, which is no time at all. */
function timeSaid(leaf: OpenedLeaf | undefined, name: string): number {
  const said = leaf?.payload?.[name];
  return typeof said === 'number' ? said : (leaf?.leaf?.time ?? Number.NaN);
}

/** A leaf by its hash. @throws {BundleFault} the bundle does not carry it */
export function leafOf({ byHash }: Pick<OpenedLog, 'byHash'>, hash: string, what: string): OpenedLeaf {
  return byHash.get(hash) ?? refuse(null, `the leaf of ${what} is not in the bundle`);
}

/** What a leaf commits to. @throws {BundleFault} it was withheld, or is not what the leaf commits to */
export function payloadOf(leaf: OpenedLeaf, what: string): Payload {
  return leaf.payload ?? refuse(leaf.index, `the payload of ${what} is ${leaf.state}`);
}

/** The decision's leaf with its payload. */
export function decisionLeaf(opened: OpenedBundle): { readonly leaf: OpenedLeaf; readonly payload: Payload } {
  const leaf = leafOf(opened, opened.bundle.proof.decision.leaf_hash, 'the decision');
  return { leaf, payload: payloadOf(leaf, 'the decision') };
}

export function parseObject(text: string): Payload | null {
  const parsed = parseStrictJson(Buffer.from(text), RECORD_JSON_LIMITS);
  if (!parsed.ok || typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value))
    return null;
  return { ...parsed.value };
}

/** A number a payload claims; anything else is NaN, which is neither more nor less than any other. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}

/** Dates end before integers do: a time beyond them is shown as it is. */
export function timeText(ms: number): string {
  return Math.abs(ms) <= DATE_MS_MAX ? new Date(ms).toISOString() : `${ms} ms`;
}
const DATE_MS_MAX = 8.64e15;

/** A member that is a text; the empty one when it is none. Whoever logged it chose its type, so it is not converted. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A member that is an object itself; empty when it is none, so that nothing in it equals anything. */
export function memberOf(payload: Payload, name: string): Payload {
  const value = payload[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** A member that is a list; empty when it is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
