import { canonicalize } from '@spendgate/codec';
import { type FlowEvent, CLEARING, decideClearing, decideIncidentStep, isCauseKind } from '@spendgate/core';
import { moveFlows, readMovingFlows } from '../control/move-flows.js';
import { recordTransitions } from '../control/open-flows.js';
import { revokeMandates } from '../control/revoke-mandates.js';
import type { IncidentEvent } from '../lane-records.js';
import { execute, statement } from '../statement.js';
import { readClearingFacts } from './clearing-facts.js';
import { type OpsChange, refuseOps } from './ops-answer.js';
import type { Effect, OpsMoment } from './ops-moment.js';
import { proposeBaseline } from './propose-baseline.js';
import { type IncidentCause, type IncidentRow, incidentFacts, readCauses, readIncident } from './read-incident.js';

const CHANGE = statement(
  'incident-change',
  `UPDATE incidents SET version = version + 1, assigned_to = coalesce($2, assigned_to),
     escalated_at = coalesce(escalated_at, to_timestamp($3::float8 / 1000)), state = coalesce($4, state)
   WHERE incident_id = $1`,
);
const REVALIDATED = statement(
  'incident-revalidated',
  `UPDATE incidents SET version = version + 1, state = 'revalidated', closed_at = to_timestamp($2::float8 / 1000),
     closing_leaf = $3, baseline = $4 WHERE incident_id = $1`,
);
const NOTE = statement(
  'incident-note',
  `INSERT INTO incident_notes (incident_id, number, person, kind, text, document_hash, noted_at, leaf_hash)
   SELECT $1, count(*) + 1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000), $7
   FROM incident_notes WHERE incident_id = $1`,
);
const CLEAR = statement(
  'incident-clear-causes',
  `UPDATE incident_causes SET cleared_by = $3, cleared_at = to_timestamp($4::float8 / 1000), clearing = $5
   WHERE incident_id = $1 AND kind = ANY ($2::text[]) AND cleared_at IS NULL`,
);
/** What was suspended stays dead: a renewal gives a new artifact on the same hold. */
const BURY = statement('incident-bury-artifacts', 'UPDATE artifacts SET status = 1 WHERE flow_id = $1 AND status = 2');

interface Opened {
  readonly row: IncidentRow;
  readonly causes: readonly IncidentCause[];
}
type One = (opened: Opened, moment: OpsMoment) => Promise<string>;

/** Each incident named, under the version the person saw; another one found undoes the whole act. */
const each =
  (act: One): Effect =>
  async (moment) => {
    const changes: OpsChange[] = [];
    for (const { id, version } of moment.claims.targets) {
      changes.push({ kind: 'incident', id, change: await act(await open(moment, id, version), moment) });
    }
    return changes;
  };

async function open({ act }: OpsMoment, id: string, version: number | null): Promise<Opened> {
  const row = await readIncident(act.tx, id);
  if (row === undefined) return refuseOps('absent', `there is no incident ${id}`);
  if (version !== row.version) refuseOps('stale', `incident ${id} has version ${row.version}`);
  return { row, causes: await readCauses(act.tx, id) };
}

function step({ row, causes }: Opened, wanted: Parameters<typeof decideIncidentStep>[0]): void {
  const problem = decideIncidentStep(wanted, incidentFacts(row, causes));
  if (problem !== null) refuseOps('conflict', `incident ${row.id}: ${problem}`);
}

/** A leaf and an event for a change of an incident. */
function tell(
  { row, causes }: Opened,
  { act, claims, requester, approver, leaf }: OpsMoment,
  change: IncidentEvent['change'],
  type: 'incident_changed' | 'incident_closed' = 'incident_changed',
): Buffer {
  const by = [requester, approver].flatMap((person) => (person === null ? [] : [person.person]));
  const payload = { incident: row.id, flow: row.flowId, epoch: row.epoch, change, by, causes: claims.causes };
  const left = [...new Set(causes.filter(({ clearedBy }) => clearedBy === null).map(({ kind }) => kind))];
  const event = {
    incident_id: row.id,
    flow_id: row.flowId,
    version: row.version + 1,
    change,
    causes: left,
    rule: row.rule,
  };
  return act.record({ type, payload, causes: [leaf], event });
}

const noted =
  (kind: string): One =>
  async (opened, { act, claims, requester, leaf }) => {
    step(opened, 'note');
    const { id } = opened.row;
    const values = [id, requester.person, kind, claims.reason, claims.change_hash, act.atMs, leaf];
    await execute(act.tx, NOTE, values);
    await execute(act.tx, CHANGE, [id, null, null, null]);
    return kind === 'note' ? 'noted' : 'evidence added';
  };

const assign: One = async (opened, moment) => {
  step(opened, 'note');
  await execute(moment.act.tx, CHANGE, [opened.row.id, moment.requester.person, null, null]);
  return `assigned to ${moment.requester.person}`;
};

const escalate: One = async (opened, moment) => {
  step(opened, 'note');
  await execute(moment.act.tx, CHANGE, [opened.row.id, null, moment.act.atMs, null]);
  tell(opened, moment, 'escalated');
  return 'escalated';
};

