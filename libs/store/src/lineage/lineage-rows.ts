import { uuids } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';
import type { LineageKind } from './lineage-graph.js';

/** Rows of one kind read at once: bounds a page whatever was spent. */
export const LINEAGE_ROWS_MAX = 200;
/** Decisions looked at for one page: a stretch of the primary key, as in the list of decisions. */
const LOOKED_AT = 5_000;

export interface DecisionStep {
  readonly decisionId: string;
  readonly flowId: string;
  readonly intentId: string;
  readonly artifactId: string | null;
  readonly supersedes: string | null;
  readonly outcome: string;
  readonly code: string | null;
  readonly leafHash: Buffer;
}
export interface ArtifactStep {
  readonly artifactId: string;
  readonly flowId: string;
  readonly decisionId: string;
  readonly audience: string;
  readonly status: number;
  readonly claims: string;
}
export interface SettlementStep {
  readonly settlementId: string;
  readonly artifactId: string;
  readonly action: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly state: string;
  readonly presenter: string;
  readonly refundOf: string | null;
  readonly leafHash: Buffer;
}
export interface OutcomeStep {
  readonly outcomeId: string;
  readonly settlementId: string;
  readonly outcome: string;
  readonly reporter: string | null;
  readonly leafHash: Buffer;
}
export interface MandateStep {
  readonly mandateId: string;
  readonly version: number;
  readonly parentId: string | null;
  readonly principalId: string;
  readonly agentId: string | null;
  readonly policyId: string;
  readonly revoked: boolean;
  readonly leafHash: Buffer | null;
}
export interface IncidentStep {
  readonly incidentId: string;
  readonly flowId: string;
  readonly state: string;
  readonly rule: string;
  readonly leafHash: Buffer;
}

const LIMIT = `LIMIT ${LINEAGE_ROWS_MAX + 1}`;
const DECISION = `decision_id AS "decisionId", flow_id AS "flowId", intent_id AS "intentId", artifact_id AS "artifactId",
  supersedes, outcome, code, leaf_hash AS "leafHash"`;
const SETTLEMENT = `settlement_id AS "settlementId", artifact_id AS "artifactId", action, outcome, code, state, presenter,
  refund_of AS "refundOf", leaf_hash AS "leafHash"`;
const MANDATE = `m.mandate_id AS "mandateId", m.version, m.parent_id AS "parentId", m.principal_id AS "principalId",
  m.agent_id AS "agentId", m.claims::jsonb #>> '{policy,id}' AS "policyId", m.revoked_at IS NOT NULL AS revoked, m.leaf_hash AS "leafHash"`;
const INCIDENT = 'incident_id AS "incidentId", flow_id AS "flowId", state, rule, opened_leaf AS "leafHash"';

