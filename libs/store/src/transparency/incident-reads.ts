import { CONTROL_LANE } from '../control-lock.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import type { EvidenceLeaf } from './bundle-reads.js';

/** An incident as far as its leaves are found by it. */
export interface BundledIncident {
  readonly incidentId: string;
  readonly flowId: string;
  readonly epoch: number;
  readonly openedLeaf: Buffer;
  /** Leaves of its causes, each where it was found last. */
  readonly causeLeaves: readonly Buffer[];
}

const EVIDENCE = 'p.index::float8 AS index, p.leaf_hash AS "leafHash", l.leaf, l.payload, l.salt';
const INCIDENT = statement(
  'bundle-incident',
  `SELECT i.incident_id AS "incidentId", i.flow_id AS "flowId", i.epoch, i.opened_leaf AS "openedLeaf",
     (SELECT coalesce(array_agg(c.leaf_hash ORDER BY c.found_at), '{}') FROM incident_causes c WHERE c.incident_id = i.incident_id) AS "causeLeaves"
   FROM incidents i WHERE i.incident_id = $1`,
);
/** One walk over what was acted on from the drift on; deciding lanes are asked by the leaves of the causes. */
const ACTS = statement(
  'bundle-incident-acts',
  `SELECT ${EVIDENCE}
   FROM lanes c JOIN leaves l ON l.lane_id = c.lane_id
   JOIN log_positions p ON p.leaf_hash = l.leaf_hash AND p.lane_id = l.lane_id AND p.seq = l.seq
   WHERE c.name = '${CONTROL_LANE}' AND p.index >= $3 AND p.index < $4
     AND l.leaf ~ '"type":"(ops_action|incident_changed|incident_closed|flow_transition|flow_baseline_set|verification_changed)"'
     AND (strpos(l.payload, $1) > 0 OR strpos(l.payload, $2) > 0)
   ORDER BY p.index LIMIT $5`,
);
const RANGE = statement(
  'bundle-leaves-range',
  `SELECT ${EVIDENCE}
   FROM log_positions p JOIN leaves l USING (lane_id, seq)
   WHERE p.index >= $1 AND p.index < $2 ORDER BY p.index`,
);
type Row<T> = T & Record<string, unknown>;

/** @param incidentId a UUID */
export async function readBundledIncident(db: Queryable, incidentId: string): Promise<BundledIncident | undefined> {
  const [row] = await guarded(() => query<Row<BundledIncident>>(db, INCIDENT, [incidentId]));
  return row;
}

/**
 * Leaves of the control lane about an incident or its flow: acts, changes, transitions, baselines, verdicts.
 *
 * @param first lowest index @param treeSize of the checkpoint @param limit rows at most
 */
export function readIncidentActs(
  db: Queryable,
  { incidentId, flowId }: Pick<BundledIncident, 'incidentId' | 'flowId'>,
  first: number,
  treeSize: number,
  limit: number,
): Promise<EvidenceLeaf[]> {
  const values = [`"${incidentId}"`, `"${flowId}"`, first, treeSize, limit];
  return guarded(() => query<Row<EvidenceLeaf>>(db, ACTS, values));
}

/** Every leaf from `first` to before `end`, with what it commits to; one whose row is gone is left out. */
export function readEvidenceRange(db: Queryable, first: number, end: number): Promise<EvidenceLeaf[]> {
  return guarded(() => query<Row<EvidenceLeaf>>(db, RANGE, [first, end]));
}
