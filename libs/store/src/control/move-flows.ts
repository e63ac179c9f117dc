import { InvariantError, isFlowState } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import { lock, locking } from '../lock-order.js';
import { execute, query, statement } from '../statement.js';
import type { MovingFlow } from './open-flows.js';

const LOCK = locking(
  'flows',
  'move-flows-lock',
  'SELECT flow_id FROM flows WHERE flow_id = ANY ($1::uuid[]) ORDER BY flow_id FOR NO KEY UPDATE',
);
const READ = statement(
  'move-flows-read',
  'SELECT flow_id, state, epoch, sequence FROM flows WHERE flow_id = ANY ($1::uuid[]) ORDER BY flow_id',
);
const MOVE = statement(
  'move-flows-move',
  `UPDATE flows f SET state = m.state, sequence = m.sequence
   FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS m (flow_id, state, sequence) WHERE f.flow_id = m.flow_id`,
);

/** Locks flows and reads where they stand, in a new statement. */
export async function readMovingFlows(act: ControlAct, ids: readonly string[]): Promise<MovingFlow[]> {
  await lock(act.tx, LOCK, [ids]);
  return readFlows(act, ids);
}

/** The same for flows locked already. @throws {InvariantError} `ERR_FLOW_STATE` */
export async function readFlows(act: ControlAct, ids: readonly string[]): Promise<MovingFlow[]> {
  type Row = { flow_id: string; state: string; epoch: number; sequence: bigint };
  const rows = await query<Row>(act.tx, READ, [ids]);
  return rows.map(({ flow_id: flowId, state, epoch, sequence }) => {
    if (!isFlowState(state)) throw new InvariantError('ERR_FLOW_STATE', `flow ${flowId} is in no known state`);
    return { flowId, state, epoch, sequence };
  });
}

/** Writes where flows stand now. */
export async function moveFlows(act: ControlAct, flows: readonly MovingFlow[]): Promise<void> {
  await execute(act.tx, MOVE, [
    flows.map((flow) => flow.flowId),
    flows.map((flow) => flow.state),
    flows.map((flow) => flow.sequence),
  ]);
}
