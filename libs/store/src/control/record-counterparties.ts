import { canonicalize } from '@spendgate/codec';
import type { ControlAct } from '../control-lock.js';
import { execute, query, statement } from '../statement.js';

/** A payee as declared, whole. */
export interface CounterpartyDeclaration {
  readonly id: string;
  readonly legalName: string;
  /** ISO 18245 merchant category, four digits. */
  readonly category: string;
  readonly accounts?: readonly unknown[];
  /** Who may settle for it. */
  readonly settlementServices: readonly string[];
  /** `external`: the presenter moves the money; else the managed rail the gate calls. */
  readonly rail?: string;
  readonly state?: 'active' | 'disabled';
}

// A text[] per row cannot be unnested from an array of arrays of several lengths, so lists travel as jsonb.
const INPUT = `SELECT w.id, w.name, w.category, w.accounts,
     ARRAY(SELECT jsonb_array_elements_text(w.services)) AS services, w.rail, w.state, w.n
   FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::text[], $7::text[])
     WITH ORDINALITY AS w (id, name, category, accounts, services, rail, state, n)`;
const CHANGED = statement(
  'counterparties-changed',
  `SELECT i.n::int - 1 AS at, c.counterparty_id IS NULL AS is_new FROM (${INPUT}) AS i
   LEFT JOIN counterparties c ON c.counterparty_id = i.id
   WHERE (c.legal_name, c.category::text, c.accounts, c.settlement_services, c.rail, c.state)
     IS DISTINCT FROM (i.name, i.category, i.accounts, i.services, i.rail, i.state) ORDER BY i.n`,
);
const UPSERT = statement(
  'counterparties-upsert',
  `INSERT INTO counterparties AS c
     (counterparty_id, legal_name, category, accounts, settlement_services, rail, state)
   SELECT i.id, i.name, i.category, i.accounts, i.services, i.rail, i.state FROM (${INPUT}) AS i
   ON CONFLICT (counterparty_id) DO UPDATE SET legal_name = excluded.legal_name, category = excluded.category,
     accounts = excluded.accounts, settlement_services = excluded.settlement_services, rail = excluded.rail,
     state = excluded.state, version = c.version + 1`,
);

/** Registers counterparties, or changes those that differ; equal ones are left alone. @returns the ones that changed */
export async function recordCounterparties(
  act: ControlAct,
  declared: readonly CounterpartyDeclaration[],
): Promise<CounterpartyDeclaration[]> {
  const rows = await query<{ at: number; is_new: boolean }>(act.tx, CHANGED, columns(declared));
  const changed = rows.flatMap(({ at, is_new }) => {
    const counterparty = declared[at];
    return counterparty === undefined ? [] : [{ counterparty, isNew: is_new }];
  });
  if (changed.length === 0) return [];
  await execute(act.tx, UPSERT, columns(changed.map(({ counterparty }) => counterparty)));
  for (const { counterparty, isNew } of changed) {
    const state = counterparty.state ?? 'active';
    const name = isNew ? 'registered' : state === 'disabled' ? 'disabled' : 'changed';
    const { id, legalName, category, accounts = [], settlementServices, rail = 'external' } = counterparty;
    const facts = {
      id,
      legal_name: legalName,
      category,
      accounts,
      settlement_services: settlementServices,
      rail,
      state,
    };
    act.record({
      type: 'control_act',
      payload: { act: `counterparty_${name}`, ...facts },
      event: { name: `counterparty_${name}`, subject: { kind: 'counterparty', id } },
    });
  }
  return changed.map(({ counterparty }) => counterparty);
}

function columns(declared: readonly CounterpartyDeclaration[]): unknown[] {
  return [
    declared.map((each) => each.id),
    declared.map((each) => each.legalName),
    declared.map((each) => each.category),
    declared.map((each) => canonicalize(each.accounts ?? [])),
    declared.map((each) => canonicalize(each.settlementServices)),
    declared.map((each) => each.rail ?? 'external'),
    declared.map((each) => each.state ?? 'active'),
  ];
}
