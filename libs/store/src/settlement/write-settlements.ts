import { byteas, integers, smallints, texts, timestamps, uuids } from '../binary-arrays.js';
import { statement } from '../statement.js';
import type { Write } from '../together.js';

/** The writes of a settlement batch. No two of them touch the same row, so they are sent together. */

/** A decided capture, void or refund, complete for receipt and replay. Amounts: decimal text, major units. */
export interface SettlementRow {
  readonly settlementId: string;
  readonly flowId: string;
  readonly attempt: number;
  readonly artifactId: string;
  readonly holdId: string | null;
  readonly action: string;
  readonly actionId: string;
  readonly presenter: string;
  /** settlement_service | agent */
  readonly presenterKind: string;
  readonly bodyHash: Buffer;
  /** The presenter's JWS, as received. */
  readonly request: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly field: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly state: string;
  readonly rail: string;
  readonly refundOf: string | null;
  /** Of a capture: what of it is being given back, and what was. */
  readonly refunding: string;
  readonly refunded: string;
  /** Of a refund: the limits have it back. */
  readonly restored: boolean;
  readonly outcomeDueAtMs: number | null;
  readonly claims: string;
  readonly readSet: string;
  readonly decisionHash: Buffer;
  readonly leafHash: Buffer;
  readonly judgedAtMs: number;
}

const INSERT_SETTLEMENTS = statement(
  'settlement-insert',
  `INSERT INTO settlements (settlement_id, flow_id, attempt, artifact_id, hold_id, action, action_id, presenter,
     body_hash, request, outcome, code, field, amount, currency, state, rail, refund_of, outcome_due_at, claims,
     read_set, decision_hash, leaf_hash, lane_id, judged_at, presenter_kind,
     refunding, refunded, restored)
   SELECT s.settlement_id, s.flow_id, s.attempt, s.artifact_id, s.hold_id, s.action, s.action_id, s.presenter,
     s.body_hash, s.request, s.outcome, s.code, s.field, s.amount::numeric, s.currency, s.state, s.rail, s.refund_of,
     s.outcome_due_at, s.claims, s.read_set, s.decision_hash, s.leaf_hash, $1::integer, s.judged_at,
     s.presenter_kind, s.refunding::numeric, s.refunded::numeric, s.restored = 1
   FROM unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[],
     $10::bytea[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
     $18::text[], $19::uuid[], $20::timestamptz[], $21::text[], $22::text[], $23::bytea[], $24::bytea[],
     $25::timestamptz[], $26::text[], $27::text[], $28::text[], $29::smallint[])
     AS s (settlement_id, flow_id, attempt, artifact_id, hold_id, action, action_id, presenter, body_hash, request,
       outcome, code, field, amount, currency, state, rail, refund_of, outcome_due_at, claims, read_set,
       decision_hash, leaf_hash, judged_at, presenter_kind, refunding, refunded, restored)`,
);

export function insertSettlementsWrite(laneId: number, rows: readonly SettlementRow[]): Write {
  const values = [
    laneId,
    uuids(rows.map((row) => row.settlementId)),
    uuids(rows.map((row) => row.flowId)),
    smallints(rows.map((row) => row.attempt)),
    uuids(rows.map((row) => row.artifactId)),
    uuids(rows.map((row) => row.holdId)),
    texts(rows.map((row) => row.action)),
    texts(rows.map((row) => row.actionId)),
    texts(rows.map((row) => row.presenter)),
    byteas(rows.map((row) => row.bodyHash)),
    texts(rows.map((row) => row.request)),
    texts(rows.map((row) => row.outcome)),
    texts(rows.map((row) => row.code)),
    texts(rows.map((row) => row.field)),
    texts(rows.map((row) => row.amount)),
    texts(rows.map((row) => row.currency)),
    texts(rows.map((row) => row.state)),
    texts(rows.map((row) => row.rail)),
    uuids(rows.map((row) => row.refundOf)),
    timestamps(rows.map((row) => row.outcomeDueAtMs)),
    texts(rows.map((row) => row.claims)),
    texts(rows.map((row) => row.readSet)),
    byteas(rows.map((row) => row.decisionHash)),
    byteas(rows.map((row) => row.leafHash)),
    timestamps(rows.map((row) => row.judgedAtMs)),
    texts(rows.map((row) => row.presenterKind)),
    texts(rows.map((row) => row.refunding)),
    texts(rows.map((row) => row.refunded)),
    smallints(rows.map((row) => (row.restored ? 1 : 0))),
  ];
  return { statement: INSERT_SETTLEMENTS, values };
}

/** Where a recorded settlement stands after an outcome or a refund. */
export interface SettlementChange {
  readonly settlementId: string;
  readonly attempt: number;
  readonly state: string;
  readonly refunding: string;
  readonly refunded: string;
  readonly restored: boolean;
}

const UPDATE_SETTLEMENTS = statement(
  'settlement-update',
  `UPDATE settlements AS s SET state = c.state, refunding = c.refunding::numeric, refunded = c.refunded::numeric,
     restored = c.restored = 1
   FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::smallint[])
     AS c (settlement_id, attempt, state, refunding, refunded, restored)
   WHERE s.settlement_id = c.settlement_id AND s.attempt = c.attempt`,
);

export function changeSettlementsWrite(changes: readonly SettlementChange[]): Write {
  const values = [
    uuids(changes.map((change) => change.settlementId)),
    smallints(changes.map((change) => change.attempt)),
    texts(changes.map((change) => change.state)),
    texts(changes.map((change) => change.refunding)),
    texts(changes.map((change) => change.refunded)),
    smallints(changes.map((change) => (change.restored ? 1 : 0))),
  ];
  return { statement: UPDATE_SETTLEMENTS, values };
}

