import { type Queryable, type Transaction, query, statement } from '../statement.js';
import type { ActivePolicy, PartyFacts, PartyRef, RegisteredCounterparty } from './facts.js';
import { loadPartyKeys } from './key-rows.js';
import { MANDATE_COLUMNS, type MandateRow, type RegisteredMandate, toMandate } from './mandate-row.js';

const POLICIES = statement(
  'registry-policies',
  `SELECT policy_id AS "policyId", version, set_hash AS "setHash", policy_text AS "policyText",
     schema_text AS "schemaText" FROM policies WHERE active`,
);
const HALTS = statement(
  'registry-halts',
  "SELECT scope || ' ' || target_id AS halt FROM halts WHERE released_at IS NULL AND scope <> 'artifact'",
);
const PARTIES = statement(
  'registry-parties',
  `SELECT p.kind, p.party_id AS id, p.name, p.state, p.body FROM unnest($1::text[], $2::text[]) AS w (kind, party_id)
   JOIN parties p USING (kind, party_id)`,
);
const COUNTERPARTIES = statement(
  'registry-counterparties',
  `SELECT counterparty_id AS id, legal_name AS "legalName", state, category, settlement_services AS "settlementServices",
     rail, accounts FROM counterparties WHERE counterparty_id = ANY ($1::text[])`,
);
// OFFSET 0 keeps the lookup by key: as a join it is planned as a scan of all mandates, at every control act.
const NAMED_MANDATES = statement(
  'registry-mandates',
  `SELECT ${MANDATE_COLUMNS} FROM (
     SELECT DISTINCT unnest(w.path) AS id FROM mandates w WHERE w.mandate_id = ANY ($1::uuid[])) AS named
   CROSS JOIN LATERAL (SELECT * FROM mandates WHERE mandate_id = named.id OFFSET 0) AS m`,
);

export async function loadPolicies(tx: Transaction): Promise<ActivePolicy[]> {
  return query<ActivePolicy & Record<string, unknown>>(tx, POLICIES);
}

/** Standing halts wider than a flow, as `scope id`. */
export async function loadHalts(tx: Transaction): Promise<string[]> {
  return (await query<{ halt: string }>(tx, HALTS)).map(({ halt }) => halt);
}

/** With their keys. */
export async function loadParties(tx: Queryable, refs: readonly PartyRef[]): Promise<PartyFacts[]> {
  const values = [refs.map((ref) => ref.kind), refs.map((ref) => ref.id)];
  const parties = await query<Omit<PartyFacts, 'keys' | 'continuity'> & Record<string, unknown>>(tx, PARTIES, values);
  const sets = await loadPartyKeys(tx, refs);
  return parties.map((party) => {
    const { keys, continuity } = sets.get(`${party.kind}/${party.id}`) ?? { keys: [], continuity: 'broken' };
    return { ...party, keys: keys.filter(({ isRemoved }) => !isRemoved), continuity };
  });
}

export function loadCounterparties(tx: Transaction, ids: readonly string[]): Promise<RegisteredCounterparty[]> {
  return query<RegisteredCounterparty & Record<string, unknown>>(tx, COUNTERPARTIES, [ids]);
}

/** With all their ancestors, each under its id. */
export async function loadMandates(
  tx: Transaction,
  ids: readonly string[],
): Promise<Map<string, RegisteredMandate | 'unknown'>> {
  const rows = await query<MandateRow & Record<string, unknown>>(tx, NAMED_MANDATES, [ids]);
  return new Map(rows.map((row) => [row.mandate_id, toMandate(row)]));
}
