import { uuids } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';

/** A decision as its readers see it, with the hold's artifact when there is one. */
export interface DecisionView {
  readonly decisionId: string;
  readonly flowId: string;
  readonly intentId: string;
  readonly agentId: string;
  readonly bodyHash: Buffer;
  readonly outcome: string;
  readonly code: string | null;
  readonly field: string | null;
  /** The agent's JWS. */
  readonly request: string;
  readonly readSet: string;
  readonly rulesVersion: number;
  readonly decisionHash: Buffer;
  readonly leafHash: Buffer;
  readonly supersedes: string | null;
  readonly appendedAtMs: number;
  readonly judgedAtMs: number;
  readonly artifactId: string | null;
  /** The settlement service the artifact is for. */
  readonly audience: string | null;
}

interface DecisionViewRow {
  decision_id: string;
  flow_id: string;
  intent_id: string;
  agent_id: string;
  body_hash: Buffer;
  outcome: string;
  code: string | null;
  field: string | null;
  request: string;
  read_set: string;
  rules_version: number;
  decision_hash: Buffer;
  leaf_hash: Buffer;
  supersedes: string | null;
  appended_at: Date;
  judged_at: Date;
  artifact_id: string | null;
  audience: string | null;
}

const VIEW = `
  SELECT d.decision_id, d.flow_id, d.intent_id, d.agent_id, d.body_hash, d.outcome, d.code, d.field, d.request, d.read_set,
    d.rules_version, d.decision_hash, d.leaf_hash, d.supersedes, d.appended_at, d.judged_at, d.artifact_id,
    a.audience
  FROM decisions d LEFT JOIN artifacts a ON a.artifact_id = d.artifact_id AND a.flow_id = d.flow_id`;
const BY_ID = statement('decision-by-id', `${VIEW} WHERE d.decision_id = $1`);
/** Attempts read of all intents asked for together: an intent has few, and few share a `jti`. */
const ATTEMPTS_MAX = 100;
const BY_INTENT = statement(
  'decisions-by-intent',
  `${VIEW} WHERE d.intent_id = ANY ($1::uuid[]) ORDER BY d.attempt DESC LIMIT ${ATTEMPTS_MAX}`,
);

function viewOf(row: DecisionViewRow): DecisionView {
  return {
    decisionId: row.decision_id,
    flowId: row.flow_id,
    intentId: row.intent_id,
    agentId: row.agent_id,
    bodyHash: row.body_hash,
    outcome: row.outcome,
    code: row.code,
    field: row.field,
    request: row.request,
    readSet: row.read_set,
    rulesVersion: row.rules_version,
    decisionHash: row.decision_hash,
    leafHash: row.leaf_hash,
    supersedes: row.supersedes,
    appendedAtMs: row.appended_at.getTime(),
    judgedAtMs: row.judged_at.getTime(),
    artifactId: row.artifact_id,
    audience: row.audience,
  };
}

/** @param decisionId a UUID; anything else is the caller's to refuse first. */
export async function readDecision(db: Queryable, decisionId: string): Promise<DecisionView | undefined> {
  const [row] = await query<DecisionViewRow>(db, BY_ID, [decisionId]);
  return row === undefined ? undefined : viewOf(row);
}

/** The newest attempt of each of these intents that was decided; one `jti` may name intents under several mandates. */
export async function readDecisionsByIntent(db: Queryable, intentIds: readonly string[]): Promise<DecisionView[]> {
  const rows = await query<DecisionViewRow>(db, BY_INTENT, [uuids(intentIds)]);
  const newest = new Map<string, DecisionView>();
  for (const row of rows) if (!newest.has(row.intent_id)) newest.set(row.intent_id, viewOf(row));
  return [...newest.values()];
}

export interface ArtifactView {
  readonly artifactId: string;
  readonly flowId: string;
  /** A renewal keeps it. */
  readonly holdId: string;
  readonly decisionId: string;
  readonly agentId: string;
  readonly audience: string;
  readonly kid: string;
  readonly claims: string;
  readonly status: number;
  readonly issuedAtMs: number;
}

interface ArtifactViewRow {
  artifact_id: string;
  flow_id: string;
  hold_id: string;
  decision_id: string;
  agent_id: string;
  audience: string;
  kid: string;
  claims: string;
  status: number;
  issued_at: Date;
}

const ARTIFACTS = statement(
  'artifacts-by-id',
  `SELECT artifact_id, flow_id, hold_id, decision_id, agent_id, audience, kid, claims, status, issued_at
   FROM artifacts WHERE artifact_id = ANY ($1::uuid[])`,
);

/** Stored claims of artifacts, in no order; the signature is made again from them and is the same bytes. */
export async function readArtifacts(db: Queryable, artifactIds: readonly string[]): Promise<ArtifactView[]> {
  const rows = await query<ArtifactViewRow>(db, ARTIFACTS, [uuids(artifactIds)]);
  return rows.map((row) => ({
    artifactId: row.artifact_id,
    flowId: row.flow_id,
    holdId: row.hold_id,
    decisionId: row.decision_id,
    agentId: row.agent_id,
    audience: row.audience,
    kid: row.kid,
    claims: row.claims,
    status: row.status,
    issuedAtMs: row.issued_at.getTime(),
  }));
}

/** Mandates of one agent that a bare `jti` is looked up under; more than these need the mandate named. */
const AGENT_MANDATES_MAX = 1_000;
const AGENT_MANDATES = statement(
  'agent-mandates',
  `SELECT mandate_id FROM mandates WHERE agent_id = $1 ORDER BY mandate_id LIMIT $2`,
);

export async function readAgentMandates(db: Queryable, agentId: string): Promise<string[]> {
  const rows = await query<{ mandate_id: string }>(db, AGENT_MANDATES, [agentId, AGENT_MANDATES_MAX]);
  return rows.map((row) => row.mandate_id);
}
