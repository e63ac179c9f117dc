import { bigints, byteas, integers, smallints, texts, timestamps, uuids } from '../binary-arrays.js';
import { type Transaction, statement } from '../statement.js';
import { type Write, run } from '../together.js';
import type { ArtifactRow, DecisionRow, FlowChange, HoldRow, RefusalRow } from './batch-rows.js';

const INSERT_DECISIONS = statement(
  'authorization-insert-decisions',
  `INSERT INTO decisions (decision_id, flow_id, intent_id, attempt, lane_id, lane_offset, agent_id, body_hash, outcome,
     code, field, amount, currency, counterparty_id, request, read_set, rules_version, decision_hash, leaf_hash,
     supersedes, artifact_id, parked_until, appended_at, judged_at)
   SELECT d.decision_id, d.flow_id, d.intent_id, d.attempt, $1::integer, d.lane_offset, d.agent_id, d.body_hash,
     d.outcome, d.code, d.field, d.amount::numeric, d.currency, d.counterparty_id, d.request, d.read_set,
     d.rules_version, d.decision_hash, d.leaf_hash, d.supersedes, d.artifact_id, d.parked_until, d.appended_at, d.judged_at
   FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[], $6::bigint[], $7::text[], $8::bytea[], $9::text[],
     $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::integer[],
     $18::bytea[], $19::bytea[], $20::uuid[], $21::uuid[], $22::timestamptz[], $23::timestamptz[],
     $24::timestamptz[])
     AS d (decision_id, flow_id, intent_id, attempt, lane_offset, agent_id, body_hash, outcome, code, field, amount,
       currency, counterparty_id, request, read_set, rules_version, decision_hash, leaf_hash, supersedes, artifact_id,
       parked_until, appended_at, judged_at)`,
);

export function insertDecisionsWrite(laneId: number, rows: readonly DecisionRow[]): Write {
  const values = [
    laneId,
    uuids(rows.map((row) => row.decisionId)),
    uuids(rows.map((row) => row.flowId)),
    uuids(rows.map((row) => row.intentId)),
    smallints(rows.map((row) => row.attempt)),
    bigints(rows.map((row) => row.laneOffset)),
    texts(rows.map((row) => row.agentId)),
    byteas(rows.map((row) => row.bodyHash)),
    texts(rows.map((row) => row.outcome)),
    texts(rows.map((row) => row.code)),
    texts(rows.map((row) => row.field)),
    texts(rows.map((row) => row.amount)),
    texts(rows.map((row) => row.currency)),
    texts(rows.map((row) => row.counterpartyId)),
    texts(rows.map((row) => row.request)),
    texts(rows.map((row) => row.readSet)),
    integers(rows.map((row) => row.rulesVersion)),
    byteas(rows.map((row) => row.decisionHash)),
    byteas(rows.map((row) => row.leafHash)),
    uuids(rows.map((row) => row.supersedes)),
    uuids(rows.map((row) => row.artifactId)),
    timestamps(rows.map((row) => row.parkedUntilMs)),
    timestamps(rows.map((row) => row.appendedAtMs)),
    timestamps(rows.map((row) => row.judgedAtMs)),
  ];
  return { statement: INSERT_DECISIONS, values };
}

export async function insertDecisions(tx: Transaction, laneId: number, rows: readonly DecisionRow[]): Promise<void> {
  if (rows.length > 0) await run(tx, insertDecisionsWrite(laneId, rows));
}

const INSERT_ARTIFACTS = statement(
  'authorization-insert-artifacts',
  `INSERT INTO artifacts (artifact_id, flow_id, hold_id, decision_id, agent_id, audience, epoch, kid, claims,
     claims_hash, status_partition, status_idx, issued_at)
   SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::integer[],
     $8::text[], $9::text[], $10::bytea[], $11::integer[], $12::bigint[], $13::timestamptz[])`,
);

export function insertArtifactsWrite(rows: readonly ArtifactRow[]): Write {
  const values = [
    uuids(rows.map((row) => row.artifactId)),
    uuids(rows.map((row) => row.flowId)),
    uuids(rows.map((row) => row.holdId)),
    uuids(rows.map((row) => row.decisionId)),
    texts(rows.map((row) => row.agentId)),
    texts(rows.map((row) => row.audience)),
    integers(rows.map((row) => row.epoch)),
    texts(rows.map((row) => row.kid)),
    texts(rows.map((row) => row.claims)),
    byteas(rows.map((row) => row.claimsHash)),
    integers(rows.map((row) => row.statusPartition)),
    bigints(rows.map((row) => row.statusIdx)),
    timestamps(rows.map((row) => row.issuedAtMs)),
  ];
  return { statement: INSERT_ARTIFACTS, values };
}

export async function insertArtifacts(tx: Transaction, rows: readonly ArtifactRow[]): Promise<void> {
  if (rows.length > 0) await run(tx, insertArtifactsWrite(rows));
}

