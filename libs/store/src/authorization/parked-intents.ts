import { integers, smallints, texts, timestamps, uuids } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';
import type { Write } from '../together.js';
import type { DecisionRow } from './batch-rows.js';

/** An intent that waits, or whose wait is over, with the decision by which it waits. */
export interface ParkedIntentRow {
  readonly flowId: string;
  readonly intentId: string;
  readonly decisionId: string;
  readonly attempt: number;
  /** The decision that one took the place of. */
  readonly supersedes: string | null;
  /** First instant at which it waits no more, Unix ms. */
  readonly parkedUntilMs: number;
  /** Where the intent lay, in the lane's partition. */
  readonly laneOffset: bigint;
  readonly appendedAtMs: number;
  /** The agent's JWS, as received. */
  readonly request: string;
  /** Of the decision by which it waited. */
  readonly leafHash: Buffer;
  /** Approvals it has (`ops-action+jwt`), while it waits for another. */
  readonly approvals: readonly string[];
}

/** The newest decision on an intent. Once it waits no more, only what names that decision is left. */
export type IntentStanding =
  | { readonly waits: false; readonly decisionId: string; readonly flowId: string }
  | {
      readonly waits: true;
      readonly row: ParkedIntentRow;
      /** Why it waits. */
      readonly code: string | null;
      readonly decisionHash: Buffer;
      /** Lane of the partition in which the intent lay. */
      readonly laneName: string;
    };

const PARK = statement(
  'authorization-park',
  `INSERT INTO parked_intents (flow_id, intent_id, decision_id, lane_id, parked_until, approvals, approvals_needed)
   SELECT p.flow_id, p.intent_id, p.decision_id, $1::integer, p.parked_until, p.approvals::text[], p.needed
   FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[], $7::smallint[])
     AS p (flow_id, intent_id, decision_id, parked_until, approvals, needed)
   ON CONFLICT (flow_id, intent_id) DO UPDATE
     SET decision_id = excluded.decision_id, lane_id = excluded.lane_id, parked_until = excluded.parked_until,
       approvals = excluded.approvals, approvals_needed = excluded.approvals_needed, released = false`,
);
const UNPARK = statement(
  'authorization-unpark',
  `DELETE FROM parked_intents AS p USING unnest($1::uuid[], $2::uuid[]) AS e (flow_id, intent_id)
   WHERE p.flow_id = e.flow_id AND p.intent_id = e.intent_id`,
);
const LANES_DUE = statement(
  'parked-lanes-due',
  `SELECT l.id FROM unnest($1::integer[]) AS l (id)
   WHERE EXISTS (SELECT 1 FROM parked_intents p WHERE p.lane_id = l.id AND p.parked_until <= clock_timestamp())
     OR EXISTS (SELECT 1 FROM parked_intents p WHERE p.lane_id = l.id AND p.released)`,
);
const DUE = statement(
  'parked-due',
  `SELECT p.flow_id, p.intent_id, p.decision_id, d.attempt, p.parked_until, d.lane_offset, d.appended_at, d.request,
     d.leaf_hash, d.supersedes, p.approvals
   FROM parked_intents p JOIN decisions d ON d.decision_id = p.decision_id AND d.flow_id = p.flow_id
   WHERE p.lane_id = $1 AND (p.parked_until <= clock_timestamp() OR p.released)
   ORDER BY p.released, CASE WHEN p.released THEN d.lane_offset END, p.parked_until, p.intent_id LIMIT $2`,
);
const STANDING = statement(
  'parked-standing',
  `SELECT d.flow_id, d.intent_id, d.decision_id, d.attempt, p.parked_until, d.lane_offset, d.appended_at, d.request,
     d.leaf_hash, d.supersedes, p.approvals, d.code, d.decision_hash, l.name AS lane_name
   FROM decisions d JOIN lanes l USING (lane_id)
     LEFT JOIN parked_intents p ON p.flow_id = d.flow_id AND p.intent_id = d.intent_id AND p.decision_id = d.decision_id
   WHERE d.intent_id = $1 ORDER BY d.attempt DESC LIMIT 1`,
);

