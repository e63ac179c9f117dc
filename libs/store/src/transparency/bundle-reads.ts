import { byteas, uuids } from '../binary-arrays.js';
import { CONTROL_LANE } from '../control-lock.js';
import type { PartyKind } from '../registry/facts.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** An artifact with where its status is and the levels of its mandate, root first. */
export interface BundledArtifact {
  readonly artifactId: string;
  readonly decisionId: string;
  readonly flowId: string;
  readonly agentId: string;
  readonly audience: string;
  /** RFC 8785 form, unsigned. */
  readonly claims: string;
  readonly statusPartition: number;
  readonly statusIdx: bigint;
  readonly levels: readonly { readonly mandateId: string; readonly agentId: string | null }[];
}

/** A settlement's decision as evidence. */
export interface BundledSettlement {
  readonly settlementId: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly presenter: string;
  /** RFC 8785 form. */
  readonly readSet: string;
  readonly request: string;
  readonly claims: string;
  readonly leafHash: Buffer;
}

export interface BundledOutcome {
  readonly outcomeId: string;
  readonly settlementId: string;
  readonly token: string | null;
  readonly leafHash: Buffer;
}

/** A leaf in the tree with what it commits to; `null` when that was redacted. */
export interface EvidenceLeaf {
  readonly index: number;
  readonly leafHash: Buffer;
  readonly leaf: string;
  readonly payload: string | null;
  readonly salt: Buffer | null;
}

/** A party's key, retired and removed ones too: what they signed is still to be verified. */
export interface PartyKeyRow {
  readonly kid: string;
  readonly kind: PartyKind;
  readonly partyId: string;
  readonly jwk: Readonly<Record<string, string>>;
  readonly activeFromMs: number;
  readonly retiredAtMs: number | null;
}

