import { CONTROL_LANE } from '../control-lock.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { type EvidenceLeaf, readEvidenceLeaves } from '../transparency/bundle-reads.js';

/** Leaves of a flow told of at most: acts, and beside them settlements. */
const ACTS_MAX = 2_000;
const SETTLEMENTS_MAX = 200;
/** Steps back from an incident: contained, drift found, the verdict, what showed it. */
const STEPS_BACK = 4;

const ANCHORS = statement(
  'flow-anchors',
  `SELECT f.epoch,
     array(SELECT i.incident_id::text FROM incidents i WHERE i.flow_id = f.flow_id ORDER BY i.opened_at) AS incidents,
     array(SELECT i.opened_leaf FROM incidents i WHERE i.flow_id = f.flow_id
       UNION SELECT c.leaf_hash FROM incidents i JOIN incident_causes c USING (incident_id) WHERE i.flow_id = f.flow_id
     ) AS leaves
   FROM flows f WHERE f.flow_id = $1`,
);
/** One walk over what was acted on, as for bundles: small beside what was decided. */
const ACTS = statement(
  'flow-acts',
  `SELECT p.index::float8 AS index, p.leaf_hash AS "leafHash", l.leaf, l.payload, l.salt
   FROM lanes c JOIN leaves l ON l.lane_id = c.lane_id
   JOIN log_positions p ON p.leaf_hash = l.leaf_hash AND p.lane_id = l.lane_id AND p.seq = l.seq
   WHERE c.name = '${CONTROL_LANE}' AND p.index < $2
     AND l.leaf ~ '"type":"(mandate_registered|mandate_revoked|flow_baseline_set|flow_transition|verification_changed|incident_opened|incident_changed|incident_closed|ops_action)"'
     AND EXISTS (SELECT 1 FROM unnest($1::text[]) AS said (text) WHERE strpos(l.payload, said.text) > 0)
   ORDER BY p.index LIMIT ${ACTS_MAX + 1}`,
);
// Ids begin with their time: the first artifact of an epoch is the first in the order of the key.
const ISSUED = statement(
  'flow-issued',
  `WITH issued AS (
     SELECT a.artifact_id, a.decision_id, true AS is_first FROM generate_series(1, $2::integer) AS e (epoch)
       CROSS JOIN LATERAL (SELECT artifact_id, decision_id FROM artifacts
         WHERE flow_id = $1 AND epoch = e.epoch ORDER BY artifact_id LIMIT 1) AS a
     UNION ALL
     SELECT a.artifact_id, a.decision_id, false FROM (SELECT artifact_id FROM holds
         WHERE flow_id = $1 AND NOT ended ORDER BY hold_id DESC LIMIT 1) AS live
       JOIN artifacts a ON a.artifact_id = live.artifact_id AND a.flow_id = $1),
   settled AS (
     SELECT s.settlement_id, s.leaf_hash FROM settlements s
     WHERE s.artifact_id IN (SELECT artifact_id FROM issued) ORDER BY s.judged_at LIMIT ${SETTLEMENTS_MAX})
   SELECT d.leaf_hash AS "leafHash", bool_or(i.is_first) AS "isFirst"
   FROM issued i JOIN decisions d ON d.decision_id = i.decision_id AND d.flow_id = $1 GROUP BY 1
   UNION ALL SELECT leaf_hash, false FROM settled
   UNION ALL (SELECT o.leaf_hash, false FROM settlement_outcomes o
     WHERE o.settlement_id IN (SELECT settlement_id FROM settled) LIMIT ${SETTLEMENTS_MAX})`,
);
const COVERING = statement(
  'flow-checkpoints',
  `SELECT n.index, c.tree_size::float8 AS "treeSize", floor(extract(epoch FROM c.signed_at) * 1000)::float8 AS "signedAtMs"
   FROM unnest($1::float8[]) AS n (index) CROSS JOIN LATERAL (
     SELECT tree_size, signed_at FROM checkpoints WHERE tree_size > n.index ORDER BY tree_size LIMIT 1) AS c`,
);

/** What the log holds about a flow, with what it commits to. */
export interface FlowLeaves {
  /** In the order of the log: its grant, baselines, transitions, incidents, acts; first and newest artifact. */
  readonly leaves: readonly EvidenceLeaf[];
  /** Hashes, base64url, of the decisions that issued the first artifact of an epoch. */
  readonly firsts: ReadonlySet<string>;
  /** There is more than one answer holds. */
  readonly truncated: boolean;
}

/** The first signed head over a leaf. */
export interface CoveringHead {
  /** Of the leaf. */
  readonly index: number;
  readonly treeSize: number;
  /** Unix ms. */
  readonly signedAtMs: number;
}

/**
 * Leaves about a flow under a signed head, in a constant number of statements. What matched by its text only is among
 * them: the caller opens each and looks.
 *
 * @returns `undefined`: there is no such flow
 */
export function readFlowLeaves(db: Queryable, flowId: string, treeSize: number): Promise<FlowLeaves | undefined> {
  return guarded(async () => {
    type Anchors = { epoch: number; incidents: string[]; leaves: Buffer[] };
    const [anchors] = await query<Anchors>(db, ANCHORS, [flowId]);
    if (anchors === undefined) return undefined;
    const names = [flowId, ...anchors.incidents].map((id) => `"${id}"`);
    const acts = await query<EvidenceLeaf & Record<string, unknown>>(db, ACTS, [names, treeSize]);
    const issued = await query<{ leafHash: Buffer; isFirst: boolean }>(db, ISSUED, [flowId, anchors.epoch]);
    const found = new Map<string, EvidenceLeaf>();
    for (const leaf of acts.slice(0, ACTS_MAX)) found.set(nameOf(leaf.leafHash), leaf);
    let wanted = [...anchors.leaves, ...issued.map(({ leafHash }) => leafHash)];
    for (let step = 0; step <= STEPS_BACK && wanted.length > 0; step += 1) {
      const leaves = await readEvidenceLeaves(db, wanted, treeSize);
      const fresh = leaves.filter(({ leafHash }) => !found.has(nameOf(leafHash)));
      fresh.forEach((leaf) => found.set(nameOf(leaf.leafHash), leaf));
      wanted = fresh.filter(({ leaf }) => !leaf.includes('"type":"decision_')).flatMap(causesOf);
    }
    const leaves = [...found.values()].sort((a, b) => a.index - b.index);
    const firsts = new Set(issued.filter(({ isFirst }) => isFirst).map(({ leafHash }) => nameOf(leafHash)));
    return { leaves, firsts, truncated: acts.length > ACTS_MAX };
  });
}

/** The first signed head over each leaf that has one. @param indices of leaves */
export function readCoveringHeads(db: Queryable, indices: readonly number[]): Promise<CoveringHead[]> {
  return guarded(() => query<CoveringHead & Record<string, unknown>>(db, COVERING, [indices]));
}

function causesOf({ leaf }: EvidenceLeaf): Buffer[] {
  const { causes } = JSON.parse(leaf) as { causes: readonly string[] }; // as: found by its hash, so it is a leaf
  return causes.map((hash) => Buffer.from(hash, 'base64url'));
}

function nameOf(hash: Buffer): string {
  return hash.toString('base64url');
}
