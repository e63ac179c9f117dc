import { canonicalize, sha256, uuid8 } from '@spendgate/codec';
import { type DriftSignal, containmentSteps, incidentDueAtMs } from '@spendgate/core';
import { texts, timestamps, byteas, integers, uuids } from '../binary-arrays.js';
import type { ControlAct } from '../control-lock.js';
import { type MovingFlow, recordTransitions } from '../control/open-flows.js';
import { statement } from '../statement.js';
import type { Write } from '../together.js';

/** Where leaves and events go: a control act's lane, or the lane of a batch (`LaneRecords`). */
export type Recorder = Pick<ControlAct, 'record' | 'atMs'>;

/** A drift with the flow it was found on, as it stands under its lock. */
export interface FoundDrift {
  readonly flow: MovingFlow;
  readonly signal: DriftSignal;
  /** Leaf of what showed it: a denied decision, a rail's report, a person's act. */
  readonly cause: Buffer;
}

/** A flow that was contained, or whose incident got another cause: rows to write. */
export interface Contained {
  /** The flow afterwards; the one given when it was contained already. */
  readonly flow: MovingFlow;
  readonly incidentId: string;
  readonly signal: DriftSignal;
  readonly atMs: number;
  readonly leafHash: Buffer;
}

/** One per flow and epoch: the same containment written twice is one incident. */
export function incidentIdOf({ flowId, epoch }: Pick<MovingFlow, 'flowId' | 'epoch'>): string {
  return uuid8(sha256(canonicalize(['incident', flowId, epoch])));
}

/**
 * Contains a flow by its lifecycle table: drift found, then contained, each a leaf that names what showed it, then the
 * incident with its first cause. On a flow contained already it adds the cause; where a flow is over, or already past its
 * recovery, it does nothing.
 *
 * The caller writes the rows (`containWrites`), the flow's new state, and after both `suspendWrite`: all in the
 * transaction that found the drift.
 */
export function recordContainment(records: Recorder, { flow, signal, cause }: FoundDrift): Contained | null {
  const steps = containmentSteps(flow.state);
  const isKnown = flow.state === 'contained' || flow.state === 'recovering';
  if (steps.length === 0 && !isKnown) return null;
  const { atMs } = records;
  const { kind, rule, evidence } = signal;
  const incidentId = incidentIdOf(flow);
  const drift = records.record({
    type: 'verification_changed',
    payload: { flow: flow.flowId, epoch: flow.epoch, limb: kind, verdict: 'broken', rule, evidence },
    causes: [cause],
  });
  const moved = recordTransitions(records, flow, steps, drift);
  const leafHash = records.record({
    type: isKnown ? 'incident_changed' : 'incident_opened',
    payload: { incident: incidentId, flow: flow.flowId, epoch: flow.epoch, causes: [{ kind, rule, evidence }] },
    causes: [moved.leafHash ?? drift],
    ...(isKnown ? {} : { event: openedEvent(incidentId, flow.flowId, signal) }),
  });
  const { state, sequence } = moved;
  return { flow: { ...flow, state, sequence }, incidentId, signal, atMs, leafHash };
}

function openedEvent(incidentId: string, flowId: string, { kind, rule }: DriftSignal) {
  return { incident_id: incidentId, flow_id: flowId, version: 1, change: 'opened' as const, causes: [kind], rule };
}

// A case is what opened within minutes by the same rule; of several at once the first lends its id.
const INSERT_INCIDENTS = statement(
  'incidents-insert',
  `INSERT INTO incidents (incident_id, flow_id, epoch, state, case_id, rule, opened_at, due_at, opened_leaf)
   SELECT i.incident_id, i.flow_id, i.epoch, 'contained', coalesce(
       (SELECT k.case_id FROM incidents k WHERE k.rule = i.rule AND k.opened_at > i.opened_at - interval '10 minutes'
        ORDER BY k.opened_at DESC LIMIT 1),
       i.case_id), i.rule, i.opened_at, i.due_at, i.leaf
   FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[],
     $8::bytea[]) AS i (incident_id, flow_id, epoch, case_id, rule, opened_at, due_at, leaf)
   ON CONFLICT DO NOTHING`,
);
const INSERT_CAUSES = statement(
  'incident-causes-insert',
  `INSERT INTO incident_causes AS c (incident_id, kind, rule, evidence, found_at, leaf_hash)
   SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[])
   ON CONFLICT (incident_id, kind, rule) DO UPDATE SET evidence = excluded.evidence, found_at = excluded.found_at,
     leaf_hash = excluded.leaf_hash, cleared_by = NULL, cleared_at = NULL, clearing = NULL
   WHERE c.cleared_at IS NOT NULL`, // found again after it was cleared: it is open again
);
const SUSPEND = statement(
  'incidents-suspend-artifacts',
  `UPDATE artifacts a SET status = 2 FROM holds h
   WHERE h.flow_id = ANY ($1::uuid[]) AND NOT h.ended AND a.artifact_id = h.artifact_id AND a.flow_id = h.flow_id
     AND a.status = 0`,
);

/** Incidents and causes; always both, so that a joined statement has one text. */
export function containWrites(contained: readonly Contained[]): Write[] {
  const first = new Map<string, string>();
  for (const { signal, incidentId } of contained) if (!first.has(signal.rule)) first.set(signal.rule, incidentId);
  const ids = uuids(contained.map((each) => each.incidentId));
  const rules = texts(contained.map(({ signal }) => signal.rule));
  const times = timestamps(contained.map((each) => each.atMs));
  const leaves = byteas(contained.map((each) => each.leafHash));
  const incidents = [
    ids,
    uuids(contained.map(({ flow }) => flow.flowId)),
    integers(contained.map(({ flow }) => flow.epoch)),
    uuids(contained.map(({ signal }) => first.get(signal.rule) ?? null)),
    rules,
    times,
    timestamps(contained.map(({ signal, atMs }) => incidentDueAtMs(signal.kind, atMs))),
    leaves,
  ];
  const kinds = texts(contained.map(({ signal }) => signal.kind));
  const evidence = texts(contained.map(({ signal }) => canonicalize(signal.evidence)));
  return [
    { statement: INSERT_INCIDENTS, values: incidents },
    { statement: INSERT_CAUSES, values: [ids, kinds, rules, evidence, times, leaves] },
  ];
}

/** After everything else of the transaction, so that artifacts issued a moment ago are among them. */
export function suspendWrite(contained: readonly Contained[]): Write {
  return { statement: SUSPEND, values: [uuids(contained.map(({ flow }) => flow.flowId))] };
}
