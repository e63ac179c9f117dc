import type { FlowEvent } from '@spendgate/core';
import { proposeBaseline } from './propose-baseline.js';
import { type ControlAct, inControlAct } from '../control-lock.js';
import { toBaseline } from '../control/baselines.js';
import { readMovingFlows } from '../control/move-flows.js';
import { recordBaseline, recordTransitions } from '../control/open-flows.js';
import type { Pool } from '../pool.js';
import { execute, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

const AT_ONCE = 100;
// The closing leaf lies under a signed head: whoever holds the bundle can prove how the incident ended.
const PROVABLE = statement(
  'incidents-provable',
  `SELECT i.incident_id AS id, i.flow_id AS "flowId", i.state, i.baseline, i.closing_leaf AS leaf
   FROM incidents i JOIN log_positions p ON p.leaf_hash = i.closing_leaf
   WHERE i.state IN ('revalidated', 'revoked') AND p.index < (SELECT max(tree_size) FROM checkpoints)
   ORDER BY i.closed_at LIMIT ${AT_ONCE}`,
);
const MARK = statement(
  'incident-proven',
  'UPDATE incidents SET state = $2, version = version + 1 WHERE incident_id = $1',
);
const MOVE = statement('prove-flows-move', 'UPDATE flows SET state = $2, sequence = $3 WHERE flow_id = $1');
const RENEW = statement(
  'prove-flows-renew',
  `UPDATE flows SET state = $2, sequence = $3, epoch = $4, baseline_hash = $5, baseline = $6,
     profile_hash = $7, drift = $8 WHERE flow_id = $1`,
);
const RETRY_PARKED = statement(
  'prove-flows-retry-parked',
  `UPDATE parked_intents p SET released = true FROM decisions d
   WHERE p.flow_id = $1 AND d.decision_id = p.decision_id AND d.flow_id = p.flow_id AND d.code = 'flow_contained'`,
);

interface Provable {
  readonly id: string;
  readonly flowId: string;
  readonly state: string;
  readonly baseline: string | null;
  readonly leaf: Buffer;
}

/**
 * Phase 9: flows whose closing leaf is under a signed head. A revoked one is archived, for ever. A revalidated one begins
 * again at phase 1 with the baseline two people signed and the next epoch: artifacts of the old one stay dead, what
 * waited is decided afresh in order.
 *
 * @returns flows moved
 */
export async function proveFlows(pool: Pool): Promise<number> {
  const read = () => query<Provable & Record<string, unknown>>(pool, PROVABLE);
  if ((await guarded(read)).length === 0) return 0;
  return inControlAct(pool, async (act) => {
    const provable = await query<Provable & Record<string, unknown>>(act.tx, PROVABLE); // again, under the lock
    const ids = provable.map(({ flowId }) => flowId);
    const flows = new Map((await readMovingFlows(act, ids)).map((flow) => [flow.flowId, flow]));
    for (const each of provable) {
      const flow = flows.get(each.flowId);
      if (flow === undefined) continue;
      const proven = recordTransitions(act, flow, ['proof_persisted'], each.leaf);
      await execute(act.tx, MARK, [each.id, proven.state]);
      if (proven.state === 'proven') await begin(act, proven, each.baseline ?? '{}');
      else await execute(act.tx, MOVE, [flow.flowId, proven.state, proven.sequence]);
    }
    return provable.length;
  });
}

async function begin(act: ControlAct, flow: ReturnType<typeof recordTransitions>, proposal: string): Promise<void> {
  // An amendment since they signed is continuity: what is in force now is what the flow is measured against.
  const current = await proposeBaseline(act, flow.flowId);
  const signed = JSON.parse(current?.text ?? proposal) as { environment?: unknown }; // as: our own canonical text
  const { text, hash, profileHash, drift } = toBaseline({ ...signed, domain_epoch: Number(act.epoch) });
  const epoch = flow.epoch + 1;
  const baseline = recordBaseline(act, flow.flowId, epoch, Number(flow.sequence), text, flow.leafHash);
  const steps: FlowEvent[] = ['baseline_signed', 'authority_verified'];
  if (signed.environment === null) steps.push('environment_trusted');
  const begun = recordTransitions(act, { ...flow, epoch }, steps, baseline);
  await execute(act.tx, RENEW, [flow.flowId, begun.state, begun.sequence, epoch, hash, text, profileHash, drift]);
  await execute(act.tx, RETRY_PARKED, [flow.flowId]);
}
