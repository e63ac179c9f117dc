import type { Pool } from '../pool.js';
import { query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { trimRecords } from './records.js';

/** Records looked at, and let go, per partition and call: no delete holds its locks for long. */
const TRIM_ROWS_MAX = 5_000;

/**
 * Up to where each partition is both old and handled. A lane's place is what was handled; a topic that has a deciding
 * group but no lane yet keeps everything, and every partition keeps its last record, so that its end stays known.
 */
const AGED = statement(
  'embedded-aged',
  `WITH aged AS MATERIALIZED ( -- most of the time the first record is young, and no other is looked at
     SELECT p.* FROM embedded_partitions p
     JOIN embedded_records r ON (r.topic, r.partition, r."offset") = (p.topic, p.partition, p.first_offset)
     WHERE r.appended_at < clock_timestamp() - make_interval(hours => $1))
   SELECT p.topic, p.partition, least(old.below, done.next, p.next_offset - 1) AS below, old.looked = $3 AS more
   FROM aged p,
   LATERAL (
     SELECT count(*) AS looked,
       max(r."offset") FILTER (WHERE r.appended_at < clock_timestamp() - make_interval(hours => $1)) + 1 AS below
     FROM (SELECT e."offset", e.appended_at FROM embedded_records e
       WHERE e.topic = p.topic AND e.partition = p.partition AND e."offset" >= p.first_offset
       ORDER BY e."offset" LIMIT $3) AS r) AS old,
   LATERAL (
     SELECT coalesce(min(l.next), CASE WHEN p.topic = ANY ($2::text[]) THEN 0 END) AS next FROM lanes l
     WHERE l.name = p.topic || '/' || p.partition OR l.name LIKE '%:' || p.topic || '/' || p.partition) AS done
   WHERE old.below IS NOT NULL AND least(old.below, done.next, p.next_offset - 1) > p.first_offset`,
);

export interface Retention {
  /** Records younger than this stay, whoever has read them. */
  readonly keepHours: number;
  /** Topics some group decides on: of these nothing goes before it was handled. */
  readonly decided: readonly string[];
}

/**
 * Deletes records that are past their retention and were handled by every group that follows them, oldest first.
 *
 * @returns whether there is more to delete at once
 */
export async function trimAged(pool: Pool, { keepHours, decided }: Retention): Promise<boolean> {
  type Aged = { topic: string; partition: number; below: bigint; more: boolean };
  const aged = await guarded(() => query<Aged>(pool, AGED, [keepHours, decided, TRIM_ROWS_MAX]));
  for (const { topic, partition, below } of aged) await trimRecords(pool, topic, partition, below);
  return aged.some(({ more }) => more);
}