const clearCause: One = async (opened, moment) => {
  const { act, claims, requester } = moment;
  step(opened, 'clear_cause');
  if (claims.causes.length === 0) refuseOps('invalid', 'name the causes to clear');
  const facts = await readClearingFacts(act.tx, opened.row.id, claims.change_hash);
  for (const kind of claims.causes) {
    if (!opened.causes.some((cause) => cause.kind === kind)) refuseOps('absent', `no cause "${kind}"`);
    const problem = decideClearing(kind, requester.roles, facts);
    if (problem === 'role_missing') refuseOps('forbidden', `${kind} is cleared by another role`);
    if (problem !== null) refuseOps('evidence_missing', `${kind}: ${isCauseKind(kind) ? CLEARING[kind].how : problem}`);
  }
  const clearing = canonicalize({ reason: claims.reason, document: claims.change_hash, evidence: [...facts].sort() });
  await execute(act.tx, CLEAR, [opened.row.id, claims.causes, requester.person, act.atMs, clearing]);
  await execute(act.tx, CHANGE, [opened.row.id, null, null, null]);
  const causes = opened.causes.filter(({ kind }) => !claims.causes.includes(kind));
  tell({ ...opened, causes }, moment, 'cause_cleared');
  return `cleared ${claims.causes.join(', ')}`;
};

/** Phase 7: a named operator takes the recovery up. */
const recover: Effect = async (moment) => {
  const { act, claims, requester, leaf } = moment;
  const changes: OpsChange[] = [];
  const incidents: Opened[] = [];
  for (const { id, version } of claims.targets) incidents.push(await open(moment, id, version));
  for (const opened of incidents) step(opened, 'recover');
  const moved = await moveAll(moment, incidents, 'recovery_opened', () => leaf);
  for (const { row } of incidents) {
    await execute(act.tx, CHANGE, [row.id, requester.person, null, 'recovering']);
    changes.push({ kind: 'incident', id: row.id, change: 'recovering' });
  }
  await moveFlows(act, [...moved.values()]);
  return changes;
};

/** Phase 8, the good end: every cause is cleared, and two people signed what the flow is measured against from now on. */
const revalidate: Effect = async (moment) => {
  const { act, claims } = moment;
  const [target, ...more] = claims.targets;
  if (target === undefined || more.length > 0) return refuseOps('invalid', 'a revalidation signs one baseline');
  const opened = await open(moment, target.id, target.version);
  step(opened, 'revalidate');
  const { row } = opened;
  const proposal = await proposeBaseline(act, row.flowId);
  if (proposal === undefined) return refuseOps('conflict', 'the mandate cannot be read');
  if (claims.change_hash !== proposal.hash) refuseOps('conflict', 'the baseline is not the one that was signed');
  const told = tell(opened, moment, 'revalidated', 'incident_closed');
  const moved = await moveAll(moment, [opened], 'flow_revalidated', () => told);
  await moveFlows(act, [...moved.values()]);
  const closing = moved.get(row.flowId)?.leafHash ?? told;
  await execute(act.tx, REVALIDATED, [row.id, act.atMs, closing, proposal.text]);
  await execute(act.tx, BURY, [row.flowId]);
  return [{ kind: 'incident', id: row.id, change: 'revalidated' }];
};

/** Phase 8, the other end: the mandate is revoked with all under it, for ever. */
const revokeFlow: Effect = async (moment) => {
  const { act, claims, approver, requester } = moment;
  const ids: string[] = [];
  for (const { id, version } of claims.targets) {
    const opened = await open(moment, id, version);
    step(opened, 'revoke_flow');
    tell(opened, moment, 'revoked', 'incident_closed');
    ids.push(opened.row.flowId);
  }
  const by = (approver ?? requester).person;
  const { mandates, artifacts } = await revokeMandates(act, { mandateIds: ids, by, reason: claims.reason });
  return [
    ...mandates.map((id) => ({ kind: 'mandate', id, change: 'revoked' })),
    ...artifacts.map((id) => ({ kind: 'artifact', id, change: 'revoked' })),
  ];
};

async function moveAll(
  { act }: OpsMoment,
  incidents: readonly Opened[],
  event: FlowEvent,
  cause: () => Buffer,
): Promise<Map<string, ReturnType<typeof recordTransitions>>> {
  const flows = await readMovingFlows(
    act,
    incidents.map(({ row }) => row.flowId),
  );
  return new Map(flows.map((flow) => [flow.flowId, recordTransitions(act, flow, [event], cause())]));
}

export const INCIDENT_EFFECTS = {
  assign: { final: each(assign) },
  note: { final: each(noted('note')) },
  evidence: { final: each(noted('evidence')) },
  escalate: { final: each(escalate) },
  clear_cause: { final: each(clearCause) },
  recover: { final: recover },
  revalidate: { first: checkProposal, final: revalidate },
  revoke_flow: { final: revokeFlow },
} as const;

/** Before it waits: what cannot be done is refused to the first person already. */
async function checkProposal(moment: OpsMoment): Promise<OpsChange[]> {
  const [target] = moment.claims.targets;
  const opened = await open(moment, target?.id ?? '', target?.version ?? null);
  step(opened, 'revalidate');
  const proposal = await proposeBaseline(moment.act, opened.row.flowId);
  if (moment.claims.change_hash !== proposal?.hash)
    refuseOps('conflict', 'the baseline is not the one that was signed');
  return [];
}
