import { uuids } from '../binary-arrays.js';
import { lockHotRows } from '../authorization/lock-hot-rows.js';
import { lock, locking } from '../lock-order.js';
import { type Queryable, type Transaction, query, statement } from '../statement.js';

/** Which rows a request touches. Ids only, none of which ever changes, so they may be read before the locks. */
export interface ArtifactPlace {
  readonly artifactId: string;
  readonly flowId: string;
  readonly holdId: string;
  readonly agentId: string;
  readonly counterpartyId: string;
  /** Mandate levels, root first, the flow itself last. */
  readonly path: readonly string[];
}

/** A recorded capture or refund, by its settlement id: outcomes name it that way. */
export interface SettlementPlace {
  readonly settlementId: string;
  readonly artifactId: string;
}

// The primary key leads with the id, so each lookup is one index descent although the flow is not known yet.
const ARTIFACT_PLACES = statement(
  'settlement-artifact-places',
  `SELECT a.artifact_id AS "artifactId", a.flow_id AS "flowId", a.hold_id AS "holdId", a.agent_id AS "agentId",
     h.counterparty_id AS "counterpartyId", h.path::text[] AS path
   FROM artifacts a JOIN holds h ON h.hold_id = a.hold_id AND h.flow_id = a.flow_id
   WHERE a.artifact_id = ANY ($1::uuid[])`,
);
const SETTLEMENT_PLACES = statement(
  'settlement-places',
  `SELECT DISTINCT settlement_id AS "settlementId", artifact_id AS "artifactId"
   FROM settlements WHERE settlement_id = ANY ($1::uuid[])`,
);

/** Where the artifacts of a batch lie, keyed by artifact id; one that was never issued is absent. */
export async function locateArtifacts(
  db: Queryable,
  artifactIds: readonly string[],
): Promise<Map<string, ArtifactPlace>> {
  if (artifactIds.length === 0) return new Map();
  const rows = await query<ArtifactPlace & Record<string, unknown>>(db, ARTIFACT_PLACES, [uuids(artifactIds)]);
  return new Map(rows.map((row) => [row.artifactId, row]));
}

/** Artifact ids of recorded settlements, keyed by settlement id. */
export async function locateSettlements(db: Queryable, settlementIds: readonly string[]): Promise<Map<string, string>> {
  if (settlementIds.length === 0) return new Map();
  const values = [uuids(settlementIds)];
  const rows = await query<SettlementPlace & Record<string, unknown>>(db, SETTLEMENT_PLACES, values);
  return new Map(rows.map((row) => [row.settlementId, row.artifactId]));
}

const LOCK_ARTIFACTS = locking(
  'artifacts',
  'settlement-lock-artifacts',
  `SELECT count(*) FROM (
     SELECT 1 FROM artifacts WHERE artifact_id = ANY ($1::uuid[]) ORDER BY artifact_id FOR NO KEY UPDATE
   ) AS locked`,
);
const LOCK_HOLDS = locking(
  'holds',
  'settlement-lock-holds',
  `SELECT count(*) FROM (
     SELECT 1 FROM holds WHERE hold_id = ANY ($1::uuid[]) ORDER BY hold_id FOR NO KEY UPDATE
   ) AS locked`,
);

/**
 * Locks everything a settlement batch decides on, in the lock order: flows, budgets of all levels (roots first),
 * artifacts, holds. The statements only lock; what is decided on is read afterwards.
 */
export async function lockSettlementRows(tx: Transaction, places: readonly ArtifactPlace[]): Promise<void> {
  const flowIds = new Set(places.map((place) => place.flowId));
  const mandateIds = new Set(places.flatMap((place) => place.path));
  await lockHotRows(tx, [...flowIds], [...mandateIds]);
  await lock(tx, LOCK_ARTIFACTS, [uuids(places.map((place) => place.artifactId))]);
  await lock(tx, LOCK_HOLDS, [uuids([...new Set(places.map((place) => place.holdId))])]);
}
