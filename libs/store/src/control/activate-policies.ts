import { sha256Text } from '@spendgate/codec';
import type { ControlAct } from '../control-lock.js';
import { execute, query, statement } from '../statement.js';

/** A policy set that loaded and validated; its version is counted here. */
export interface PolicyDeclaration {
  readonly policyId: string;
  readonly setHash: string;
  readonly policyText: string;
  readonly schemaText: string;
}

const STANDING = statement(
  'policies-standing',
  `SELECT policy_id AS "policyId", max(version) AS version, max(set_hash) FILTER (WHERE active) AS "setHash"
   FROM policies WHERE policy_id = ANY ($1::text[]) GROUP BY policy_id`,
);
const DEACTIVATE = statement(
  'policies-deactivate',
  'UPDATE policies SET active = false WHERE policy_id = ANY ($1::text[]) AND active',
);
const INSERT = statement(
  'policies-insert',
  `INSERT INTO policies (policy_id, version, set_hash, policy_text, schema_text, active)
   SELECT p.*, true FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[]) AS p`,
);

// Every deciding transaction shares the control lock: while an act holds it alone, no partition moves.
const PLACES = statement(
  'policies-places',
  String.raw`SELECT name, next::text FROM lanes WHERE name ~ '^(payment-intents|settlement-requests)\.v1/\d+$' ORDER BY name`,
);

/**
 * Puts policy sets in force. One that is in force already (same hash) is left alone; another one becomes the next
 * version, and decides everything from the moment this has returned. Its leaf has its place in each partition: the
 * first offset decided under it.
 *
 * @returns id and version of those that changed
 */
export async function activatePolicies(
  act: ControlAct,
  declared: readonly PolicyDeclaration[],
): Promise<{ policyId: string; version: number }[]> {
  type Standing = { policyId: string; version: number; setHash: string | null };
  const rows = await query<Standing>(act.tx, STANDING, [declared.map((each) => each.policyId)]);
  const standing = new Map(rows.map((row) => [row.policyId, row]));
  const changed = declared
    .filter((each) => standing.get(each.policyId)?.setHash !== each.setHash)
    .map((each) => ({ ...each, version: (standing.get(each.policyId)?.version ?? 0) + 1 }));
  if (changed.length === 0) return [];
  const ids = changed.map((each) => each.policyId);
  await execute(act.tx, DEACTIVATE, [ids]);
  await execute(act.tx, INSERT, [
    ids,
    changed.map((each) => each.version),
    changed.map((each) => each.setHash),
    changed.map((each) => each.policyText),
    changed.map((each) => each.schemaText),
  ]);
  const lanes = await query<{ name: string; next: string }>(act.tx, PLACES);
  const places = Object.fromEntries(lanes.map(({ name, next }) => [name, next]));
  for (const { policyId, version, setHash, policyText, schemaText } of changed) {
    const hashes = { set_hash: setHash, policy_hash: sha256Text(policyText), schema_hash: sha256Text(schemaText) };
    act.record({
      type: 'policy_activated',
      payload: { policy: policyId, version, ...hashes, places },
      event: { name: 'policy_activated', subject: { kind: 'policy', id: `${policyId}/${version}` } },
    });
  }
  return changed.map(({ policyId, version }) => ({ policyId, version }));
}
