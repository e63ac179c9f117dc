import { type Queryable, type Statement, query, statement } from '../statement.js';

/** A decision in a reader's list. Amount: decimal text, major units. */
export interface DecisionListing {
  readonly decisionId: string;
  readonly flowId: string;
  readonly intentId: string;
  readonly agentId: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly counterpartyId: string | null;
  readonly artifactId: string | null;
  readonly judgedAtMs: number;
}

export interface DecisionPlace {
  readonly decisionId: string;
  readonly flowId: string;
}

/** What of a reader's decisions to show; `null` does not narrow. */
export interface DecisionsAsked {
  readonly mandate: string | null;
  readonly outcome: string | null;
  /** Older than this; `null`: from the newest. */
  readonly before: DecisionPlace | null;
  readonly limit: number;
}

export interface DecisionsPage {
  readonly decisions: readonly DecisionListing[];
  /** Where the next page goes on; `null`: nothing older is left. */
  readonly next: DecisionPlace | null;
}

/**
 * Decisions one page looks at. Ids lead with the append time, so this is a stretch of the primary key: an index by reader
 * would cost every decision, and a reader who asked little would otherwise scan all others' history.
 */
const LOOKED_AT = 5_000;
/** After every id there is. */
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const MINE = { agent: 'd.agent_id = $3', settlement_service: 'a.audience = $3' } as const;
const page = (kind: keyof typeof MINE): Statement =>
  statement(
    `decisions-page-for-${kind}`,
    `WITH stretch AS MATERIALIZED (
       SELECT decision_id, flow_id, intent_id, agent_id, outcome, code, amount, currency, counterparty_id, artifact_id,
         judged_at
       FROM decisions WHERE (decision_id, flow_id) < ($1::uuid, $2::uuid)
       ORDER BY decision_id DESC, flow_id DESC LIMIT ${LOOKED_AT}),
     edge AS (SELECT decision_id, flow_id, (SELECT count(*) FROM stretch)::integer AS looked
       FROM stretch ORDER BY decision_id, flow_id LIMIT 1),
     found AS (
       SELECT d.* FROM stretch d LEFT JOIN artifacts a ON a.artifact_id = d.artifact_id AND a.flow_id = d.flow_id
       WHERE ${MINE[kind]} AND ($4::uuid IS NULL OR d.flow_id = $4) AND ($5::text IS NULL OR d.outcome = $5)
       ORDER BY d.decision_id DESC, d.flow_id DESC LIMIT $6)
     SELECT e.decision_id AS "edgeId", e.flow_id AS "edgeFlow", e.looked, f.decision_id AS "decisionId",
       f.flow_id AS "flowId", f.intent_id AS "intentId", f.agent_id AS "agentId", f.outcome, f.code,
       trim_scale(f.amount)::text AS amount, f.currency, f.counterparty_id AS "counterpartyId",
       f.artifact_id AS "artifactId", floor(extract(epoch FROM f.judged_at) * 1000)::float8 AS "judgedAtMs"
     FROM edge e LEFT JOIN found f ON true ORDER BY f.decision_id DESC, f.flow_id DESC`,
  );
const PAGES = { agent: page('agent'), settlement_service: page('settlement_service') } as const;

type Row = { [Member in keyof DecisionListing]: DecisionListing[Member] | null } & {
  readonly edgeId: string;
  readonly edgeFlow: string;
  readonly looked: number;
};

/** Newest first: what is decided meanwhile is newer than every page after the first, so it shifts none. */
export async function readDecisionsPage(
  db: Queryable,
  reader: { readonly kind: keyof typeof PAGES; readonly id: string },
  { mandate, outcome, before, limit }: DecisionsAsked,
): Promise<DecisionsPage> {
  const from = before ?? { decisionId: LAST, flowId: LAST };
  const values = [from.decisionId, from.flowId, reader.id, mandate, outcome, limit + 1];
  const rows = await query<Row & Record<string, unknown>>(db, PAGES[reader.kind], values);
  const [edge] = rows;
  const found = rows.flatMap((row) => (row.decisionId === null ? [] : [listingOf(row)]));
  const decisions = found.slice(0, limit);
  const last = found.length > limit ? decisions.at(-1) : undefined;
  if (last !== undefined) return { decisions, next: { decisionId: last.decisionId, flowId: last.flowId } };
  const older = edge?.looked === LOOKED_AT ? { decisionId: edge.edgeId, flowId: edge.edgeFlow } : null;
  return { decisions, next: older };
}

/** The rest of the row is the decision's own. */
function listingOf(row: Row): DecisionListing {
  const { decisionId, flowId, intentId, agentId, outcome, code, amount, currency, ...rest } = row;
  const { counterpartyId, artifactId, judgedAtMs } = rest;
  const listing = { decisionId, flowId, intentId, agentId, outcome, code, amount, currency };
  return { ...listing, counterpartyId, artifactId, judgedAtMs } as DecisionListing; // as: a decision's columns are not null
}