/** What an id names. A flow has its mandate's id. The first that applies, in the order of the log's own words. */
const LOCATE_UUID = statement(
  'lineage-locate',
  `SELECT * FROM (
     SELECT 'mandate' AS kind FROM mandates WHERE mandate_id = $1
     UNION ALL SELECT 'artifact' FROM artifacts WHERE artifact_id = $1
     UNION ALL SELECT 'decision' FROM decisions WHERE decision_id = $1
     UNION ALL (SELECT 'intent' FROM decisions WHERE intent_id = $1 LIMIT 1)
     UNION ALL (SELECT 'settlement' FROM settlements WHERE settlement_id = $1 LIMIT 1)
     UNION ALL (SELECT 'outcome' FROM settlement_outcomes WHERE outcome_id = $1 LIMIT 1)
     UNION ALL SELECT 'incident' FROM incidents WHERE incident_id = $1) AS found LIMIT 1`,
);
const LOCATE_TEXT = statement(
  'lineage-locate-text',
  `SELECT * FROM (
     (SELECT 'policy' AS kind FROM policies WHERE policy_id = $1 LIMIT 1)
     UNION ALL SELECT 'key' FROM party_keys WHERE kid = $1
     UNION ALL SELECT 'key' FROM domain_keys WHERE kid = $1
     UNION ALL (SELECT kind FROM parties WHERE party_id = $1 AND kind IN ('principal', 'agent') ORDER BY kind DESC LIMIT 1)
   ) AS found LIMIT 1`,
);
const STEPS = {
  decisions: statement('lineage-decisions', `SELECT ${DECISION} FROM decisions WHERE decision_id = ANY ($1::uuid[])`),
  decisionsOfIntents: statement(
    'lineage-decisions-of-intents',
    `SELECT ${DECISION} FROM decisions WHERE intent_id = ANY ($1::uuid[]) ORDER BY attempt ${LIMIT}`,
  ),
  artifacts: statement(
    'lineage-artifacts',
    `SELECT artifact_id AS "artifactId", flow_id AS "flowId", decision_id AS "decisionId", audience, status::int AS status, claims
     FROM artifacts WHERE artifact_id = ANY ($1::uuid[])`,
  ),
  renewed: statement(
    'lineage-renewed',
    `SELECT ${DECISION} FROM decisions
     WHERE decision_id IN (SELECT decision_id FROM renewals WHERE artifact_id = ANY ($1::uuid[])) ${LIMIT}`,
  ),
  settlements: statement(
    'lineage-settlements',
    `SELECT DISTINCT ON (settlement_id) ${SETTLEMENT} FROM settlements
     WHERE settlement_id = ANY ($1::uuid[]) ORDER BY settlement_id, attempt DESC`,
  ),
  settlementsOf: statement(
    'lineage-settlements-of',
    `SELECT * FROM (SELECT DISTINCT ON (settlement_id) ${SETTLEMENT}, judged_at FROM settlements
       WHERE artifact_id = ANY ($1::uuid[]) ORDER BY settlement_id, attempt DESC) AS s ORDER BY judged_at ${LIMIT}`,
  ),
  refundsOf: statement(
    'lineage-refunds-of',
    `SELECT DISTINCT ON (settlement_id) ${SETTLEMENT} FROM settlements
     WHERE refund_of = ANY ($1::uuid[]) ORDER BY settlement_id, attempt DESC ${LIMIT}`,
  ),
  outcomes: statement(
    'lineage-outcomes',
    `SELECT outcome_id AS "outcomeId", settlement_id AS "settlementId", outcome, reporter, leaf_hash AS "leafHash"
     FROM settlement_outcomes WHERE outcome_id = ANY ($1::uuid[])`,
  ),
  outcomesOf: statement(
    'lineage-outcomes-of',
    `SELECT outcome_id AS "outcomeId", settlement_id AS "settlementId", outcome, reporter, leaf_hash AS "leafHash"
     FROM settlement_outcomes WHERE settlement_id = ANY ($1::uuid[]) ORDER BY recorded_at ${LIMIT}`,
  ),
  mandatesAbove: statement(
    'lineage-mandates-above',
    `SELECT DISTINCT ${MANDATE}, m.depth FROM mandates self JOIN mandates m ON m.mandate_id = ANY (self.path)
     WHERE self.mandate_id = ANY ($1::uuid[]) ORDER BY m.depth DESC`,
  ),
  mandatesBelow: statement(
    'lineage-mandates-below',
    `WITH RECURSIVE tree AS (
       SELECT mandate_id FROM mandates WHERE mandate_id = ANY ($1::uuid[])
       UNION SELECT c.mandate_id FROM tree JOIN mandates c ON c.parent_id = tree.mandate_id)
     SELECT ${MANDATE} FROM (SELECT mandate_id FROM tree ${LIMIT}) AS t JOIN mandates m USING (mandate_id) ORDER BY m.depth`,
  ),
  mandatesOf: {
    principal: statement(
      'lineage-mandates-of-principal',
      `SELECT mandate_id FROM mandates WHERE principal_id = $1 AND parent_id IS NULL ORDER BY mandate_id ${LIMIT}`,
    ),
    agent: statement(
      'lineage-mandates-of-agent',
      `SELECT mandate_id FROM mandates WHERE agent_id = $1 ORDER BY mandate_id ${LIMIT}`,
    ),
    policy: statement(
      'lineage-mandates-of-policy',
      `SELECT mandate_id FROM mandates WHERE claims::jsonb #>> '{policy,id}' = $1 ORDER BY mandate_id ${LIMIT}`,
    ),
  },
  incidents: statement('lineage-incidents', `SELECT ${INCIDENT} FROM incidents WHERE incident_id = ANY ($1::uuid[])`),
  incidentsOf: statement(
    'lineage-incidents-of',
    `SELECT ${INCIDENT} FROM incidents WHERE flow_id = ANY ($1::uuid[]) ORDER BY opened_at ${LIMIT}`,
  ),
} as const;

