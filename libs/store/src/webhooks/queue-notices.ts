import type { Pool } from '../pool.js';
import { execute, statement } from '../statement.js';
import { AUDIT_LATE_MS } from '../transparency/audit-watch.js';
import { PAGE_OF_LEAVES, WEBHOOK_QUEUE_MAX, followLeaves } from './deliveries.js';

/** Where people are told; each is a recipient of its own, so that one that fails holds up no other. */
export type NoticeChannel = 'webhook' | 'mail';
/** What they are told of. */
export const NOTICE_TYPES = ['incident_opened', 'incident_escalated', 'incident_overdue', 'audit_late'] as const;
export type NoticeType = (typeof NOTICE_TYPES)[number];

/**
 * Of a case people are told once that it opened and once that it is overdue: a changed policy may stop a thousand flows
 * in one act. Each escalation is somebody's own call.
 */
const ENQUEUE = statement(
  'notices-enqueue',
  `WITH page AS (${PAGE_OF_LEAVES}), told AS (
     SELECT p.index, p.leaf_hash, (p.leaf ->> 'time')::bigint AS time_ms, (p.body ->> 'incident')::uuid AS incident_id,
       CASE p.leaf ->> 'type' WHEN 'incident_opened' THEN 'opened' ELSE p.body ->> 'change' END AS change
     FROM page p WHERE p.leaf ->> 'type' IN ('incident_opened', 'incident_changed'))
   INSERT INTO webhook_deliveries (source, kind, party_id, index, leaf_type, leaf_hash, leaf_time_ms, ref)
   SELECT $1, 'people', c.channel, t.index, 'incident_' || t.change, t.leaf_hash, t.time_ms, t.incident_id
   FROM told t JOIN incidents i USING (incident_id) CROSS JOIN unnest($4::text[]) AS c (channel)
   WHERE CASE t.change
       WHEN 'escalated' THEN true
       WHEN 'opened' THEN NOT EXISTS (
         SELECT FROM incidents k WHERE k.case_id = i.case_id
           AND (k.opened_at, k.incident_id) < (i.opened_at, i.incident_id))
       WHEN 'overdue' THEN NOT EXISTS (
         SELECT FROM incidents k WHERE k.case_id = i.case_id
           AND (k.overdue_at, k.incident_id) < (i.overdue_at, i.incident_id))
       ELSE false END
     AND (SELECT count(*) FROM webhook_deliveries d WHERE d.source = $1 AND d.dead_at IS NULL) < ${WEBHOOK_QUEUE_MAX}`,
);

/**
 * Queues a notice for each channel for every leaf integrated since that people are told of.
 *
 * @returns whether more leaves wait
 */
export function enqueueNotices(pool: Pool, channels: readonly NoticeChannel[]): Promise<boolean> {
  return followLeaves(pool, 'incidents', (tx, from, end) =>
    execute(tx, ENQUEUE, ['incidents', from, end, channels]).then(() => undefined),
  );
}

// Not from the log, which stands still: named by the head it stands at, told once, however often it is asked.
const ALARM = statement(
  'notices-audit-late',
  `WITH late AS (
     SELECT (SELECT coalesce(max(tree_size), 0) FROM checkpoints) AS size WHERE ${AUDIT_LATE_MS} > $1::float8),
   raised AS (
     INSERT INTO audit_alarms (signed_size, raised_at) SELECT size, clock_timestamp() FROM late
     ON CONFLICT DO NOTHING RETURNING signed_size, raised_at)
   INSERT INTO webhook_deliveries (source, kind, party_id, index, leaf_type, leaf_hash, leaf_time_ms, ref)
   SELECT 'incidents', 'people', c.channel, -1 - r.signed_size, 'audit_late',
     sha256(convert_to('audit late ' || r.signed_size, 'UTF8')),
     floor(extract(epoch FROM r.raised_at) * 1000)::bigint, '00000000-0000-0000-0000-000000000000'
   FROM raised r CROSS JOIN unnest($2::text[]) AS c (channel)`,
);

/**
 * Queues a notice when leaves have waited this long while the log signs nothing: it is stopped, or its witnesses are late
 * and it may not lead them further. Once for each head it stands at.
 *
 * @param lateMs below the bound from which everything is denied, so that somebody comes before
 */
export async function raiseAuditAlarm(pool: Pool, lateMs: number, channels: readonly NoticeChannel[]): Promise<void> {
  await execute(pool, ALARM, [lateMs, channels]);
}
