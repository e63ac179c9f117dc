import { STANDING_ATTESTATIONS } from '../authorization/attestations.js';
import { texts, uuids } from '../binary-arrays.js';
import { type Queryable, type Statement, query, statement } from '../statement.js';
import { VERIFIED_AT_MS } from '../watch/watch-facts.js';

/** An issued artifact with its hold, as both stand under their locks. Amounts are decimal text in major units. */
export interface IssuedArtifact {
  readonly artifactId: string;
  readonly flowId: string;
  readonly agentId: string;
  readonly epoch: number;
  /** RFC 8785 form of the claims, and its SHA-256: what a presented artifact is held to. */
  readonly claims: string;
  readonly claimsHash: Buffer;
  /** 0 valid, 1 revoked, 2 suspended. */
  readonly status: number;
  /** Leaf of the decision that issued it: the cause of every settlement. */
  readonly decisionLeafHash: Buffer;
  readonly holdId: string;
  readonly path: readonly string[];
  readonly counterpartyId: string;
  readonly audience: string;
  readonly currency: string;
  readonly amount: string;
  readonly held: string;
  readonly capturing: string;
  readonly captured: string;
  readonly released: string;
  readonly refunded: string;
  /** Of them, what the limits have back. */
  readonly restored: string;
  readonly mode: string;
  readonly maxCaptures: number;
  readonly captureCount: number;
  readonly ended: boolean;
  readonly expiresAtMs: number;
  readonly settleByMs: number;
  readonly version: number;
  /** Where it entered counters, JSON text; `null`: in none. */
  readonly counters: string | null;
}

/** A settlement already recorded under an id; the last attempt counts. */
export interface RecordedSettlement {
  readonly settlementId: string;
  readonly flowId: string;
  readonly attempt: number;
  readonly artifactId: string;
  readonly action: string;
  readonly actionId: string;
  readonly presenter: string;
  readonly bodyHash: Buffer;
  readonly outcome: string;
  readonly code: string | null;
  readonly field: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
  /** RFC 8785 form of the receipt's claims: signed again, they give the same bytes. */
  readonly claims: string;
  /** capturing | captured | returned | unknown | released | refunding | refunded | denied */
  readonly state: string;
  readonly rail: string;
  /** Of a refund: the capture it gives back. */
  readonly refundOf: string | null;
  /** Of a capture: what of it is being given back, and what was. */
  readonly refunding: string;
  readonly refunded: string;
  /** Of a refund: the limits have it back. */
  readonly restored: boolean;
  readonly decisionHash: Buffer;
  readonly leafHash: Buffer;
  readonly judgedAtMs: number;
}

/** A report already recorded. */
export interface RecordedOutcome {
  readonly outcomeId: string;
  readonly settlementId: string;
  readonly outcome: string;
  readonly applied: boolean;
  readonly leafHash: Buffer;
  readonly recordedAtMs: number;
}

