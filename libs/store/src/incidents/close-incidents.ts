import type { ControlAct } from '../control-lock.js';
import type { MovingFlow } from '../control/open-flows.js';
import { execute, statement } from '../statement.js';
import { incidentIdOf } from './contain-flow.js';

const CLOSE = statement(
  'incidents-close-revoked',
  `UPDATE incidents i SET state = 'revoked', version = version + 1, closed_at = to_timestamp($3::float8 / 1000),
     closing_leaf = c.leaf
   FROM unnest($1::uuid[], $2::bytea[]) AS c (flow_id, leaf) WHERE i.flow_id = c.flow_id AND i.closed_at IS NULL`,
);
// Revoked in normal running: drift, containment and recovery are steps of this one act, and so is its incident.
const OPEN_CLOSED = statement(
  'incidents-insert-revoked',
  `INSERT INTO incidents (incident_id, flow_id, epoch, state, case_id, rule, opened_at, due_at, closed_at, opened_leaf,
     closing_leaf)
   SELECT c.incident_id, c.flow_id, c.epoch, 'revoked', c.incident_id, 'operator.revoke', t.at, t.at, t.at, c.leaf, c.leaf
   FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::bytea[]) AS c (incident_id, flow_id, epoch, leaf),
     (SELECT to_timestamp($5::float8 / 1000) AS at) AS t
   ON CONFLICT DO NOTHING`,
);

/** Closes the incidents of flows revoked for good; each is over once its last leaf is under a signed head. */
export async function closeRevoked(
  act: ControlAct,
  flows: readonly (MovingFlow & { readonly leafHash: Buffer })[],
): Promise<void> {
  if (flows.length === 0) return;
  const ids = flows.map(({ flowId }) => flowId);
  const leaves = flows.map(({ leafHash }) => leafHash);
  await execute(act.tx, CLOSE, [ids, leaves, act.atMs]);
  const epochs = flows.map(({ epoch }) => epoch);
  await execute(act.tx, OPEN_CLOSED, [flows.map(incidentIdOf), ids, epochs, leaves, act.atMs]);
}