interface DueRow {
  flow_id: string;
  intent_id: string;
  decision_id: string;
  attempt: number;
  parked_until: Date;
  lane_offset: bigint;
  appended_at: Date;
  request: string;
  leaf_hash: Buffer;
  supersedes: string | null;
  approvals: string[];
}

/** Of an intent that waits no more, the columns of its wait are null. */
interface StandingRow extends Omit<DueRow, 'parked_until' | 'approvals'> {
  parked_until: Date | null;
  approvals: string[] | null;
  code: string | null;
  decision_hash: Buffer;
  lane_name: string;
}

/** What decisions begin to wait and what they end, in two writes; empty when they do neither, as nearly always. */
export function parkWrites(laneId: number, rows: readonly DecisionRow[]): Write[] {
  const parked = rows.filter((row) => row.outcome === 'parked');
  const ended = rows.filter((row) => row.outcome !== 'parked' && row.supersedes !== null);
  if (parked.length + ended.length === 0) return [];
  const park = [
    laneId,
    uuids(parked.map((row) => row.flowId)),
    uuids(parked.map((row) => row.intentId)),
    uuids(parked.map((row) => row.decisionId)),
    timestamps(parked.map((row) => row.parkedUntilMs)),
    // As each array's own text, for they differ in length; a compact JWS has no character that would need quotes.
    texts(parked.map(({ awaits }) => `{${(awaits?.approvals ?? []).join(',')}}`)),
    smallints(parked.map(({ awaits }) => awaits?.needed ?? 0)),
  ];
  const unpark = [uuids(ended.map((row) => row.flowId)), uuids(ended.map((row) => row.intentId))];
  return [
    { statement: PARK, values: park },
    { statement: UNPARK, values: unpark },
  ];
}

/** Which of these lanes have an intent whose wait is over, by the database's clock. */
export async function readLanesWithDue(db: Queryable, laneIds: readonly number[]): Promise<number[]> {
  if (laneIds.length === 0) return [];
  const rows = await query<{ id: number }>(db, LANES_DUE, [integers(laneIds)]);
  return rows.map((row) => row.id);
}

/** A lane's intents whose wait is over, longest over first. Read before the locks: who decides reads them again. */
export async function readDueIntents(db: Queryable, laneId: number, limit: number): Promise<ParkedIntentRow[]> {
  const rows = await query<DueRow & Record<string, unknown>>(db, DUE, [laneId, limit]);
  return rows.map((row) => parkedOf(row, row.parked_until));
}

/**
 * Where an intent stands, read before the locks: who decides reads it again.
 *
 * @returns `undefined`: no such intent was ever decided
 */
export async function readIntentStanding(db: Queryable, intentId: string): Promise<IntentStanding | undefined> {
  const [row] = await query<StandingRow & Record<string, unknown>>(db, STANDING, [intentId]);
  if (row === undefined) return undefined;
  if (row.parked_until === null) return { waits: false, decisionId: row.decision_id, flowId: row.flow_id };
  const { code, decision_hash: decisionHash, lane_name: laneName } = row;
  const waiting = { ...row, approvals: row.approvals ?? [] };
  return { waits: true, row: parkedOf(waiting, row.parked_until), code, decisionHash, laneName };
}

function parkedOf(row: Omit<DueRow, 'parked_until'>, parkedUntil: Date): ParkedIntentRow {
  return {
    flowId: row.flow_id,
    intentId: row.intent_id,
    decisionId: row.decision_id,
    attempt: row.attempt,
    supersedes: row.supersedes,
    parkedUntilMs: parkedUntil.getTime(),
    laneOffset: row.lane_offset,
    appendedAtMs: row.appended_at.getTime(),
    request: row.request,
    leafHash: row.leaf_hash,
    approvals: row.approvals,
  };
}
