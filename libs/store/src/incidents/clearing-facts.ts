import type { Evidence } from '@spendgate/core';
import { loadParties } from '../registry/load-facts.js';
import { type Queryable, query, statement } from '../statement.js';

// Each is a fact of now, looked up in the act that clears: a person's word does not stand for it.
const FACTS = statement(
  'incident-clearing-facts',
  `SELECT
     EXISTS (
       SELECT FROM attestations a WHERE a.agent_id = m.agent_id AND a.recorded_at > i.opened_at
         AND a.valid_until > clock_timestamp() AND NOT a.debug AND NOT a.compromised
         AND NOT EXISTS (
           SELECT FROM mandates l WHERE l.mandate_id = ANY (m.path)
             AND jsonb_typeof(l.claims::jsonb -> 'environment') = 'object'
             AND NOT l.claims::jsonb -> 'environment' -> 'measurements' ? a.measurement)) AS fresh_attestation,
     EXISTS (
       SELECT FROM party_keys k WHERE k.kind = 'agent' AND k.party_id = m.agent_id AND k.removed_at IS NULL
         AND (k.retired_at IS NULL OR k.retired_at > clock_timestamp())) AS active_keys,
     EXISTS (
       SELECT FROM policies p WHERE p.active AND p.policy_id = m.claims::jsonb -> 'policy' ->> 'id') AS active_policy,
     NOT EXISTS (
       SELECT FROM budgets b, LATERAL (
         SELECT coalesce(sum(h.held), 0) AS held, coalesce(sum(h.capturing), 0) AS capturing,
           coalesce(sum(h.captured), 0) AS captured, coalesce(sum(h.restored), 0) AS refunded
         FROM holds h WHERE h.root_id = m.root_id AND b.mandate_id = ANY (h.path)) AS s
       WHERE b.mandate_id = ANY (m.path)
         AND (b.held, b.capturing, b.captured, b.refunded) <> (s.held, s.capturing, s.captured, s.refunded))
       AS books_balanced,
     m.agent_id AS agent,
     ARRAY(SELECT DISTINCT h.audience FROM holds h WHERE h.flow_id = i.flow_id AND NOT h.ended) AS audiences
   FROM incidents i JOIN mandates m ON m.mandate_id = i.flow_id WHERE i.incident_id = $1`,
);

interface Row extends Record<Exclude<Evidence, 'document' | 'word'>, boolean> {
  readonly agent: string | null;
  readonly audiences: readonly string[];
}

/** The evidence that holds now for an incident; a document is there when the act names its hash. */
export async function readClearingFacts(
  db: Queryable,
  incidentId: string,
  documentHash: string | null,
): Promise<ReadonlySet<Evidence>> {
  const [row] = await query<Row & Record<string, unknown>>(db, FACTS, [incidentId]);
  const facts = new Set<Evidence>(['word']);
  if (documentHash !== null) facts.add('document');
  for (const name of ['fresh_attestation', 'active_keys', 'active_policy', 'books_balanced'] as const) {
    if (row?.[name] === true) facts.add(name);
  }
  if (row !== undefined && !(await areKeysExplained(db, row))) facts.delete('active_keys');
  return facts;
}

/** Signed transitions explain every key behind the flow: a key somebody planted would enter the new baseline. */
async function areKeysExplained(db: Queryable, { agent, audiences }: Row): Promise<boolean> {
  const services = audiences.map((id) => ({ kind: 'settlement_service' as const, id }));
  const refs = agent === null ? services : [{ kind: 'agent' as const, id: agent }, ...services];
  const parties = await loadParties(db, refs);
  return parties.length === refs.length && parties.every(({ continuity }) => continuity === 'verified');
}
