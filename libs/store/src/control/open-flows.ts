import {
  type FlowEvent,
  type FlowState,
  InvariantError,
  type Mandate,
  type SpendingProfile,
  advance,
} from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import { type Baseline, makeBaselines } from './baselines.js';
import { lock, locking } from '../lock-order.js';
import { execute, query, statement } from '../statement.js';

/** A mandate just recorded, and the leaf that says so. */
export interface RecordedMandate {
  readonly mandate: Mandate;
  readonly cause: Buffer | null;
}

const FIRST_EPOCH = 1;
const FLOWS = statement(
  'flows-insert',
  `INSERT INTO flows (flow_id, state, epoch, sequence, baseline_hash, baseline, profile_hash, drift)
   SELECT f.flow_id, f.state, ${FIRST_EPOCH}, f.sequence, f.baseline_hash, f.baseline, f.profile_hash, f.drift
   FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
     AS f (flow_id, state, sequence, baseline_hash, baseline, profile_hash, drift)`,
);
const BUDGETS = statement(
  'budgets-insert',
  'INSERT INTO budgets (mandate_id, depth) SELECT * FROM unnest($1::uuid[], $2::smallint[])',
);
const LOCK = locking(
  'flows',
  'control-lock-flows',
  'SELECT flow_id FROM flows WHERE flow_id = ANY ($1::uuid[]) ORDER BY flow_id FOR NO KEY UPDATE',
);
const REBASE = statement(
  'flows-rebase',
  `UPDATE flows f SET baseline_hash = b.baseline_hash, baseline = b.baseline, sequence = f.sequence + 1,
     profile_hash = b.profile_hash,
     drift = CASE WHEN f.profile_hash IS NOT DISTINCT FROM b.profile_hash THEN f.drift ELSE b.drift END
   FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
     AS b (flow_id, baseline_hash, baseline, profile_hash, drift)
   WHERE f.flow_id = b.flow_id RETURNING f.flow_id, f.epoch, f.sequence`,
);
/**
 * Opens one flow per new mandate: phase 1 with its baseline, phase 2 because the chain was just verified, phase 3 when
 * the baseline states that no attestation is required. Else the first fresh attestation activates it.
 */
export async function openFlows(act: ControlAct, recorded: readonly RecordedMandate[]): Promise<void> {
  if (recorded.length === 0) return;
  const baselines = await makeBaselines(act, recorded);
  const flows = recorded.map(({ mandate, cause }, at) => {
    const baseline = made(baselines, at);
    const established = recordBaseline(act, mandate.id, FIRST_EPOCH, 0, baseline.text, cause);
    const events: FlowEvent[] = ['authority_verified'];
    if (mandate.environment === null) events.push('environment_trusted');
    const end = recordTransitions(
      act,
      { flowId: mandate.id, state: 'baseline', epoch: FIRST_EPOCH, sequence: 0n },
      events,
      established,
    );
    return { ...end, baseline, depth: mandate.depth };
  });
  await execute(act.tx, FLOWS, [
    flows.map((flow) => flow.flowId),
    flows.map((flow) => flow.state),
    flows.map((flow) => flow.sequence),
    ...columnsOf(flows.map(({ baseline }) => baseline)),
  ]);
  await execute(act.tx, BUDGETS, [flows.map((flow) => flow.flowId), flows.map((flow) => flow.depth)]);
}

function made(baselines: readonly Baseline[], at: number): Baseline {
  const baseline = baselines[at];
  if (baseline === undefined) throw new InvariantError('ERR_BASELINE_MISSING', `of mandate ${at}`);
  return baseline;
}

/** Hash, text, profile hash, first evidence. */
function columnsOf(baselines: readonly Baseline[]): unknown[] {
  return [
    baselines.map((each) => each.hash),
    baselines.map((each) => each.text),
    baselines.map((each) => each.profileHash),
    baselines.map((each) => each.drift),
  ];
}

/**
 * An amended mandate moves its flow's expected values with it: a signed transition is continuity, not drift. What its
 * spending has shown so far stays, unless it is ranked against another profile from now on.
 *
 * @param learned profiles by flow, in the place of those that stand
 */
export async function rebaseFlows(
  act: ControlAct,
  recorded: readonly RecordedMandate[],
  learned?: ReadonlyMap<string, SpendingProfile>,
): Promise<void> {
  if (recorded.length === 0) return;
  const ids = recorded.map(({ mandate }) => mandate.id);
  const baselines = await makeBaselines(act, recorded, learned);
  await lock(act.tx, LOCK, [ids]);
  const values = [ids, ...columnsOf(baselines)];
  type Row = { flow_id: string; epoch: number; sequence: bigint };
  const rows = new Map((await query<Row>(act.tx, REBASE, values)).map((row) => [row.flow_id, row]));
  recorded.forEach(({ mandate, cause }, at) => {
    const row = rows.get(mandate.id);
    const { text } = made(baselines, at);
    if (row !== undefined) recordBaseline(act, mandate.id, row.epoch, Number(row.sequence), text, cause);
  });
}

/** A flow as it goes through its transitions. */
export interface MovingFlow {
  readonly flowId: string;
  readonly state: FlowState;
  readonly epoch: number;
  readonly sequence: bigint;
}

/** Moves a flow by its lifecycle table: a leaf and an event for each step, each the cause of the next. */
export function recordTransitions(
  act: Pick<ControlAct, 'record'>,
  flow: MovingFlow,
  events: readonly FlowEvent[],
  first: Buffer | null,
): MovingFlow & { readonly leafHash: Buffer | null } {
  let { state, sequence } = flow;
  let cause = first;
  for (const event of events) {
    const next = advance(state, event);
    sequence += 1n;
    const body = { flow: flow.flowId, epoch: flow.epoch, sequence: Number(sequence), event, from: state, to: next };
    const moved = { flowId: flow.flowId, epoch: flow.epoch, sequence, step: event, from: state, to: next };
    const causes = cause === null ? [] : [cause];
    cause = act.record({ type: 'flow_transition', payload: body, causes, event: moved });
    state = next;
  }
  return { ...flow, state, sequence, leafHash: cause };
}

export function recordBaseline(
  act: Pick<ControlAct, 'record'>,
  flowId: string,
  epoch: number,
  sequence: number,
  text: string,
  cause: Buffer | null,
): Buffer {
  const payload = { flow: flowId, epoch, sequence, baseline: JSON.parse(text) as unknown };
  return act.record({ type: 'flow_baseline_set', payload, causes: cause === null ? [] : [cause] });
}
