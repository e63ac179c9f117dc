import { type FlowEvent, type FlowState, LIFECYCLE } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import { execute, query, statement } from '../statement.js';
import { endHolds, lockTrees } from './end-holds.js';
import { closeRevoked } from '../incidents/close-incidents.js';
import { moveFlows, readFlows } from './move-flows.js';
import { recordTransitions } from './open-flows.js';

export interface MandateRevocation {
  readonly mandateIds: readonly string[];
  /** Party id of who revokes: the principal, or the person who made it final. */
  readonly by: string;
  readonly reason: string;
}

export interface RevokedMandates {
  /** The named ones and all under them that were not revoked before. */
  readonly mandates: readonly string[];
  readonly artifacts: readonly string[];
}

const TREE = statement(
  'revoke-mandates-tree',
  `WITH RECURSIVE under AS (
     SELECT mandate_id, root_id, revoked_at FROM mandates WHERE mandate_id = ANY ($1::uuid[])
     UNION
     SELECT m.mandate_id, m.root_id, m.revoked_at FROM mandates m JOIN under u ON m.parent_id = u.mandate_id)
   SELECT mandate_id, root_id FROM under WHERE revoked_at IS NULL ORDER BY mandate_id`,
);
const HOLDS = statement(
  'revoke-mandates-holds',
  `SELECT hold_id AS "holdId", flow_id AS "flowId", artifact_id AS "artifactId" FROM holds
   WHERE root_id = ANY ($1::uuid[]) AND NOT ended AND flow_id = ANY ($2::uuid[])`,
);
const REVOKE = statement(
  'revoke-mandates-revoke',
  'UPDATE mandates SET revoked_at = to_timestamp($2 / 1000.0) WHERE mandate_id = ANY ($1::uuid[])',
);

/** The way to `revoked` from each state: through drift (operator), containment and recovery; no phase is skipped. */
const WAY: Readonly<Record<FlowState, readonly FlowEvent[]>> = {
  baseline: ['drift_found', 'flow_contained', 'recovery_opened', 'flow_revoked'],
  authorized: ['drift_found', 'flow_contained', 'recovery_opened', 'flow_revoked'],
  activated: ['drift_found', 'flow_contained', 'recovery_opened', 'flow_revoked'],
  executing: ['drift_found', 'flow_contained', 'recovery_opened', 'flow_revoked'],
  drifting: ['flow_contained', 'recovery_opened', 'flow_revoked'],
  contained: ['recovery_opened', 'flow_revoked'],
  recovering: ['flow_revoked'],
  revalidated: [],
  proven: [],
  revoked: [],
  archived: [],
};

/**
 * Ends mandates for good, with every mandate under them: their flows are revoked, their artifacts dead, their holds
 * free. When the act has committed nothing can be authorized or captured under any of them (I7).
 *
 * Takes locks down to the holds, so it is the last locking step of its act.
 */
export async function revokeMandates(act: ControlAct, revocation: MandateRevocation): Promise<RevokedMandates> {
  const tree = await query<{ mandate_id: string; root_id: string }>(act.tx, TREE, [revocation.mandateIds]);
  if (tree.length === 0) return { mandates: [], artifacts: [] };
  const ids = tree.map((row) => row.mandate_id);
  await lockTrees(act, ids);
  await execute(act.tx, REVOKE, [ids, act.atMs]);
  const leaves = await revokeFlows(act, ids, revocation);
  const roots = [...new Set(tree.map((row) => row.root_id))];
  const find = { statement: HOLDS, values: [roots, ids] };
  const artifacts = await endHolds(act, find, 'mandate_revoked', (flowId) => leaves.get(flowId) ?? null);
  return { mandates: ids, artifacts };
}

/** @returns by flow, the leaf of its last step */
async function revokeFlows(
  act: ControlAct,
  ids: readonly string[],
  { by, reason }: MandateRevocation,
): Promise<Map<string, Buffer>> {
  const moved = (await readFlows(act, ids)).map((flow) => {
    const { flowId, state } = flow;
    const revoked = act.record({
      type: 'mandate_revoked',
      payload: { mandate: flowId, by, reason, phase: LIFECYCLE[state].phase },
      event: { name: 'mandate_revoked', subject: { kind: 'mandate', id: flowId } },
    });
    const end = recordTransitions(act, flow, WAY[state], revoked);
    return { ...end, leafHash: end.leafHash ?? revoked };
  });
  await moveFlows(act, moved);
  const ended = moved.filter(({ state }) => state === 'revoked');
  await closeRevoked(act, ended);
  return new Map(moved.map((flow) => [flow.flowId, flow.leafHash]));
}