const MS = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`;
const ARTIFACT = statement(
  'bundle-artifact',
  `SELECT a.artifact_id AS "artifactId", a.decision_id AS "decisionId", a.flow_id AS "flowId", a.agent_id AS "agentId",
     a.audience, a.claims, a.status_partition::int AS "statusPartition", a.status_idx AS "statusIdx",
     (SELECT coalesce(jsonb_agg(jsonb_build_object('mandateId', m.mandate_id, 'agentId', m.agent_id) ORDER BY m.depth), '[]')
      FROM mandates self JOIN mandates m ON m.mandate_id = ANY (self.path) WHERE self.mandate_id = a.flow_id) AS levels
   FROM artifacts a WHERE a.artifact_id = $1`,
);
const SETTLEMENTS = statement(
  'bundle-settlements',
  `SELECT settlement_id AS "settlementId", attempt::int AS attempt, outcome, presenter, read_set AS "readSet", request, claims,
     leaf_hash AS "leafHash"
   FROM settlements WHERE artifact_id = $1 AND (outcome = 'authorized' OR settlement_id = $3::uuid)
   ORDER BY judged_at, settlement_id, attempt LIMIT $2`,
);
const SETTLED_ARTIFACT = statement(
  'bundle-settled-artifact',
  'SELECT artifact_id AS "artifactId" FROM settlements WHERE settlement_id = $1 LIMIT 1',
);
const OUTCOMES = statement(
  'bundle-outcomes',
  `SELECT outcome_id AS "outcomeId", settlement_id AS "settlementId", token, leaf_hash AS "leafHash"
   FROM settlement_outcomes WHERE settlement_id = ANY ($1::uuid[]) AND flow_id = $2
   ORDER BY recorded_at, outcome_id LIMIT $3`,
);
const EVIDENCE = 'p.index::float8 AS index, p.leaf_hash AS "leafHash", l.leaf, l.payload, l.salt';
const LEAVES = statement(
  'bundle-leaves',
  `SELECT DISTINCT ON (p.leaf_hash) ${EVIDENCE}
   FROM log_positions p JOIN leaves l ON l.lane_id = p.lane_id AND l.seq = p.seq
   WHERE p.leaf_hash = ANY ($1::bytea[]) AND p.index < $2 ORDER BY p.leaf_hash, p.index`,
);
/** One walk over what was acted on: small beside what was decided, and not worth an index on the path of each leaf. */
const FOUNDATIONS = statement(
  'bundle-foundations',
  `SELECT ${EVIDENCE}
   FROM lanes c JOIN leaves l ON l.lane_id = c.lane_id
   JOIN log_positions p ON p.leaf_hash = l.leaf_hash AND p.lane_id = l.lane_id AND p.seq = l.seq
   WHERE c.name = '${CONTROL_LANE}' AND p.index < $2
     AND l.leaf ~ '"type":"(key_changed|policy_activated|flow_baseline_set|mandate_registered)"'
     AND EXISTS (SELECT 1 FROM unnest($1::text[]) AS said (text) WHERE strpos(l.payload, said.text) > 0)
   ORDER BY p.index LIMIT $3`,
);
const PARTY_KEYS = statement(
  'bundle-party-keys',
  `SELECT kid, kind, party_id AS "partyId", jwk, ${MS('active_from')} AS "activeFromMs", ${MS('retired_at')} AS "retiredAtMs"
   FROM party_keys WHERE kid = ANY ($1::text[]) ORDER BY active_from, kid`,
);

type Row<T> = T & Record<string, unknown>;

/** @param artifactId a UUID; anything else is the caller's to refuse first */
export async function readBundledArtifact(db: Queryable, artifactId: string): Promise<BundledArtifact | undefined> {
  const [row] = await guarded(() => query<Row<BundledArtifact>>(db, ARTIFACT, [artifactId]));
  return row;
}

/**
 * What was granted on an artifact, in the order it was judged.
 *
 * @param limit rows at most @param settlementId of it refusals too; `null`: of none
 */
export function readBundledSettlements(
  db: Queryable,
  artifactId: string,
  limit: number,
  settlementId: string | null = null,
): Promise<BundledSettlement[]> {
  return guarded(() => query<Row<BundledSettlement>>(db, SETTLEMENTS, [artifactId, limit, settlementId]));
}

/** The artifact a settlement drew on. @param settlementId a UUID */
export async function readSettledArtifact(db: Queryable, settlementId: string): Promise<string | undefined> {
  const [row] = await guarded(() => query<{ artifactId: string }>(db, SETTLED_ARTIFACT, [settlementId]));
  return row?.artifactId;
}

/** What was reported on settlements of one flow, in order. @param limit rows at most */
export function readBundledOutcomes(
  db: Queryable,
  flowId: string,
  settlementIds: readonly string[],
  limit: number,
): Promise<BundledOutcome[]> {
  return guarded(() => query<Row<BundledOutcome>>(db, OUTCOMES, [uuids(settlementIds), flowId, limit]));
}

/** Leaves by their hashes, at their first place below `treeSize`; what is not there yet is left out. */
export function readEvidenceLeaves(
  db: Queryable,
  hashes: readonly Uint8Array[],
  treeSize: number,
): Promise<EvidenceLeaf[]> {
  if (hashes.length === 0) return Promise.resolve([]);
  return guarded(() => query<Row<EvidenceLeaf>>(db, LEAVES, [byteas(hashes), treeSize]));
}

/**
 * Leaves of acts (registrations, keys, policies, mandates, baselines) whose payload contains one of these texts.
 *
 * @param texts parts of canonical JSON, such as `"kid":"…"`; a quote inside a text is escaped, so none can imitate it
 * @param limit rows at most
 */
export function readFoundations(
  db: Queryable,
  texts: readonly string[],
  treeSize: number,
  limit: number,
): Promise<EvidenceLeaf[]> {
  return guarded(() => query<Row<EvidenceLeaf>>(db, FOUNDATIONS, [texts, treeSize, limit]));
}

export function readPartyKeys(db: Queryable, kids: readonly string[]): Promise<PartyKeyRow[]> {
  return guarded(() => query<Row<PartyKeyRow>>(db, PARTY_KEYS, [kids]));
}
