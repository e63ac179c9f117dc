import { ROWS_AT_ONCE_MAX, texts, uuids } from './binary-arrays.js';
import type { LaneLease } from './lanes.js';
import { type Queryable, type Transaction, execute, query, statement } from './statement.js';
import { type Write, run } from './together.js';

/** An event to publish after the commit: either complete (`body`), or a reference its publisher renders and signs. */
export interface OutboxRow {
  /** Topic without prefix. */
  readonly topic: string;
  /** Kafka key: the flow id, or `null`. */
  readonly key: string | null;
  /** CloudEvents type, or what `ref` refers to. */
  readonly kind: string;
  readonly ref: string | null;
  readonly flowId: string | null;
  readonly body: string | null;
}

export interface NumberedOutboxRow extends OutboxRow {
  readonly seq: bigint;
}

const WRITE = statement(
  'outbox-write',
  `INSERT INTO outbox (lane_id, seq, topic, key, kind, ref, flow_id, body)
   SELECT $1::integer, $2::bigint + o.n - 1, o.topic, o.key, o.kind, o.ref, o.flow_id, o.body
   FROM unnest($3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::text[])
     WITH ORDINALITY AS o (topic, key, kind, ref, flow_id, body, n)`,
);
const READ = statement(
  'outbox-read',
  `SELECT seq, topic, key, kind, ref, flow_id AS "flowId", body FROM outbox
   WHERE lane_id = $1 AND seq >= $2 ORDER BY seq LIMIT $3`,
);
// By place, never as a join: that was planned as a scan of the whole outbox. Its rows are never updated, so places stay.
const OUTBOX_TRIM = statement(
  'outbox-trim',
  `DELETE FROM outbox WHERE ctid = ANY (ARRAY (
     SELECT o.ctid FROM outbox o
     WHERE o.lane_id = $1 AND o.seq < least((SELECT published FROM lanes WHERE lane_id = $1), $2::bigint)
     ORDER BY o.seq LIMIT $3))`,
);

/**
 * Writes a transaction's events, numbered from `firstSeq` (the fenced lane's `outboxSeq`).
 *
 * @returns the number after the last one, for `advanceLane`
 */
export async function writeOutbox(
  tx: Transaction,
  lease: Pick<LaneLease, 'laneId'>,
  firstSeq: bigint,
  rows: readonly OutboxRow[],
): Promise<bigint> {
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE_MAX)
    await run(tx, outboxWrite(lease, firstSeq + BigInt(from), rows.slice(from, from + ROWS_AT_ONCE_MAX)));
  return firstSeq + BigInt(rows.length);
}

/** The write of {@link writeOutbox}, to send together with others. */
export function outboxWrite(lease: Pick<LaneLease, 'laneId'>, firstSeq: bigint, rows: readonly OutboxRow[]): Write {
  const values = [
    lease.laneId,
    firstSeq,
    texts(rows.map((row) => row.topic)),
    texts(rows.map((row) => row.key)),
    texts(rows.map((row) => row.kind)),
    uuids(rows.map((row) => row.ref)),
    uuids(rows.map((row) => row.flowId)),
    texts(rows.map((row) => row.body)),
  ];
  return { statement: WRITE, values };
}

/** A lane's events from `fromSeq` on, in order. @param limit rows at most */
export function readOutbox(
  db: Queryable,
  lease: Pick<LaneLease, 'laneId'>,
  fromSeq: bigint,
  limit: number,
): Promise<NumberedOutboxRow[]> {
  return query<NumberedOutboxRow & Record<string, unknown>>(db, READ, [lease.laneId, fromSeq, limit]);
}

/** Deletes published events below `below`. @returns how many went; call again while it equals `limit` */
export function trimOutbox(
  db: Queryable,
  lease: Pick<LaneLease, 'laneId'>,
  below: bigint,
  limit: number,
): Promise<number> {
  return execute(db, OUTBOX_TRIM, [lease.laneId, below, limit]);
}
