import type { ControlAct } from '../control-lock.js';
import { lock, locking } from '../lock-order.js';
import { type Statement, execute, query, statement } from '../statement.js';

/** A hold still open, with the artifact that may draw on it. */
export interface OpenHold {
  readonly holdId: string;
  readonly flowId: string;
  readonly artifactId: string;
}

const LOCK_FLOWS = locking(
  'flows',
  'end-holds-lock-flows',
  'SELECT flow_id FROM flows WHERE flow_id = ANY ($1::uuid[]) ORDER BY flow_id FOR NO KEY UPDATE',
);
const LOCK_BUDGETS = locking(
  'budgets',
  'end-holds-lock-budgets',
  `SELECT mandate_id FROM budgets WHERE mandate_id IN (
     SELECT unnest(path) FROM mandates WHERE mandate_id = ANY ($1::uuid[]))
   ORDER BY depth, mandate_id FOR NO KEY UPDATE`,
);
const LOCK_ARTIFACTS = locking(
  'artifacts',
  'end-holds-lock-artifacts',
  `SELECT artifact_id FROM artifacts WHERE (artifact_id, flow_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
   ORDER BY artifact_id FOR NO KEY UPDATE`,
);
const LOCK_HOLDS = locking(
  'holds',
  'end-holds-lock-holds',
  `SELECT hold_id FROM holds WHERE (hold_id, flow_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
   ORDER BY hold_id FOR NO KEY UPDATE`,
);
/** Every level of a hold's path gives back the same amount. What is in capture stays until the rail has answered. */
const GIVE_BACK = statement(
  'end-holds-give-back',
  `UPDATE budgets b SET held = b.held - d.held FROM (
     SELECT level, sum(h.held) AS held FROM holds h, unnest(h.path) AS level
     WHERE (h.hold_id, h.flow_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])) AND NOT h.ended GROUP BY level) AS d
   WHERE b.mandate_id = d.level`,
);
// A hold that ends without a capture leaves the bucket it entered, when the bucket's place is still its own.
const UNCOUNT = statement(
  'end-holds-uncount',
  `UPDATE counters c SET amount = c.amount - d.amount FROM (
     SELECT h.path[(e.entry->>0)::int + 1] AS mandate_id, e.entry->>1 AS counter, (e.entry->>2)::smallint AS slot,
       (e.entry->>3)::bigint AS starts_ms, sum(h.amount) AS amount
     FROM holds h, jsonb_array_elements(h.counters) AS e (entry)
     WHERE (h.hold_id, h.flow_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
       AND NOT h.ended AND h.captured = 0 AND h.capturing = 0
     GROUP BY 1, 2, 3, 4) AS d
   WHERE c.mandate_id = d.mandate_id AND c.counter = d.counter AND c.slot = d.slot AND c.starts_ms = d.starts_ms`,
);
const END = statement(
  'end-holds-end',
  `UPDATE holds SET released = released + held, held = 0, ended = true, version = version + 1
   WHERE (hold_id, flow_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])) AND NOT ended`,
);
const REVOKE = statement(
  'end-holds-revoke-artifacts',
  `UPDATE artifacts SET status = 1
   WHERE (artifact_id, flow_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])) AND status <> 1
   RETURNING artifact_id, flow_id`,
);

/** Locks flows and every budget level over them, in the lock order; afterwards their holds no longer move. */
export async function lockTrees(act: ControlAct, flowIds: readonly string[]): Promise<void> {
  await lock(act.tx, LOCK_FLOWS, [flowIds]);
  await lock(act.tx, LOCK_BUDGETS, [flowIds]);
}

/**
 * Ends holds and revokes their artifacts, after {@link lockTrees}: uncaptured money is free again at every level.
 *
 * @param find selects the holds, as {@link OpenHold} rows; its values follow
 * @param cause of each artifact's leaf: by flow, the leaf that led to it
 * @returns the artifacts revoked now
 */
export async function endHolds(
  act: ControlAct,
  find: { readonly statement: Statement; readonly values: readonly unknown[] },
  reason: string,
  cause: (flowId: string) => Buffer | null,
): Promise<string[]> {
  const holds = await query<OpenHold & Record<string, unknown>>(act.tx, find.statement, find.values);
  if (holds.length === 0) return [];
  const flows = holds.map((hold) => hold.flowId);
  const artifacts = [holds.map((hold) => hold.artifactId), flows];
  const keys = [holds.map((hold) => hold.holdId), flows];
  await lock(act.tx, LOCK_ARTIFACTS, artifacts);
  await lock(act.tx, LOCK_HOLDS, keys);
  await execute(act.tx, GIVE_BACK, keys);
  await execute(act.tx, UNCOUNT, keys);
  await execute(act.tx, END, keys);
  const revoked = await query<{ artifact_id: string; flow_id: string }>(act.tx, REVOKE, artifacts);
  for (const { artifact_id: id, flow_id: flow } of revoked) {
    const led = cause(flow);
    act.record({
      type: 'artifact_revoked',
      payload: { artifact: id, flow, status: 1, reason },
      causes: led === null ? [] : [led],
      event: { name: 'artifact_revoked', subject: { kind: 'artifact', id } },
    });
  }
  return revoked.map((row) => row.artifact_id);
}
