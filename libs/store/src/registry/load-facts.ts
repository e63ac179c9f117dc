import { parsePublicKey } from '@spendgate/artifact';
import { type Transaction, query, statement } from '../statement.js';
import type { ActivePolicy, PartyKind, PartyFacts, PartyRef, RegisteredCounterparty, RegisteredKey } from './facts.js';
import { MANDATE_COLUMNS, type MandateRow, type RegisteredMandate, toMandate } from './mandate-row.js';

const KEY_COLUMNS = `k.kid, k.kind, k.party_id, k.jwk, k.active_from, k.retired_at, k.successor_kid`;
const POLICIES = statement(
  'registry-policies',
  `SELECT policy_id AS "policyId", version, set_hash AS "setHash", policy_text AS "policyText",
     schema_text AS "schemaText" FROM policies WHERE active`,
);
const HALTS = statement(
  'registry-halts',
  "SELECT scope || ' ' || target_id AS halt FROM halts WHERE released_at IS NULL AND scope <> 'artifact'",
);
const KEYS = statement(
  'registry-keys',
  `SELECT ${KEY_COLUMNS} FROM party_keys k WHERE k.kid = ANY ($1::text[]) AND k.removed_at IS NULL`,
);
const PARTIES = statement(
  'registry-parties',
  `SELECT p.kind, p.party_id AS id, p.name, p.state, p.body FROM unnest($1::text[], $2::text[]) AS w (kind, party_id)
   JOIN parties p USING (kind, party_id)`,
);
const PARTY_KEYS = statement(
  'registry-party-keys',
  `SELECT ${KEY_COLUMNS} FROM unnest($1::text[], $2::text[]) AS w (kind, party_id)
   JOIN party_keys k USING (kind, party_id) WHERE k.removed_at IS NULL ORDER BY k.active_from DESC, k.kid`,
);
const COUNTERPARTIES = statement(
  'registry-counterparties',
  `SELECT counterparty_id AS id, legal_name AS "legalName", state, category, settlement_services AS "settlementServices",
     rail, accounts FROM counterparties WHERE counterparty_id = ANY ($1::text[])`,
);
const MANDATES = statement(
  'registry-mandates',
  `SELECT ${MANDATE_COLUMNS} FROM mandates m WHERE m.mandate_id IN (
     SELECT unnest(w.path) FROM mandates w WHERE w.mandate_id = ANY ($1::uuid[]))`,
);

interface KeyRow {
  kid: string;
  kind: PartyKind;
  party_id: string;
  jwk: unknown;
  active_from: Date;
  retired_at: Date | null;
  successor_kid: string | null;
}

export async function loadPolicies(tx: Transaction): Promise<ActivePolicy[]> {
  return query<ActivePolicy & Record<string, unknown>>(tx, POLICIES);
}

/** Standing halts wider than a flow, as `scope id`. */
export async function loadHalts(tx: Transaction): Promise<string[]> {
  return (await query<{ halt: string }>(tx, HALTS)).map(({ halt }) => halt);
}

export async function loadKeys(tx: Transaction, kids: readonly string[]): Promise<RegisteredKey[]> {
  return (await query<KeyRow & Record<string, unknown>>(tx, KEYS, [kids])).flatMap(toKey);
}

/** With their keys. */
export async function loadParties(tx: Transaction, refs: readonly PartyRef[]): Promise<PartyFacts[]> {
  const values = [refs.map((ref) => ref.kind), refs.map((ref) => ref.id)];
  const parties = await query<Omit<PartyFacts, 'keys'> & Record<string, unknown>>(tx, PARTIES, values);
  const keys = (await query<KeyRow & Record<string, unknown>>(tx, PARTY_KEYS, values)).flatMap(toKey);
  const byParty = group(keys);
  return parties.map((party) => ({ ...party, keys: byParty.get(`${party.kind}/${party.id}`) ?? [] }));
}

export function loadCounterparties(tx: Transaction, ids: readonly string[]): Promise<RegisteredCounterparty[]> {
  return query<RegisteredCounterparty & Record<string, unknown>>(tx, COUNTERPARTIES, [ids]);
}

/** With all their ancestors, each under its id. */
export async function loadMandates(
  tx: Transaction,
  ids: readonly string[],
): Promise<Map<string, RegisteredMandate | 'unknown'>> {
  const rows = await query<MandateRow & Record<string, unknown>>(tx, MANDATES, [ids]);
  return new Map(rows.map((row) => [row.mandate_id, toMandate(row)]));
}

function group(keys: readonly RegisteredKey[]): Map<string, RegisteredKey[]> {
  const byParty = new Map<string, RegisteredKey[]>();
  for (const key of keys) {
    const name = `${key.partyKind}/${key.party}`;
    byParty.set(name, [...(byParty.get(name) ?? []), key]);
  }
  return byParty;
}

/** Checked again on the way out: a row edited into a weak or foreign key is no key. */
function toKey(row: KeyRow): RegisteredKey[] {
  const parsed = parsePublicKey(row.jwk, {
    purpose: row.kind === 'settlement_service' ? 'settlement' : row.kind,
    party: row.party_id,
    activeFromMs: row.active_from.getTime(),
    retiredAtMs: row.retired_at?.getTime() ?? null,
  });
  if (!parsed.ok || parsed.key.kid !== row.kid) return [];
  return [{ ...parsed.key, partyKind: row.kind, party: row.party_id, successorKid: row.successor_kid }];
}
