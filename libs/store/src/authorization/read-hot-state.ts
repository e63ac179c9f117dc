import { InvariantError } from '@spendgate/core';
import { texts, timestamps, uuids } from '../binary-arrays.js';
import { type Statement, type Transaction, query, statement } from '../statement.js';

/** A flow as it stands under its lock. */
export interface FlowRow {
  readonly flowId: string;
  readonly state: string;
  readonly epoch: number;
  readonly sequence: bigint;
  readonly baselineHash: string;
}

/** A mandate level's sums under its lock; decimal text in major units, trailing zeros trimmed. */
export interface BudgetRow {
  readonly mandateId: string;
  readonly held: string;
  readonly capturing: string;
  readonly captured: string;
  readonly refunded: string;
}

export interface AttestationRow {
  readonly agentId: string;
  readonly measurement: string;
  readonly evidenceHash: string;
  readonly verifier: string;
  readonly debug: boolean;
  readonly compromised: boolean;
  readonly validUntilMs: number;
  readonly recordedAtMs: number;
}

/** A decision already recorded for an intent id. */
export interface RecordedDecision {
  readonly intentId: string;
  readonly decisionId: string;
  readonly bodyHash: Buffer;
}

/** A hold whose time has come: what it still keeps back stops counting at `judged_at`, however late the sweep is. */
export interface EndedHold {
  readonly holdId: string;
  readonly flowId: string;
  readonly path: readonly string[];
  /** Decimal text, major units. */
  readonly held: string;
}

export interface HotState {
  readonly flows: ReadonlyMap<string, FlowRow>;
  readonly budgets: ReadonlyMap<string, BudgetRow>;
  readonly attestations: ReadonlyMap<string, AttestationRow>;
  readonly decisions: ReadonlyMap<string, RecordedDecision>;
  readonly endedHolds: readonly EndedHold[];
  /** Intents waiting now, by flow; flows without any are left out. */
  readonly parked: ReadonlyMap<string, number>;
}

/** Database clock and epoch after the locks: `judged_at` may only deny, the epoch says whether cached facts still hold. */
export interface Judged {
  readonly judgedAtMs: number;
  readonly controlEpoch: bigint;
}

/** Ended holds released by one batch; the rest keeps counting (the safe side) until the next one takes it. */
export const ENDED_HOLDS_MAX = 2_000;

const JUDGED = statement(
  'authorization-judged',
  `SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS judged_at_ms, control_epoch FROM domain`,
);

/** A statement of its own, after the locking ones. @throws {InvariantError} `ERR_NO_DOMAIN`: nothing was set up. */
export async function readJudged(tx: Transaction): Promise<Judged> {
  const [row] = await query<{ judged_at_ms: number; control_epoch: bigint }>(tx, JUDGED);
  if (row === undefined) throw new InvariantError('ERR_NO_DOMAIN', 'the database holds no domain');
  return { judgedAtMs: row.judged_at_ms, controlEpoch: row.control_epoch };
}

const FLOWS = statement(
  'authorization-flows',
  `SELECT flow_id, state, epoch, sequence, baseline_hash FROM flows WHERE flow_id = ANY ($1::uuid[])`,
);

const BUDGETS = statement(
  'authorization-budgets',
  `SELECT mandate_id, trim_scale(held)::text, trim_scale(capturing)::text, trim_scale(captured)::text,
          trim_scale(refunded)::text
   FROM budgets WHERE mandate_id = ANY ($1::uuid[])`,
);

const ATTESTATIONS = statement(
  'authorization-attestations',
  `SELECT agent_id, measurement, evidence_hash, verifier, debug, compromised,
          floor(extract(epoch FROM valid_until) * 1000)::float8,
          floor(extract(epoch FROM recorded_at) * 1000)::float8
   FROM attestations WHERE agent_id = ANY ($1::text[])`,
);

// The latest attempt answers a replay: an approval's outcome supersedes the parked decision.
const DECISIONS = statement(
  'authorization-recorded',
  `SELECT DISTINCT ON (intent_id) intent_id, decision_id, body_hash
   FROM decisions WHERE intent_id = ANY ($1::uuid[]) ORDER BY intent_id, attempt DESC`,
);

