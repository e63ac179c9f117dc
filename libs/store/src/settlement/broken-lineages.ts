import { uuids } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';

/** Live artifacts of a flow looked at: they come of the same mandate, in few versions. */
const ARTIFACTS_LOOKED_AT = 4;

/** A flow that holds money under a mandate its artifacts did not come of, or whose chain to the root has a gap. */
export interface BrokenLineage {
  readonly flowId: string;
  readonly code: 'lineage_fragmented' | 'authorization_discontinuity';
  /** Leaf of a decision that rests on it. */
  readonly cause: Buffer;
}

const CARRIES = (mandate: string, hash: string): string =>
  `(${mandate}.mandate_hash = ${hash} OR ${hash} = ANY (${mandate}.superseded_hashes))`;

// The rules of findChainBreak and isLineageWhole, read from the rows as they stand now: no cache of a process is asked.
const broken = (flows: string): string => `
  SELECT f.flow_id AS "flowId", held.leaf_hash AS cause,
    CASE WHEN held.is_own THEN 'authorization_discontinuity' ELSE 'lineage_fragmented' END AS code
  FROM ${flows} JOIN flows USING (flow_id) LEFT JOIN mandates own ON own.mandate_id = f.flow_id
  CROSS JOIN LATERAL (
    SELECT l.leaf_hash, coalesce(${CARRIES('own', 'l.parent_hash')}, false) AS is_own FROM (
      SELECT d.leaf_hash, a.claims::jsonb #>> '{lineage,parent_hash}' AS parent_hash
      FROM holds h JOIN artifacts a ON a.artifact_id = h.artifact_id AND a.flow_id = h.flow_id
        JOIN decisions d ON d.decision_id = a.decision_id AND d.flow_id = a.flow_id
      WHERE h.flow_id = f.flow_id AND NOT h.ended LIMIT ${ARTIFACTS_LOOKED_AT}) AS l
    ORDER BY is_own LIMIT 1) AS held
  WHERE flows.state IN ('baseline', 'authorized', 'activated', 'executing', 'drifting') AND (NOT held.is_own
    OR cardinality(own.path) <> own.depth + 1 OR own.path[own.depth + 1] <> own.mandate_id OR own.path[1] <> own.root_id
    OR EXISTS (
    SELECT 1 FROM unnest(own.path) WITH ORDINALITY AS level (id, n)
    LEFT JOIN mandates m ON m.mandate_id = level.id LEFT JOIN mandates above ON above.mandate_id = own.path[level.n - 1]
    WHERE m.mandate_id IS NULL OR m.depth <> level.n - 1 OR m.root_id <> own.root_id
      OR m.parent_id IS DISTINCT FROM above.mandate_id OR (level.n = 1 AND m.parent_hash IS NOT NULL)
      OR (level.n > 1 AND (m.principal_id <> above.principal_id
        OR (m.parent_hash IS NOT NULL AND NOT ${CARRIES('above', 'm.parent_hash')})))))`;

// A loose scan of holds_of_flow: one index descent per flow, whatever each of them holds.
const SWEEP = statement(
  'lineage-sweep',
  `WITH RECURSIVE held AS (
     (SELECT flow_id, 1 AS n FROM holds WHERE NOT ended AND flow_id > $1::uuid ORDER BY flow_id LIMIT 1)
     UNION ALL
     SELECT (SELECT h.flow_id FROM holds h WHERE NOT h.ended AND h.flow_id > f.flow_id ORDER BY h.flow_id LIMIT 1), n + 1
     FROM held f WHERE f.flow_id IS NOT NULL AND n < $2),
   looked AS MATERIALIZED (SELECT flow_id FROM held WHERE flow_id IS NOT NULL)
   SELECT (SELECT flow_id FROM looked ORDER BY flow_id DESC LIMIT 1) AS last, (SELECT count(*) FROM looked)::int AS looked, b.*
   FROM (SELECT 1) AS one LEFT JOIN (${broken('looked f')}) AS b ON true`,
);
const OF = statement('lineage-broken', broken('unnest($1::uuid[]) AS f (flow_id)'));

/**
 * Looks at flows with live holds after `afterFlow` in id order, at most `limit`.
 *
 * @returns the broken ones, and the flow to go on behind; `null`: the round is complete
 */
export async function sweepLineages(
  db: Queryable,
  afterFlow: string,
  limit: number,
): Promise<{ readonly broken: readonly string[]; readonly last: string | null }> {
  type Row = { last: string | null; looked: number; flowId: string | null };
  const rows = await query<Row>(db, SWEEP, [afterFlow, limit]);
  const [first] = rows;
  const last = first?.looked === limit ? first.last : null;
  return { broken: rows.flatMap((row) => row.flowId ?? []), last };
}

/** The same for these flows, once they are locked. */
export function readBrokenLineages(db: Queryable, flowIds: readonly string[]): Promise<BrokenLineage[]> {
  return query<BrokenLineage & Record<string, unknown>>(db, OF, [uuids(flowIds)]);
}