/** A rail's or service's report, also one that changed nothing. */
export interface OutcomeRow {
  readonly outcomeId: string;
  readonly settlementId: string;
  readonly flowId: string;
  /** `null`: nobody reported in time. */
  readonly reporter: string | null;
  readonly outcome: string;
  readonly amount: string | null;
  readonly railReference: string | null;
  readonly occurredAtMs: number | null;
  /** The signed report; `null` when the gate itself learnt it from a rail it calls, or from silence. */
  readonly token: string | null;
  readonly applied: boolean;
  readonly leafHash: Buffer;
  readonly recordedAtMs: number;
}

const INSERT_OUTCOMES = statement(
  'settlement-insert-outcomes',
  `INSERT INTO settlement_outcomes (outcome_id, settlement_id, flow_id, reporter, outcome, amount, rail_reference,
     occurred_at, token, applied, leaf_hash, recorded_at)
   SELECT o.outcome_id, o.settlement_id, o.flow_id, o.reporter, o.outcome, o.amount::numeric, o.rail_reference,
     o.occurred_at, o.token, o.applied = 1, o.leaf_hash, o.recorded_at
   FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
     $9::text[], $10::smallint[], $11::bytea[], $12::timestamptz[])
     AS o (outcome_id, settlement_id, flow_id, reporter, outcome, amount, rail_reference, occurred_at, token, applied,
       leaf_hash, recorded_at)`,
);

export function insertOutcomesWrite(rows: readonly OutcomeRow[]): Write {
  const values = [
    uuids(rows.map((row) => row.outcomeId)),
    uuids(rows.map((row) => row.settlementId)),
    uuids(rows.map((row) => row.flowId)),
    texts(rows.map((row) => row.reporter)),
    texts(rows.map((row) => row.outcome)),
    texts(rows.map((row) => row.amount)),
    texts(rows.map((row) => row.railReference)),
    timestamps(rows.map((row) => row.occurredAtMs)),
    texts(rows.map((row) => row.token)),
    smallints(rows.map((row) => (row.applied ? 1 : 0))),
    byteas(rows.map((row) => row.leafHash)),
    timestamps(rows.map((row) => row.recordedAtMs)),
  ];
  return { statement: INSERT_OUTCOMES, values };
}

/** A hold after the fold. */
export interface HoldChange {
  readonly holdId: string;
  readonly held: string;
  readonly capturing: string;
  readonly captured: string;
  readonly released: string;
  readonly refunded: string;
  readonly restored: string;
  readonly captureCount: number;
  readonly endsAtMs: number;
  readonly ended: boolean;
}

const UPDATE_HOLDS = statement(
  'settlement-update-holds',
  `UPDATE holds AS h SET held = c.held::numeric, capturing = c.capturing::numeric, captured = c.captured::numeric,
     released = c.released::numeric, refunded = c.refunded::numeric, restored = c.restored::numeric,
     capture_count = c.capture_count, ends_at = c.ends_at, ended = c.ended = 1, version = h.version + 1
   FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[],
     $9::timestamptz[], $10::smallint[])
     AS c (hold_id, held, capturing, captured, released, refunded, restored, capture_count, ends_at, ended)
   WHERE h.hold_id = c.hold_id`,
);

export function changeHoldsWrite(changes: readonly HoldChange[]): Write {
  const values = [
    uuids(changes.map((change) => change.holdId)),
    texts(changes.map((change) => change.held)),
    texts(changes.map((change) => change.capturing)),
    texts(changes.map((change) => change.captured)),
    texts(changes.map((change) => change.released)),
    texts(changes.map((change) => change.refunded)),
    texts(changes.map((change) => change.restored)),
    integers(changes.map((change) => change.captureCount)),
    timestamps(changes.map((change) => change.endsAtMs)),
    smallints(changes.map((change) => (change.ended ? 1 : 0))),
  ];
  return { statement: UPDATE_HOLDS, values };
}

/** Amounts to add at one mandate level; decimal text, signed. */
export interface BudgetChange {
  readonly mandateId: string;
  readonly held: string;
  readonly capturing: string;
  readonly captured: string;
  readonly refunded: string;
}

// The table's check refuses any sum below zero: a wrong delta rolls the batch back instead of inventing money.
const UPDATE_BUDGETS = statement(
  'settlement-update-budgets',
  `UPDATE budgets AS b SET held = b.held + c.held::numeric, capturing = b.capturing + c.capturing::numeric,
     captured = b.captured + c.captured::numeric, refunded = b.refunded + c.refunded::numeric
   FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
     AS c (mandate_id, held, capturing, captured, refunded)
   WHERE b.mandate_id = c.mandate_id`,
);

export function changeBudgetsWrite(changes: readonly BudgetChange[]): Write {
  const values = [
    uuids(changes.map((change) => change.mandateId)),
    texts(changes.map((change) => change.held)),
    texts(changes.map((change) => change.capturing)),
    texts(changes.map((change) => change.captured)),
    texts(changes.map((change) => change.refunded)),
  ];
  return { statement: UPDATE_BUDGETS, values };
}

const REVOKE_ARTIFACTS = statement(
  'settlement-revoke-artifacts',
  'UPDATE artifacts SET status = 1 WHERE artifact_id = ANY ($1::uuid[]) AND status = 0',
);

/** A void ends the artifact also for those who only see the status list. */
export function revokeArtifactsWrite(artifactIds: readonly string[]): Write {
  return { statement: REVOKE_ARTIFACTS, values: [uuids(artifactIds)] };
}
