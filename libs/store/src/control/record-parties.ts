import { canonicalize } from '@spendgate/codec';
import type { ControlAct } from '../control-lock.js';
import type { PartyKind } from '../registry/facts.js';
import { execute, query, statement } from '../statement.js';

/** A party as declared; the whole of it, not a change to it. */
export interface PartyDeclaration {
  readonly kind: PartyKind;
  readonly id: string;
  readonly name: string;
  readonly state?: 'active' | 'disabled';
  /** Whatever else its kind needs (roles of a person, …): plain JSON. */
  readonly body?: unknown;
}

const CHANGED = statement(
  'parties-changed',
  `SELECT w.n::int - 1 AS at, p.party_id IS NULL AS is_new
   FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[])
     WITH ORDINALITY AS w (kind, party_id, name, state, body, n)
   LEFT JOIN parties p USING (kind, party_id)
   WHERE (p.name, p.state, p.body) IS DISTINCT FROM (w.name, w.state, w.body) ORDER BY w.n`,
);
const UPSERT = statement(
  'parties-upsert',
  `INSERT INTO parties AS p (kind, party_id, name, state, body)
   SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[])
   ON CONFLICT (kind, party_id) DO UPDATE
     SET name = excluded.name, state = excluded.state, body = excluded.body, version = p.version + 1`,
);

/**
 * Registers parties, or changes those that differ from what is recorded; equal ones are left alone. Disabling an agent
 * here stops it at once: the act holds the exclusive control lock.
 *
 * @returns the ones that changed
 */
export async function recordParties(
  act: ControlAct,
  parties: readonly PartyDeclaration[],
): Promise<PartyDeclaration[]> {
  const rows = await query<{ at: number; is_new: boolean }>(act.tx, CHANGED, columns(parties));
  const changed = rows.flatMap(({ at, is_new }) => {
    const party = parties[at];
    return party === undefined ? [] : [{ party, isNew: is_new }];
  });
  if (changed.length === 0) return [];
  await execute(act.tx, UPSERT, columns(changed.map(({ party }) => party)));
  for (const { party, isNew } of changed) {
    const state = party.state ?? 'active';
    const name = isNew ? 'party_registered' : state === 'disabled' ? 'party_disabled' : 'party_changed';
    const payload = { act: name, kind: party.kind, id: party.id, name: party.name, state, body: party.body ?? {} };
    act.record({ type: 'control_act', payload, event: { name, subject: { kind: party.kind, id: party.id } } });
  }
  return changed.map(({ party }) => party);
}

function columns(parties: readonly PartyDeclaration[]): unknown[] {
  return [
    parties.map((each) => each.kind),
    parties.map((each) => each.id),
    parties.map((each) => each.name),
    parties.map((each) => each.state ?? 'active'),
    parties.map((each) => canonicalize(each.body ?? {})),
  ];
}