const DECISIONS_OF_FLOWS = statement(
  'lineage-decisions-of-flows',
  `WITH stretch AS MATERIALIZED (
     SELECT decision_id, flow_id, intent_id, artifact_id, supersedes, outcome, code, leaf_hash FROM decisions
     WHERE (decision_id, flow_id) < ($1::uuid, $2::uuid) ORDER BY decision_id DESC, flow_id DESC LIMIT ${LOOKED_AT}),
   edge AS (SELECT decision_id AS "edgeId", flow_id AS "edgeFlow", (SELECT count(*) FROM stretch)::int AS looked
     FROM stretch ORDER BY decision_id, flow_id LIMIT 1)
   SELECT e.*, f.* FROM edge e LEFT JOIN (
     SELECT ${DECISION} FROM stretch WHERE flow_id = ANY ($3::uuid[]) ORDER BY decision_id DESC, flow_id DESC LIMIT $4) AS f
     ON true ORDER BY f."decisionId" DESC, f."flowId" DESC`,
);
const PARTY_KEY = statement(
  'lineage-key',
  `SELECT kind, party_id AS party FROM party_keys WHERE kid = $1 UNION ALL SELECT 'domain', purpose FROM domain_keys WHERE kid = $1`,
);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @returns what the id names in this domain; `undefined`: nothing */
export async function locateId(db: Queryable, id: string): Promise<LineageKind | undefined> {
  const [row] = await query<{ kind: LineageKind }>(db, UUID.test(id) ? LOCATE_UUID : LOCATE_TEXT, [id]);
  return row?.kind;
}

type ById = Exclude<keyof typeof STEPS, 'mandatesOf'>;
interface Step {
  decisions: DecisionStep;
  decisionsOfIntents: DecisionStep;
  renewed: DecisionStep;
  artifacts: ArtifactStep;
  settlements: SettlementStep;
  settlementsOf: SettlementStep;
  refundsOf: SettlementStep;
  outcomes: OutcomeStep;
  outcomesOf: OutcomeStep;
  mandatesAbove: MandateStep;
  mandatesBelow: MandateStep;
  incidents: IncidentStep;
  incidentsOf: IncidentStep;
}

/** One step of a walk: the rows these ids lead to. */
export async function readStep<Name extends ById>(
  db: Queryable,
  name: Name,
  ids: readonly string[],
): Promise<Step[Name][]> {
  if (ids.length === 0) return [];
  return query<Step[Name] & Record<string, unknown>>(db, STEPS[name], [uuids(ids)]);
}

export async function readMandatesOf(
  db: Queryable,
  kind: keyof (typeof STEPS)['mandatesOf'],
  id: string,
): Promise<string[]> {
  return (await query<{ mandate_id: string }>(db, STEPS.mandatesOf[kind], [id])).map((row) => row.mandate_id);
}

export interface DecisionEdge {
  readonly decisionId: string;
  readonly flowId: string;
}

/** Decisions of some flows, newest first, before a place. `next`: where to go on; `null`: nothing older is left. */
export async function readDecisionsOfFlows(
  db: Queryable,
  flowIds: readonly string[],
  { decisionId, flowId }: DecisionEdge,
  limit: number,
): Promise<{ decisions: DecisionStep[]; next: DecisionEdge | null }> {
  type Row = { [Member in keyof DecisionStep]: DecisionStep[Member] | null } & {
    readonly edgeId: string;
    readonly edgeFlow: string;
    readonly looked: number;
  };
  const values = [decisionId, flowId, uuids(flowIds), limit + 1];
  const rows = await query<Row & Record<string, unknown>>(db, DECISIONS_OF_FLOWS, values);
  const found = rows.filter((row) => row.decisionId !== null) as (Row & DecisionStep)[]; // as: then no column is null that may not be
  const decisions = found.slice(0, limit);
  const last = found.length > limit ? decisions.at(-1) : undefined;
  if (last !== undefined) return { decisions, next: { decisionId: last.decisionId, flowId: last.flowId } };
  const [edge] = rows;
  return { decisions, next: edge?.looked === LOOKED_AT ? { decisionId: edge.edgeId, flowId: edge.edgeFlow } : null };
}

/** Whose a key is; `domain` with its purpose for the domain's own. */
export async function readKeyOwner(db: Queryable, kid: string): Promise<{ kind: string; party: string } | undefined> {
  const [row] = await query<{ kind: string; party: string }>(db, PARTY_KEY, [kid]);
  return row;
}
