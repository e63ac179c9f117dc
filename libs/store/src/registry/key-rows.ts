import { parsePublicKey } from '@spendgate/artifact';
import { type Queryable, query, statement } from '../statement.js';
import type { PartyRef, RegisteredKey } from './facts.js';
import { type KeyRow, isExplained, loadKeyHistory } from './key-history.js';

const millis = (column: string): string => `round(extract(epoch FROM k.${column}) * 1000)::float8`;
const COLUMNS = `k.kid, k.kind, k.party_id AS "partyId", k.jwk, k.successor_kid AS "successorKid",
  ${millis('active_from')} AS "activeFromMs", ${millis('retired_at')} AS "retiredAtMs",
  ${millis('removed_at')} AS "removedAtMs"`;
const NEWEST_FIRST = 'ORDER BY k.active_from DESC, k.kid';
const OF_OWNERS = statement(
  'registry-keys',
  `SELECT ${COLUMNS} FROM party_keys k WHERE (k.kind, k.party_id) IN (
     SELECT o.kind, o.party_id FROM party_keys o WHERE o.kid = ANY ($1::text[])) ${NEWEST_FIRST}`,
);
const OF_PARTIES = statement(
  'registry-party-keys',
  `SELECT ${COLUMNS} FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS w (kind, party_id)) AS w
   JOIN party_keys k USING (kind, party_id) ${NEWEST_FIRST}`,
);

/** A removed key was never active at any time: whatever it signed is `key_retired`. */
const NEVER_ACTIVE_MS = 0;

/** The keys of these ids, removed ones too, each judged with all keys of whoever it belongs to. */
export async function loadKeys(tx: Queryable, kids: readonly string[]): Promise<RegisteredKey[]> {
  const wanted = new Set(kids);
  const rows = await query<KeyRow & Record<string, unknown>>(tx, OF_OWNERS, [kids]);
  const sets = await judged(tx, rows, []);
  return [...sets.values()].flatMap(({ keys }) => keys.filter(({ kid }) => wanted.has(kid)));
}

/** Keys of one party, as the registry's rows and the log's leaves have them together. */
export interface KeySetOfParty {
  /** Usable or not, the newest first. */
  readonly keys: readonly RegisteredKey[];
  readonly continuity: RegisteredKey['continuity'];
}

/** By `kind/id`: the keys of each party, and whether the log explains them; also of a party that has lost all its rows. */
export async function loadPartyKeys(tx: Queryable, parties: readonly PartyRef[]): Promise<Map<string, KeySetOfParty>> {
  const values = [parties.map((ref) => ref.kind), parties.map((ref) => ref.id)];
  const rows = await query<KeyRow & Record<string, unknown>>(tx, OF_PARTIES, values);
  return judged(tx, rows, parties);
}

async function judged(
  tx: Queryable,
  rows: readonly KeyRow[],
  parties: readonly PartyRef[],
): Promise<Map<string, KeySetOfParty>> {
  const byParty = new Map<string, { ref: PartyRef; rows: KeyRow[] }>();
  for (const ref of parties) byParty.set(`${ref.kind}/${ref.id}`, { ref, rows: [] });
  for (const row of rows) {
    const name = `${row.kind}/${row.partyId}`;
    const own = byParty.get(name) ?? { ref: { kind: row.kind, id: row.partyId }, rows: [] };
    own.rows.push(row);
    byParty.set(name, own);
  }
  const refs = [...byParty.values()].map(({ ref }) => ref);
  const history = await loadKeyHistory(tx, refs);
  const sets = new Map<string, KeySetOfParty>();
  for (const [name, { rows: own }] of byParty) {
    const continuity = isExplained(own, history.get(name) ?? []) ? 'verified' : 'broken';
    sets.set(name, { keys: own.flatMap((row) => toKey(row, continuity)), continuity });
  }
  return sets;
}

/** Checked again on the way out: a row edited into a weak or foreign key is no key. */
function toKey(row: KeyRow, continuity: RegisteredKey['continuity']): RegisteredKey[] {
  const { kid, kind, partyId: party, successorKid, activeFromMs } = row;
  const isRemoved = row.removedAtMs !== null;
  const purpose = kind === 'settlement_service' ? 'settlement' : kind;
  const retiredAtMs = isRemoved ? NEVER_ACTIVE_MS : row.retiredAtMs;
  const parsed = parsePublicKey(row.jwk, { purpose, party, activeFromMs, retiredAtMs });
  if (!parsed.ok || parsed.key.kid !== kid) return [];
  return [{ ...parsed.key, partyKind: kind, party, successorKid, isRemoved, continuity }];
}
