import type { ControlAct } from '../control-lock.js';
import { query, statement } from '../statement.js';
import { endHolds, lockTrees } from './end-holds.js';

const FLOWS = statement(
  'revoke-artifacts-flows',
  'SELECT DISTINCT flow_id FROM artifacts WHERE artifact_id = ANY ($1::uuid[])',
);
const HOLDS = statement(
  'revoke-artifacts-holds',
  `SELECT hold_id AS "holdId", flow_id AS "flowId", artifact_id AS "artifactId" FROM artifacts
   WHERE artifact_id = ANY ($1::uuid[]) AND status <> 1`,
);

/**
 * Revokes artifacts and releases what their holds still keep back. Money in capture or captured is not touched.
 *
 * Takes locks down to the holds, so it is the last locking step of its act.
 *
 * @param reason shown to auditors @returns the ones revoked now; unknown and revoked ones are left out
 */
export async function revokeIssuedArtifacts(
  act: ControlAct,
  artifactIds: readonly string[],
  reason: string,
): Promise<string[]> {
  const rows = await query<{ flow_id: string }>(act.tx, FLOWS, [artifactIds]);
  if (rows.length === 0) return [];
  await lockTrees(
    act,
    rows.map((row) => row.flow_id),
  );
  return endHolds(act, { statement: HOLDS, values: [artifactIds] }, reason, () => null);
}
