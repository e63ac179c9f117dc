import { DependencyError } from '@spendgate/core';
import { byteas, integers, texts } from '../binary-arrays.js';
import type { Pool } from '../pool.js';
import { query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** A record to append. */
export interface AppendedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** A record as it lies in the log; `appendedAtMs` never goes back within a partition by more than the clock does. */
export interface StoredRecord extends RecordPlace {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly appendedAtMs: number;
}

/** Bytes of values one cursor gives, unless the caller asks for less. */
const READ_BYTES_MAX = 4_000_000;

/** Where to read on in one partition. */
export type ReadCursor = RecordPlace;

/**
 * One statement, one commit. Partition rows are locked in key order before any is counted up, so writers of the same
 * partitions take turns without deadlock, and offsets become visible in order: a reader never skips a late commit.
 * An unknown partition leaves its offset null, which the primary key refuses.
 */
const APPEND = statement(
  'embedded-append',
  `WITH input AS (
     SELECT * FROM unnest($1::text[], $2::int[], $3::bytea[], $4::bytea[], $5::text[])
       WITH ORDINALITY AS i (topic, partition, key, value, headers, n)),
   locked AS MATERIALIZED (
     SELECT p.topic, p.partition FROM embedded_partitions p
     WHERE (p.topic, p.partition) IN (SELECT i.topic, i.partition FROM input i)
     ORDER BY p.topic, p.partition FOR NO KEY UPDATE),
   counted AS (SELECT topic, partition, count(*) AS n FROM input JOIN locked USING (topic, partition) GROUP BY 1, 2),
   bumped AS (
     UPDATE embedded_partitions p SET next_offset = p.next_offset + c.n FROM counted c
     WHERE p.topic = c.topic AND p.partition = c.partition
     RETURNING p.topic, p.partition, p.next_offset - c.n AS base),
   written AS (
     INSERT INTO embedded_records (topic, partition, "offset", key, value, headers, appended_at)
     SELECT i.topic, i.partition, b.base + row_number() OVER (PARTITION BY i.topic, i.partition ORDER BY i.n) - 1,
       i.key, i.value, i.headers::jsonb, clock_timestamp()
     FROM input i LEFT JOIN bumped b USING (topic, partition))
   SELECT topic, partition, base FROM bumped`,
);
const READ = statement(
  'embedded-read',
  `SELECT r.topic, r.partition, r."offset", r.key, r.value, r.headers,
     floor(extract(epoch FROM r.appended_at) * 1000)::float8 AS "appendedAtMs"
   FROM unnest($1::text[], $2::int[], $3::bigint[]) AS c (topic, partition, start),
   LATERAL (SELECT e.*, sum(octet_length(e.value)) 
       OVER (ORDER BY e."offset" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
     FROM (SELECT * FROM embedded_records e
       WHERE e.topic = c.topic AND e.partition = c.partition AND e."offset" >= c.start
       ORDER BY e."offset" LIMIT $4) AS e) AS r
   WHERE coalesce(r.before, 0) < $5
   ORDER BY r.topic, r.partition, r."offset"`,
);
const ENDS = statement(
  'embedded-ends',
  `SELECT topic, partition, first_offset AS "firstOffset", next_offset AS "endOffset" FROM embedded_partitions
   WHERE topic = ANY ($1::text[]) ORDER BY topic, partition`,
);
const TRIM = statement(
  'embedded-trim',
  `WITH moved AS (
     UPDATE embedded_partitions SET first_offset = $3
     WHERE topic = $1 AND partition = $2 AND first_offset < $3 AND next_offset >= $3 RETURNING topic, partition)
   DELETE FROM embedded_records r USING moved m
   WHERE r.topic = m.topic AND r.partition = m.partition AND r."offset" < $3`,
);

/**
 * Appends records of any number of partitions and gives each its place, in the order given.
 *
 * @throws {InvariantError} `ERR_STATEMENT_REFUSED` when a partition does not exist; nothing was appended
 * @throws {DependencyError} the outcome is unknown; appending again may store a second copy
 */
export async function appendRecords(pool: Pool, records: readonly AppendedRecord[]): Promise<RecordPlace[]> {
  if (records.length === 0) return [];
  const values = [
    texts(records.map((each) => each.topic)),
    integers(records.map((each) => each.partition)),
    byteas(records.map((each) => each.key)),
    byteas(records.map((each) => each.value)),
    texts(records.map((each) => JSON.stringify(each.headers))),
  ];
  type Base = { topic: string; partition: number; base: bigint };
  const bases = await guarded(() => query<Base>(pool, APPEND, values));
  const next = new Map(bases.map((each) => [place(each.topic, each.partition), each.base]));
  return records.map(({ topic, partition }) => {
    const offset = next.get(place(topic, partition));
    if (offset === undefined) throw new DependencyError('ERR_PARTITION_UNKNOWN', `${topic}/${partition}`);
    next.set(place(topic, partition), offset + 1n);
    return { topic, partition, offset };
  });
}

/**
 * Reads on at each cursor in one statement, partitions in order, offsets in order.
 *
 * @param limit records per cursor
 * @param bytesMax a cursor's records end with the one that reaches this many bytes of values
 */
export function readRecords(
  pool: Pool,
  cursors: readonly ReadCursor[],
  limit: number,
  bytesMax: number = READ_BYTES_MAX,
): Promise<StoredRecord[]> {
  if (cursors.length === 0) return Promise.resolve([]);
  const columns = [
    cursors.map((each) => each.topic),
    cursors.map((each) => each.partition),
    cursors.map((each) => each.offset),
  ];
  return guarded(() => query<StoredRecord & Record<string, unknown>>(pool, READ, [...columns, limit, bytesMax]));
}

export interface PartitionRange {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly endOffset: bigint;
}

/** What each partition of these topics holds: first offset kept, and the one the next record gets. */
export function readRanges(pool: Pool, topics: readonly string[]): Promise<PartitionRange[]> {
  return guarded(() => query<PartitionRange & Record<string, unknown>>(pool, ENDS, [topics]));
}

/** Deletes a partition's records below an offset, as retention does. @returns how many went */
export async function trimRecords(pool: Pool, topic: string, partition: number, below: bigint): Promise<number> {
  const { name, text } = TRIM;
  const result = await guarded(() => pool.query({ name, text, values: [topic, partition, below] }));
  return result.rowCount ?? 0;
}

function place(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