// One index range per root: holds_ending (root_id, ends_at) WHERE NOT ended. The roots are locked, so no capture of
// these trees is under way; a hold with an amount in capture keeps that part until its outcome.
const ENDED_HOLDS = statement(
  'authorization-ended-holds',
  `SELECT ended.hold_id, ended.flow_id, ended.path::text[] AS path, trim_scale(ended.held)::text AS held
   FROM unnest($1::uuid[]) AS root (id)
   CROSS JOIN LATERAL (
     SELECT hold_id, flow_id, path, held, ends_at FROM holds
     WHERE root_id = root.id AND NOT ended AND ends_at <= ($2::timestamptz[])[1]
     ORDER BY ends_at LIMIT $3
   ) AS ended
   ORDER BY ended.ends_at, ended.hold_id LIMIT $3`,
);

// A later attempt ends a wait; so does its time.
const PARKED = statement(
  'authorization-parked',
  `SELECT d.flow_id, count(*)::integer FROM decisions d
   WHERE d.outcome = 'parked' AND d.flow_id = ANY ($1::uuid[]) AND d.parked_until > ($2::timestamptz[])[1]
     AND NOT EXISTS (
       SELECT 1 FROM decisions later WHERE later.intent_id = d.intent_id AND later.attempt > d.attempt)
   GROUP BY d.flow_id`,
);

/** What a batch asks for: its flows, all their levels, the roots of these, the agents and the intents. */
export interface HotKeys {
  readonly flowIds: readonly string[];
  readonly mandateIds: readonly string[];
  readonly rootIds: readonly string[];
  readonly agentIds: readonly string[];
  readonly intentIds: readonly string[];
}

/** Column lists in order; the specs of this folder run them against a real database. */
type FlowColumns = [flowId: string, state: string, epoch: number, sequence: bigint, baselineHash: string];
type BudgetColumns = [mandateId: string, held: string, capturing: string, captured: string, refunded: string];
type AttestationColumns = [string, string, string, string, boolean, boolean, number, number];
type DecisionColumns = [intentId: string, decisionId: string, bodyHash: Buffer];
type EndedColumns = [holdId: string, flowId: string, path: string[], held: string];

/** Rows as arrays: no object and no key string per row on the hot path. */
async function rowsOf<R extends unknown[]>(
  tx: Transaction,
  { name, text }: Statement,
  values: unknown[],
): Promise<R[]> {
  const result = await tx.query<R>({ name, text, values, rowMode: 'array' });
  return result.rows;
}

/** Reads everything decided on, in new statements after the locks. Six statements, whatever the batch. */
export async function readHotState(tx: Transaction, keys: HotKeys, judgedAtMs: number): Promise<HotState> {
  const ending = [uuids(keys.rootIds), timestamps([judgedAtMs]), ENDED_HOLDS_MAX];
  const flows = await rowsOf<FlowColumns>(tx, FLOWS, [uuids(keys.flowIds)]);
  const budgets = await rowsOf<BudgetColumns>(tx, BUDGETS, [uuids(keys.mandateIds)]);
  const attestations = await rowsOf<AttestationColumns>(tx, ATTESTATIONS, [texts(keys.agentIds)]);
  const decisions = await rowsOf<DecisionColumns>(tx, DECISIONS, [uuids(keys.intentIds)]);
  const ended = await rowsOf<EndedColumns>(tx, ENDED_HOLDS, ending);
  const parked = await rowsOf<[string, number]>(tx, PARKED, [uuids(keys.flowIds), timestamps([judgedAtMs])]);
  return {
    flows: new Map(flows.map((row) => [row[0], flowOf(row)])),
    budgets: new Map(budgets.map((row) => [row[0], budgetOf(row)])),
    attestations: new Map(attestations.map((row) => [row[0], attestationOf(row)])),
    decisions: new Map(
      decisions.map(([intentId, decisionId, bodyHash]) => [intentId, { intentId, decisionId, bodyHash }]),
    ),
    endedHolds: ended.map(([holdId, flowId, path, held]) => ({ holdId, flowId, path, held })),
    parked: new Map(parked),
  };
}

function flowOf([flowId, state, epoch, sequence, baselineHash]: FlowColumns): FlowRow {
  return { flowId, state, epoch, sequence, baselineHash };
}

function budgetOf([mandateId, held, capturing, captured, refunded]: BudgetColumns): BudgetRow {
  return { mandateId, held, capturing, captured, refunded };
}

function attestationOf(row: AttestationColumns): AttestationRow {
  const [agentId, measurement, evidenceHash, verifier, debug, compromised, validUntilMs, recordedAtMs] = row;
  return { agentId, measurement, evidenceHash, verifier, debug, compromised, validUntilMs, recordedAtMs };
}