// An array of arrays has one length for all rows; paths differ in length, so each travels as its array's text.
const INSERT_HOLDS = statement(
  'authorization-insert-holds',
  `INSERT INTO holds (hold_id, flow_id, root_id, path, artifact_id, counterparty_id, audience, currency, amount, held,
     mode, max_captures, expires_at, settle_by, ends_at, counters)
   SELECT h.hold_id, h.flow_id, h.root_id, h.path::uuid[], h.artifact_id, h.counterparty_id, h.audience, h.currency,
     h.amount::numeric, h.amount::numeric, h.mode, h.max_captures, h.expires_at, h.settle_by, h.expires_at,
     h.counters::jsonb
   FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
     $9::text[], $10::text[], $11::integer[], $12::timestamptz[], $13::timestamptz[],
     $14::text[])
     AS h (hold_id, flow_id, root_id, path, artifact_id, counterparty_id, audience, currency, amount, mode,
       max_captures, expires_at, settle_by, counters)`,
);

export function insertHoldsWrite(rows: readonly HoldRow[]): Write {
  const values = [
    uuids(rows.map((row) => row.holdId)),
    uuids(rows.map((row) => row.flowId)),
    uuids(rows.map((row) => row.rootId)),
    texts(rows.map((row) => `{${row.path.join(',')}}`)),
    uuids(rows.map((row) => row.artifactId)),
    texts(rows.map((row) => row.counterpartyId)),
    texts(rows.map((row) => row.audience)),
    texts(rows.map((row) => row.currency)),
    texts(rows.map((row) => row.amount)),
    texts(rows.map((row) => row.mode)),
    integers(rows.map((row) => row.maxCaptures)),
    timestamps(rows.map((row) => row.expiresAtMs)),
    timestamps(rows.map((row) => row.settleByMs)),
    texts(rows.map((row) => row.counters)),
  ];
  return { statement: INSERT_HOLDS, values };
}

export async function insertHolds(tx: Transaction, rows: readonly HoldRow[]): Promise<void> {
  if (rows.length > 0) await run(tx, insertHoldsWrite(rows));
}

const END_HOLDS = statement(
  'authorization-end-holds',
  `UPDATE holds AS h SET ended = true, released = h.released + h.held, held = 0, version = h.version + 1
   FROM unnest($1::uuid[], $2::uuid[]) AS e (hold_id, flow_id)
   WHERE h.hold_id = e.hold_id AND h.flow_id = e.flow_id`,
);

export function endHoldsWrite(holds: readonly { readonly holdId: string; readonly flowId: string }[]): Write {
  const values = [uuids(holds.map((hold) => hold.holdId)), uuids(holds.map((hold) => hold.flowId))];
  return { statement: END_HOLDS, values };
}

export async function endHolds(
  tx: Transaction,
  holds: readonly { readonly holdId: string; readonly flowId: string }[],
): Promise<void> {
  if (holds.length > 0) await run(tx, endHoldsWrite(holds));
}

const UPDATE_BUDGETS = statement(
  'authorization-update-budgets',
  `UPDATE budgets AS b SET held = b.held + c.held::numeric
   FROM unnest($1::uuid[], $2::text[]) AS c (mandate_id, held) WHERE b.mandate_id = c.mandate_id`,
);

/** Adds to what each level holds; decimal text, may be negative. The table's check refuses a sum below zero. */
export function changeHeldWrite(heldByMandate: ReadonlyMap<string, string>): Write {
  const values = [uuids([...heldByMandate.keys()]), texts([...heldByMandate.values()])];
  return { statement: UPDATE_BUDGETS, values };
}

export async function changeHeld(tx: Transaction, heldByMandate: ReadonlyMap<string, string>): Promise<void> {
  if (heldByMandate.size > 0) await run(tx, changeHeldWrite(heldByMandate));
}

const UPDATE_FLOWS = statement(
  'authorization-update-flows',
  `UPDATE flows AS f SET state = c.state, sequence = c.sequence, drift = coalesce(c.drift, f.drift)
   FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS c (flow_id, state, sequence, drift) WHERE f.flow_id = c.flow_id`,
);

export function changeFlowsWrite(changes: readonly FlowChange[]): Write {
  const values = [
    uuids(changes.map((change) => change.flowId)),
    texts(changes.map((change) => change.state)),
    bigints(changes.map((change) => change.sequence)),
    texts(changes.map((change) => change.drift ?? null)),
  ];
  return { statement: UPDATE_FLOWS, values };
}

export async function changeFlows(tx: Transaction, changes: readonly FlowChange[]): Promise<void> {
  if (changes.length > 0) await run(tx, changeFlowsWrite(changes));
}

const INSERT_REFUSALS = statement(
  'authorization-insert-refusals',
  `INSERT INTO refusals (lane_id, lane_offset, code, field, ce_id, digest, decision_id)
   SELECT $1::integer, r.* FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::uuid[]) AS r`,
);

export function insertRefusalsWrite(laneId: number, rows: readonly RefusalRow[]): Write {
  const values = [
    laneId,
    bigints(rows.map((row) => row.laneOffset)),
    texts(rows.map((row) => row.code)),
    texts(rows.map((row) => row.field)),
    texts(rows.map((row) => row.ceId)),
    byteas(rows.map((row) => row.digest)),
    uuids(rows.map((row) => row.decisionId)),
  ];
  return { statement: INSERT_REFUSALS, values };
}

export async function insertRefusals(tx: Transaction, laneId: number, rows: readonly RefusalRow[]): Promise<void> {
  if (rows.length > 0) await run(tx, insertRefusalsWrite(laneId, rows));
}
