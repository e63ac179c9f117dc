import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** A decision row beside the leaf the log holds for it; members of `leaf…` are `null` when the log holds none. */
export interface LoggedDecision {
  readonly decisionId: string;
  readonly flowId: string;
  readonly intentId: string;
  readonly agentId: string;
  readonly bodyHash: Buffer;
  readonly outcome: string;
  readonly code: string | null;
  readonly field: string | null;
  readonly supersedes: string | null;
  readonly decisionHash: Buffer;
  readonly leafHash: Buffer;
  readonly laneOffset: bigint;
  readonly appendedAtMs: number;
  readonly judgedAtMs: number;
  readonly artifactId: string | null;
  /** The artifact's row; `null` when there is none. */
  readonly artifactClaims: string | null;
  /** The agent's JWS. */
  readonly request: string;
  /** Decimal text without zeros at its end, major units; `null` where none could be read. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly counterpartyId: string | null;
  /** Place of the leaf in the tree. */
  readonly leafIndex: number | null;
  readonly leaf: string | null;
  readonly leafPayload: string | null;
  readonly leafSalt: Buffer | null;
}

const PAGE = statement(
  'logged-decisions-page',
  `SELECT d.decision_id AS "decisionId", d.flow_id AS "flowId", d.intent_id AS "intentId", d.agent_id AS "agentId",
     d.body_hash AS "bodyHash", d.outcome, d.code, d.field, d.supersedes, d.decision_hash AS "decisionHash", d.leaf_hash AS "leafHash",
     d.lane_offset AS "laneOffset", floor(extract(epoch FROM d.appended_at) * 1000)::float8 AS "appendedAtMs",
     floor(extract(epoch FROM d.judged_at) * 1000)::float8 AS "judgedAtMs", d.artifact_id AS "artifactId",
     d.request, trim_scale(d.amount)::text AS amount, d.currency, d.counterparty_id AS "counterpartyId",
     a.claims AS "artifactClaims", p.index::float8 AS "leafIndex", l.leaf, l.payload AS "leafPayload",
     l.salt AS "leafSalt"
   FROM decisions d
   LEFT JOIN artifacts a ON a.artifact_id = d.artifact_id AND a.flow_id = d.flow_id
   LEFT JOIN log_positions p ON p.leaf_hash = d.leaf_hash
   LEFT JOIN leaves l ON l.lane_id = p.lane_id AND l.seq = p.seq
   WHERE (d.decision_id, d.flow_id) > ($1::uuid, $2::uuid)
   ORDER BY d.decision_id, d.flow_id LIMIT $3`,
);
/** The id by its text: a payload somebody damaged need not be JSON. A quote inside a text is escaped, so none can imitate it. */
const LOST = statement(
  'logged-decisions-lost',
  `SELECT p.index::float8 AS index, coalesce(said.id, '') AS "decisionId"
   FROM log_positions p JOIN leaves l ON l.lane_id = p.lane_id AND l.seq = p.seq,
     LATERAL (SELECT substring(l.payload FROM '"decision_id":"([0-9a-f-]{36})"') AS id) AS said
   WHERE l.leaf LIKE '%"type":"decision\\_%' AND l.payload IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.decision_id = said.id::uuid)
   ORDER BY p.index LIMIT $1`,
);
const FIRST = '00000000-0000-0000-0000-000000000000';

/** Every decision with what the log says of it, in the order of their ids, a page at a time. */
export async function* readLoggedDecisions(db: Queryable, pageSize = 500): AsyncGenerator<LoggedDecision> {
  let after = [FIRST, FIRST];
  for (;;) {
    const page = await guarded(() => query<LoggedDecision & Record<string, unknown>>(db, PAGE, [...after, pageSize]));
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = [last.decisionId, last.flowId];
  }
}

/** Decisions the log holds and the table does not, in the log's order. @param limit rows at most */
export function readLostDecisions(
  db: Queryable,
  limit: number,
): Promise<{ readonly index: number; readonly decisionId: string }[]> {
  return guarded(() => query<{ index: number; decisionId: string }>(db, LOST, [limit]));
}