const MS = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`;
const MONEY = (column: string): string => `trim_scale(${column})::text AS "${column.replace(/^\w\./, '')}"`;

const ARTIFACTS = statement(
  'settlement-artifacts',
  `SELECT a.artifact_id AS "artifactId", a.flow_id AS "flowId", a.agent_id AS "agentId", a.epoch, a.claims,
     a.claims_hash AS "claimsHash", a.status, d.leaf_hash AS "decisionLeafHash", h.hold_id AS "holdId",
     h.path::text[] AS path, h.counterparty_id AS "counterpartyId", h.audience, h.currency,
     ${['h.amount', 'h.held', 'h.capturing', 'h.captured', 'h.released', 'h.refunded', 'h.restored'].map(MONEY).join(', ')},
     h.mode, h.max_captures AS "maxCaptures", h.capture_count AS "captureCount", h.ended,
     ${MS('h.expires_at')} AS "expiresAtMs", ${MS('h.settle_by')} AS "settleByMs", h.version,
     h.counters::text AS counters
   FROM artifacts a
   JOIN holds h ON h.hold_id = a.hold_id AND h.flow_id = a.flow_id
   JOIN decisions d ON d.decision_id = a.decision_id AND d.flow_id = a.flow_id
   WHERE a.artifact_id = ANY ($1::uuid[])`,
);

const RECORDED_COLUMNS = `settlement_id AS "settlementId", flow_id AS "flowId", attempt, artifact_id AS "artifactId",
     action, action_id AS "actionId", presenter, body_hash AS "bodyHash", outcome, code, field,
     trim_scale(amount)::text AS amount, currency, claims, state, rail, refund_of AS "refundOf", ${MONEY('refunding')},
     ${MONEY('refunded')}, restored, decision_hash AS "decisionHash", leaf_hash AS "leafHash",
     ${MS('judged_at')} AS "judgedAtMs"`;
// Attempts under one id are retryable denials and at most one last word; only the newest decides. A refund brings the
// capture it gives back.
const RECORDED = statement(
  'settlement-recorded',
  `WITH wanted AS (
     SELECT unnest($1::uuid[]) AS id
     UNION SELECT refund_of FROM settlements WHERE settlement_id = ANY ($1::uuid[]) AND refund_of IS NOT NULL)
   SELECT DISTINCT ON (settlement_id) ${RECORDED_COLUMNS}
   FROM settlements WHERE settlement_id IN (SELECT id FROM wanted) ORDER BY settlement_id, attempt DESC`,
);
const OUTCOMES = statement(
  'settlement-recorded-outcomes',
  `SELECT outcome_id AS "outcomeId", settlement_id AS "settlementId", outcome, applied, leaf_hash AS "leafHash",
     ${MS('recorded_at')} AS "recordedAtMs"
   FROM settlement_outcomes WHERE outcome_id = ANY ($1::uuid[])`,
);
const FLOWS = statement(
  'settlement-flows',
  `SELECT flow_id AS "flowId", state, epoch, sequence, baseline_hash AS "baselineHash",
     ${VERIFIED_AT_MS('w')} AS "verifiedAtMs"
   FROM flows LEFT JOIN flow_watches w USING (flow_id) WHERE flow_id = ANY ($1::uuid[])`,
);
const ATTESTATIONS = statement(
  'settlement-attestations',
  `SELECT a.agent_id AS "agentId", a.measurement, a.evidence_hash AS "evidenceHash", a.verifier, a.debug, a.compromised,
     ${MS('a.valid_until')} AS "validUntilMs", ${MS('a.recorded_at')} AS "recordedAtMs"
   FROM ${STANDING_ATTESTATIONS} WHERE a.agent_id = ANY ($1::text[])`,
);

export interface SettlementFlow {
  readonly flowId: string;
  readonly state: string;
  readonly epoch: number;
  readonly sequence: bigint;
  readonly baselineHash: string;
  /** When continuous verification last found it whole, Unix ms; `null`: it had no live artifact then. */
  readonly verifiedAtMs: number | null;
}

export interface SettlementAttestation {
  readonly agentId: string;
  readonly measurement: string;
  readonly evidenceHash: string;
  readonly verifier: string;
  readonly debug: boolean;
  readonly compromised: boolean;
  readonly validUntilMs: number;
  readonly recordedAtMs: number;
}

/** What a batch asks for. */
export interface SettlementKeys {
  readonly artifactIds: readonly string[];
  readonly flowIds: readonly string[];
  readonly agentIds: readonly string[];
  readonly settlementIds: readonly string[];
  readonly outcomeIds: readonly string[];
}

export interface SettlementState {
  readonly artifacts: ReadonlyMap<string, IssuedArtifact>;
  readonly flows: ReadonlyMap<string, SettlementFlow>;
  readonly attestations: ReadonlyMap<string, SettlementAttestation>;
  readonly settlements: ReadonlyMap<string, RecordedSettlement>;
  readonly outcomes: ReadonlyMap<string, RecordedOutcome>;
}

/** Reads everything decided on, in new statements after the locks: five at most, whatever the batch. */
export async function readSettlementState(db: Queryable, keys: SettlementKeys): Promise<SettlementState> {
  const artifacts = await rowsOf<IssuedArtifact>(db, ARTIFACTS, uuids(keys.artifactIds));
  const flows = await rowsOf<SettlementFlow>(db, FLOWS, uuids(keys.flowIds));
  const attestations = await rowsOf<SettlementAttestation>(db, ATTESTATIONS, texts(keys.agentIds));
  const settlements = await rowsOf<RecordedSettlement>(db, RECORDED, uuids(keys.settlementIds));
  const reported = keys.outcomeIds.length > 0;
  const outcomes = reported ? await rowsOf<RecordedOutcome>(db, OUTCOMES, uuids(keys.outcomeIds)) : [];
  return {
    artifacts: new Map(artifacts.map((row) => [row.artifactId, row])),
    flows: new Map(flows.map((row) => [row.flowId, row])),
    attestations: new Map(attestations.map((row) => [row.agentId, row])),
    settlements: new Map(settlements.map((row) => [row.settlementId, row])),
    outcomes: new Map(outcomes.map((row) => [row.outcomeId, row])),
  };
}

function rowsOf<R>(db: Queryable, text: Statement, keys: Buffer): Promise<R[]> {
  return query<R & Record<string, unknown>>(db, text, [keys]);
}
