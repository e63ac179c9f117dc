import { bigints, byteas, integers, smallints, texts, timestamps, uuids } from '../binary-arrays.js';
import { type Transaction, execute, statement } from '../statement.js';

/** A decision as it is stored, complete: replay needs nothing else. */
export interface DecisionRow {
  readonly decisionId: string;
  readonly flowId: string;
  readonly intentId: string;
  readonly attempt: number;
  readonly laneOffset: bigint;
  readonly agentId: string;
  readonly bodyHash: Buffer;
  readonly outcome: string;
  readonly code: string | null;
  readonly field: string | null;
  /** Decimal text, major units; `null` when the amount was no amount. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly counterpartyId: string | null;
  /** The agent's JWS, as received. */
  readonly request: string;
  /** RFC 8785 form of everything decided on. */
  readonly readSet: string;
  readonly rulesVersion: number;
  readonly decisionHash: Buffer;
  readonly leafHash: Buffer;
  readonly supersedes: string | null;
  /** Of an authorized decision. */
  readonly artifactId: string | null;
  /** Of a parked one: the instant its wait ends, Unix ms. */
  readonly parkedUntilMs: number | null;
  readonly appendedAtMs: number;
  readonly judgedAtMs: number;
}

export interface ArtifactRow {
  readonly artifactId: string;
  readonly flowId: string;
  readonly holdId: string;
  readonly decisionId: string;
  readonly agentId: string;
  readonly audience: string;
  readonly epoch: number;
  /** Artifact key that signs it after the commit. */
  readonly kid: string;
  /** RFC 8785 form; Ed25519 is deterministic, so equal claims give equal bytes after a crash. */
  readonly claims: string;
  readonly claimsHash: Buffer;
  readonly statusPartition: number;
  readonly statusIdx: bigint;
  readonly issuedAtMs: number;
}

export interface HoldRow {
  readonly holdId: string;
  readonly flowId: string;
  readonly rootId: string;
  readonly path: readonly string[];
  readonly artifactId: string;
  readonly counterpartyId: string;
  readonly audience: string;
  readonly currency: string;
  /** Decimal text, major units; all of it is held at first. */
  readonly amount: string;
  readonly mode: string;
  readonly maxCaptures: number;
  readonly expiresAtMs: number;
  readonly settleByMs: number;
}

/** A record that got no decision: what was wrong with it, and the decision already recorded when it is a replay. */
export interface RefusalRow {
  readonly laneOffset: bigint;
  readonly code: string;
  readonly field: string | null;
  readonly ceId: string | null;
  /** SHA-256 of the record's value. */
  readonly digest: Buffer;
  readonly decisionId: string | null;
}

export interface FlowChange {
  readonly flowId: string;
  readonly state: string;
  readonly sequence: bigint;
}

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

export async function insertDecisions(tx: Transaction, laneId: number, rows: readonly DecisionRow[]): Promise<void> {
  if (rows.length === 0) return;
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
  await execute(tx, INSERT_DECISIONS, values);
}

const INSERT_ARTIFACTS = statement(
  'authorization-insert-artifacts',
  `INSERT INTO artifacts (artifact_id, flow_id, hold_id, decision_id, agent_id, audience, epoch, kid, claims,
     claims_hash, status_partition, status_idx, issued_at)
   SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::integer[],
     $8::text[], $9::text[], $10::bytea[], $11::integer[], $12::bigint[], $13::timestamptz[])`,
);

export async function insertArtifacts(tx: Transaction, rows: readonly ArtifactRow[]): Promise<void> {
  if (rows.length === 0) return;
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
  await execute(tx, INSERT_ARTIFACTS, values);
}

// An array of arrays has one length for all rows; paths differ in length, so each travels as its array's text.
const INSERT_HOLDS = statement(
  'authorization-insert-holds',
  `INSERT INTO holds (hold_id, flow_id, root_id, path, artifact_id, counterparty_id, audience, currency, amount, held,
     mode, max_captures, expires_at, settle_by, ends_at)
   SELECT h.hold_id, h.flow_id, h.root_id, h.path::uuid[], h.artifact_id, h.counterparty_id, h.audience, h.currency,
     h.amount::numeric, h.amount::numeric, h.mode, h.max_captures, h.expires_at, h.settle_by, h.expires_at
   FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
     $9::text[], $10::text[], $11::integer[], $12::timestamptz[], $13::timestamptz[])
     AS h (hold_id, flow_id, root_id, path, artifact_id, counterparty_id, audience, currency, amount, mode,
       max_captures, expires_at, settle_by)`,
);

export async function insertHolds(tx: Transaction, rows: readonly HoldRow[]): Promise<void> {
  if (rows.length === 0) return;
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
  ];
  await execute(tx, INSERT_HOLDS, values);
}

const END_HOLDS = statement(
  'authorization-end-holds',
  `UPDATE holds AS h SET ended = true, released = h.released + h.held, held = 0, version = h.version + 1
   FROM unnest($1::uuid[], $2::uuid[]) AS e (hold_id, flow_id)
   WHERE h.hold_id = e.hold_id AND h.flow_id = e.flow_id`,
);

export async function endHolds(
  tx: Transaction,
  holds: readonly { readonly holdId: string; readonly flowId: string }[],
): Promise<void> {
  if (holds.length === 0) return;
  const values = [uuids(holds.map((hold) => hold.holdId)), uuids(holds.map((hold) => hold.flowId))];
  await execute(tx, END_HOLDS, values);
}

const UPDATE_BUDGETS = statement(
  'authorization-update-budgets',
  `UPDATE budgets AS b SET held = b.held + c.held::numeric
   FROM unnest($1::uuid[], $2::text[]) AS c (mandate_id, held) WHERE b.mandate_id = c.mandate_id`,
);

/** Adds to what each level holds; decimal text, may be negative. The table's check refuses a sum below zero. */
export async function changeHeld(tx: Transaction, heldByMandate: ReadonlyMap<string, string>): Promise<void> {
  if (heldByMandate.size === 0) return;
  const values = [uuids([...heldByMandate.keys()]), texts([...heldByMandate.values()])];
  await execute(tx, UPDATE_BUDGETS, values);
}

const UPDATE_FLOWS = statement(
  'authorization-update-flows',
  `UPDATE flows AS f SET state = c.state, sequence = c.sequence
   FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS c (flow_id, state, sequence) WHERE f.flow_id = c.flow_id`,
);

export async function changeFlows(tx: Transaction, changes: readonly FlowChange[]): Promise<void> {
  if (changes.length === 0) return;
  const values = [
    uuids(changes.map((change) => change.flowId)),
    texts(changes.map((change) => change.state)),
    bigints(changes.map((change) => change.sequence)),
  ];
  await execute(tx, UPDATE_FLOWS, values);
}

const INSERT_REFUSALS = statement(
  'authorization-insert-refusals',
  `INSERT INTO refusals (lane_id, lane_offset, code, field, ce_id, digest, decision_id)
   SELECT $1::integer, r.* FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::uuid[]) AS r`,
);

export async function insertRefusals(tx: Transaction, laneId: number, rows: readonly RefusalRow[]): Promise<void> {
  if (rows.length === 0) return;
  const values = [
    laneId,
    bigints(rows.map((row) => row.laneOffset)),
    texts(rows.map((row) => row.code)),
    texts(rows.map((row) => row.field)),
    texts(rows.map((row) => row.ceId)),
    byteas(rows.map((row) => row.digest)),
    uuids(rows.map((row) => row.decisionId)),
  ];
  await execute(tx, INSERT_REFUSALS, values);
}
