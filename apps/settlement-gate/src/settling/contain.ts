import { type DriftSignal, isFlowState } from '@spendgate/core';
import { recordContainment } from '@spendgate/store';
import type { FoldContext, Folded } from './fold-context.js';
import type { FoldState } from './fold-state.js';

/**
 * Contains a flow in the batch that found its drift: rows, leaves and events. On a flow contained already it adds the
 * cause to the incident.
 *
 * @param cause leaf of what showed it
 */
export function contain(
  flowId: string,
  signal: DriftSignal,
  cause: Buffer,
  state: FoldState,
  context: FoldContext,
  folded: Folded,
): void {
  const row = state.flows.get(flowId);
  if (row === undefined || !isFlowState(row.state)) return; // such a flow denies everything as it is
  const records = context.leafWriter.records(context.judgedAtMs);
  const contained = recordContainment(records, { flow: { ...row, state: row.state }, signal, cause });
  if (contained === null) return;
  state.contain(contained);
  folded.leaves.push(...records.leaves);
  folded.events.push(...records.events);
}
