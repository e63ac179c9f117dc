import { parsePublicKey } from '@spendgate/artifact';
import { canonicalize, leafHashOf, opensCommitment, parseLeaf } from '@spendgate/codec';
import { CONTROL_LANE } from '../control-lock.js';
import { type Queryable, query, statement } from '../statement.js';
import type { PartyKind, PartyRef } from './facts.js';

/** One row of `party_keys`; times in Unix ms. */
export interface KeyRow {
  readonly kid: string;
  readonly kind: PartyKind;
  readonly partyId: string;
  readonly jwk: unknown;
  readonly activeFromMs: number;
  readonly retiredAtMs: number | null;
  readonly removedAtMs: number | null;
  readonly successorKid: string | null;
}

/** A leaf that says something about a party's keys. */
export interface KeyLeaf {
  /** Position in the control lane. */
  readonly seq: bigint;
  readonly leafHash: Buffer;
  readonly leaf: string;
  readonly payload: string;
  readonly salt: Buffer | null;
}

/** What the payload of a `key_changed` leaf says; members it does not have are absent. */
export interface KeyAct {
  readonly act: string;
  readonly kid: string;
  readonly kind: string;
  readonly party: string;
  readonly jwk?: unknown;
  readonly successor?: string | null;
  readonly active_from_ms?: number;
  readonly retired_at_ms?: number;
  /** `key-transition+jwt` of a rotation. */
  readonly token?: string;
}

const HISTORY = statement(
  'registry-key-history',
  `SELECT l.seq, l.leaf_hash AS "leafHash", l.leaf, l.payload, l.salt
   FROM (SELECT DISTINCT party_id FROM unnest($1::text[]) AS p (party_id)) AS w
   CROSS JOIN LATERAL (
     SELECT * FROM leaves k WHERE substring(k.payload from '"party":"([^"]*)"') = w.party_id
       AND k.payload LIKE '{"act":"key\\_%' OFFSET 0) AS l -- by its index for each party: a join would read all leaves
   WHERE l.lane_id = (SELECT lane_id FROM lanes WHERE name = '${CONTROL_LANE}') ORDER BY l.seq`,
);

/** Every leaf about keys of these parties, in the order the acts were made, by `kind/id`. */
export async function loadKeyHistory(tx: Queryable, parties: readonly PartyRef[]): Promise<Map<string, KeyLeaf[]>> {
  const byParty = new Map<string, KeyLeaf[]>();
  if (parties.length === 0) return byParty;
  const ids = parties.map(({ id }) => id);
  for (const leaf of await query<KeyLeaf & Record<string, unknown>>(tx, HISTORY, [ids])) {
    const act = actOf(leaf);
    const name = `${act.kind}/${act.party}`;
    byParty.set(name, [...(byParty.get(name) ?? []), leaf]);
  }
  return byParty;
}

const UNREADABLE: KeyAct = { act: 'unreadable', kid: '', kind: '', party: '' };

/** What a leaf says, whether or not it is what the log holds; a payload edited into something else says nothing. */
export function actOf({ payload }: Pick<KeyLeaf, 'payload'>): KeyAct {
  try {
    return JSON.parse(payload) as KeyAct; // as: the payload of key/1; `isExplained` believes it by its hash only
  } catch {
    return UNREADABLE;
  }
}

/** What the leaves explain of one key. */
interface Explained {
  readonly jwk: string;
  /** `null`: not stated, as by leaves of releases before this check. */
  readonly activeFromMs: number | null;
  retiredAtMs: number | 'some' | null;
  removed: boolean;
  successor: string | null;
}

/**
 * Whether signed continuity explains every key row of a party: the same keys, each enrolled by a leaf of the log, none
 * retired, removed, brought back, moved in time or given a successor by anything else.
 *
 * @param rows all rows of the party, removed ones too
 * @param leaves all its leaves, in order
 */
export function isExplained(rows: readonly KeyRow[], leaves: readonly KeyLeaf[]): boolean {
  const keys = new Map<string, Explained>();
  for (const leaf of leaves) {
    const timeMs = timeOf(leaf);
    if (timeMs === null || !apply(keys, actOf(leaf), timeMs)) return false;
  }
  return rows.length === keys.size && rows.every((row) => isSame(row, keys.get(row.kid)));
}

/** Unix ms of a leaf that is what its hash says; `null` of one that was edited. */
function timeOf({ leaf, leafHash, payload, salt }: KeyLeaf): number | null {
  const parsed = parseLeaf(Buffer.from(leaf));
  if (!parsed.ok || salt === null || parsed.leaf.type !== 'key_changed') return null;
  const isWhole = leafHashOf(leaf).equals(leafHash) && opensCommitment(parsed.leaf, salt, payload);
  return isWhole ? parsed.leaf.time : null;
}

/** @returns false for an act that cannot follow those before it */
function apply(keys: Map<string, Explained>, act: KeyAct, timeMs: number): boolean {
  const known = keys.get(act.kid);
  if (act.act === 'key_added') {
    if (known !== undefined) return false;
    const activeFromMs = act.active_from_ms ?? null;
    const jwk = canonicalize(act.jwk);
    keys.set(act.kid, { jwk, activeFromMs, retiredAtMs: null, removed: false, successor: null });
    return true;
  }
  if (known === undefined) return false;
  if (act.act === 'key_retired') {
    known.retiredAtMs = act.retired_at_ms ?? 'some';
    known.successor = act.successor ?? known.successor;
    return true;
  }
  if (act.act !== 'key_removed') return act.act === 'key_rotated';
  known.removed = true;
  known.retiredAtMs = typeof known.retiredAtMs === 'number' ? Math.min(known.retiredAtMs, timeMs) : 'some';
  return true;
}

function isSame(row: KeyRow, said: Explained | undefined): boolean {
  const parsed = parsePublicKey(row.jwk);
  if (said === undefined || !parsed.ok || parsed.key.kid !== row.kid) return false;
  if (canonicalize(parsed.key.jwk) !== said.jwk || row.successorKid !== said.successor) return false;
  if (said.activeFromMs !== null && row.activeFromMs !== said.activeFromMs) return false;
  if (said.removed !== (row.removedAtMs !== null)) return false;
  return said.retiredAtMs === 'some' ? row.retiredAtMs !== null : row.retiredAtMs === said.retiredAtMs;
}
