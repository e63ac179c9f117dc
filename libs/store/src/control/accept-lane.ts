import type { ControlAct } from '../control-lock.js';
import { execute, statement } from '../statement.js';

const ACCEPT = statement(
  'lane-accept',
  `UPDATE lanes SET cluster_id = $2, partitions = $3, next = $4, epoch = epoch + 1, stopped_reason = NULL
   WHERE name = $1 AND stopped_reason IS NOT NULL`,
);
/** Refusals are found by their place, and from here on the places are the new log's. */
const FORGET_REFUSALS = statement(
  'lane-accept-refusals',
  `DELETE FROM refusals r USING lanes l WHERE l.name = $1 AND r.lane_id = l.lane_id AND r.lane_offset >= $2`,
);

/** What an operator accepts for a stopped lane. */
export interface AcceptedSource {
  readonly clusterId: string;
  readonly partitions: number;
  /** Where to go on. Records before it that were never decided are skipped by this, which is why a person says it. */
  readonly next: bigint;
}

/**
 * Lets a stopped lane run again from another log or offset, with a leaf that says who accepted what.
 *
 * @param acceptedBy party id of the operator
 * @returns false when the lane is not stopped
 */
export async function acceptSource(
  act: ControlAct,
  lane: string,
  source: AcceptedSource,
  acceptedBy: string,
): Promise<boolean> {
  const { clusterId, partitions, next } = source;
  if ((await execute(act.tx, ACCEPT, [lane, clusterId, partitions, next])) === 0) return false;
  await execute(act.tx, FORGET_REFUSALS, [lane, next]);
  const accepted = { lane, cluster_id: clusterId, partitions, next: String(next), accepted_by: acceptedBy };
  act.record({
    type: 'control_act',
    payload: { act: 'lane_source_accepted', ...accepted },
    event: { name: 'lane_source_accepted', subject: { kind: 'lane', id: lane } },
  });
  return true;
}
