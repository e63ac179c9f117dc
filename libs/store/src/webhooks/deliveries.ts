import type { Pool } from '../pool.js';
import { type Queryable, type Transaction, execute, query, statement } from '../statement.js';
import { inTransaction } from '../transaction.js';

/** What of the log a sender tells: decisions or settlements, to parties; incidents, to the people of the domain. */
export type WebhookSource = PartySource | 'incidents';
export type PartySource = 'decisions' | 'settlements';

/** One message to one party, claimed by the caller until its claim runs out. */
export interface WebhookDelivery {
  readonly source: WebhookSource;
  readonly kind: string;
  readonly partyId: string;
  readonly index: number;
  readonly leafType: string;
  readonly leafHash: Buffer;
  readonly leafTimeMs: number;
  /** The decision, settlement or incident it tells of. */
  readonly ref: string;
  /** This one included. */
  readonly attempts: number;
  readonly createdAtMs: number;
  /** As the party declares it now; `null`: no longer, or it is for people. */
  readonly url: string | null;
}

/** Leaves looked at in one go. */
const PAGE = 500;
/** Messages that wait for one party; what comes on top is not queued, and is found by the lists of the HTTP interface. */
export const WEBHOOK_QUEUE_MAX = 10_000;
/** Messages of one party claimed at once, so that a slow receiver takes no slot from others. */
const AT_ONCE_PER_PARTY = 4;
/** A claim ends by itself after this: a killed sender's messages are sent by another. */
const CLAIM_SECONDS = 60;
const DEAD_KEPT_DAYS = 7;

const NEXT = statement(
  'webhook-next',
  `SELECT c.next_index::float8 AS next, s.tree_size::float8 AS size
   FROM webhook_cursors c CROSS JOIN log_state s WHERE c.source = $1`,
);
const ADVANCE = statement(
  'webhook-advance',
  'UPDATE webhook_cursors SET next_index = $3 WHERE source = $1 AND next_index = $2',
);
export const PAGE_OF_LEAVES = `SELECT p.index, p.leaf_hash, l.leaf::jsonb AS leaf, l.payload::jsonb AS body
   FROM log_positions p JOIN leaves l USING (lane_id, seq)
   WHERE p.index >= $2 AND p.index < $3 AND l.payload IS NOT NULL`;
const MEANT: Readonly<Record<PartySource, string>> = {
  decisions: `SELECT p.index, p.leaf_hash, p.leaf, (p.body ->> 'decision_id')::uuid AS ref,
     p.body ->> 'agent' AS agent, a.audience AS service
   FROM page p LEFT JOIN artifacts a ON a.artifact_id = (p.body -> 'artifact' ->> 'id')::uuid
   WHERE starts_with(p.leaf ->> 'type', 'decision_')`,
  settlements: `SELECT DISTINCT ON (p.index) p.index, p.leaf_hash, p.leaf, s.settlement_id AS ref, a.agent_id AS agent,
     CASE s.presenter_kind WHEN 'settlement_service' THEN s.presenter ELSE a.audience END AS service
   FROM page p JOIN settlements s ON s.settlement_id = (p.body ->> 'settlement')::uuid
   LEFT JOIN artifacts a ON a.artifact_id = s.artifact_id AND a.flow_id = s.flow_id
   WHERE starts_with(p.leaf ->> 'type', 'settlement_') ORDER BY p.index, s.attempt DESC`,
};
const enqueue = (source: PartySource) =>
  statement(
    `webhook-enqueue-${source}`,
    `WITH page AS (${PAGE_OF_LEAVES}), meant AS (${MEANT[source]}),
     wanted AS (
       SELECT m.*, r.kind, r.party_id FROM meant m
       CROSS JOIN LATERAL (VALUES ('agent', m.agent), ('settlement_service', m.service)) AS r (kind, party_id)
       JOIN parties q ON q.kind = r.kind AND q.party_id = r.party_id
       WHERE q.body ? 'webhook' AND q.state = 'active'),
     waiting AS (
       SELECT w.kind, w.party_id, (SELECT count(*) FROM (
         SELECT 1 FROM webhook_deliveries d WHERE d.source = $1 AND d.kind = w.kind AND d.party_id = w.party_id
           AND d.dead_at IS NULL LIMIT ${WEBHOOK_QUEUE_MAX}) AS x) AS n
       FROM (SELECT DISTINCT kind, party_id FROM wanted) AS w)
     INSERT INTO webhook_deliveries (source, kind, party_id, index, leaf_type, leaf_hash, leaf_time_ms, ref)
     SELECT $1, w.kind, w.party_id, w.index, w.leaf ->> 'type', w.leaf_hash, (w.leaf ->> 'time')::bigint, w.ref
     FROM wanted w JOIN waiting n USING (kind, party_id) WHERE n.n < ${WEBHOOK_QUEUE_MAX}`,
  );
const ENQUEUE = { decisions: enqueue('decisions'), settlements: enqueue('settlements') } as const;

/**
 * Looks through the leaves integrated since, and queues a message for each party that declared a webhook and is entitled
 * to the decision or receipt.
 *
 * @returns whether more leaves wait
 */
export function enqueueWebhooks(pool: Pool, source: PartySource): Promise<boolean> {
  return followLeaves(pool, source, async (tx, from, end) => {
    await execute(tx, ENQUEUE[source], [source, from, end]);
  });
}

/**
 * Takes the next leaves for a source, once among all processes. The log's order has no gaps that fill later, so nothing
 * committed is ever passed over.
 *
 * @param queue in the same transaction, what becomes of the leaves `from` to before `end`
 * @returns whether more leaves wait
 */
export function followLeaves(
  pool: Pool,
  source: WebhookSource,
  queue: (tx: Transaction, from: number, end: number) => Promise<void>,
): Promise<boolean> {
  return inTransaction(pool, async (tx) => {
    const [place] = await query<{ next: number; size: number }>(tx, NEXT, [source]);
    if (place === undefined || place.next >= place.size) return false;
    const end = Math.min(place.size, place.next + PAGE);
    // Another process moved the cursor meanwhile: its queue holds them.
    if ((await execute(tx, ADVANCE, [source, place.next, end])) === 0) return true;
    await queue(tx, place.next, end);
    return end < place.size;
  });
}

const CLAIM = statement(
  'webhook-claim',
  `WITH due AS (
     SELECT kind, party_id, index FROM (
       SELECT kind, party_id, index, next_attempt_at,
         row_number() OVER (PARTITION BY kind, party_id ORDER BY index) AS turn
       FROM (SELECT * FROM webhook_deliveries WHERE source = $1 AND dead_at IS NULL AND next_attempt_at <= now()
         ORDER BY next_attempt_at LIMIT 2000) AS oldest) AS ranked
     WHERE turn <= ${AT_ONCE_PER_PARTY} ORDER BY next_attempt_at, index LIMIT $2),
   claimed AS (
     UPDATE webhook_deliveries d
     SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => ${CLAIM_SECONDS})
     FROM due WHERE d.source = $1 AND (d.kind, d.party_id, d.index) = (due.kind, due.party_id, due.index)
       AND d.dead_at IS NULL AND d.next_attempt_at <= now() -- again, on the row a second sender waited for
     RETURNING d.*)
   SELECT c.source, c.kind, c.party_id AS "partyId", c.index::float8 AS index, c.leaf_type AS "leafType",
     c.leaf_hash AS "leafHash", c.leaf_time_ms::float8 AS "leafTimeMs", c.ref, c.attempts,
     floor(extract(epoch FROM c.created_at) * 1000)::float8 AS "createdAtMs", p.body -> 'webhook' ->> 'url' AS url
   FROM claimed c LEFT JOIN parties p ON p.kind = c.kind AND p.party_id = c.party_id AND p.state = 'active'
   ORDER BY c.index`,
);
const KEY = 'source = $1 AND kind = $2 AND party_id = $3 AND index = $4';
const DELIVERED = statement('webhook-delivered', `DELETE FROM webhook_deliveries WHERE ${KEY}`);
const FAILED = statement(
  'webhook-failed',
  `UPDATE webhook_deliveries SET last_error = $5, next_attempt_at = now() + make_interval(secs => $6::float8),
     dead_at = CASE WHEN $7 THEN now() END WHERE ${KEY}`,
);
const PURGE = statement(
  'webhook-purge',
  `DELETE FROM webhook_deliveries WHERE dead_at < now() - make_interval(days => ${DEAD_KEPT_DAYS})`,
);

/** Takes messages whose time has come, oldest leaf first; nobody else takes them while the claim lasts. */
export function claimWebhooks(db: Queryable, source: WebhookSource, limit: number): Promise<WebhookDelivery[]> {
  return query<WebhookDelivery & Record<string, unknown>>(db, CLAIM, [source, limit]);
}

export async function deleteWebhook(db: Queryable, { source, kind, partyId, index }: WebhookDelivery): Promise<void> {
  await execute(db, DELIVERED, [source, kind, partyId, index]);
}

/** @param again seconds until the next attempt; `null`: none, the message is dead */
export async function failWebhook(
  db: Queryable,
  { source, kind, partyId, index }: WebhookDelivery,
  error: string,
  again: number | null,
): Promise<void> {
  await execute(db, FAILED, [source, kind, partyId, index, error.slice(0, 200), again ?? 0, again === null]);
}

/** Forgets messages that died a week ago. */
export async function purgeWebhooks(db: Queryable): Promise<void> {
  await execute(db, PURGE);
}

/** Of one party's messages: what waits, what died. */
export interface WebhookBacklog {
  readonly kind: string;
  readonly partyId: string;
  readonly waiting: number;
  readonly dead: number;
  readonly oldestMs: number;
  readonly lastError: string | null;
}

const BACKLOG = statement(
  'webhook-backlog',
  `SELECT kind, party_id AS "partyId", count(*) FILTER (WHERE dead_at IS NULL)::float8 AS waiting,
     count(dead_at)::float8 AS dead, floor(extract(epoch FROM min(created_at)) * 1000)::float8 AS "oldestMs",
     max(last_error) AS "lastError"
   FROM webhook_deliveries GROUP BY kind, party_id ORDER BY dead DESC, waiting DESC LIMIT $1`,
);

/** Parties whose messages wait or died, worst first: for `doctor`. */
export function readWebhookBacklog(db: Queryable, limit: number): Promise<WebhookBacklog[]> {
  return query<WebhookBacklog & Record<string, unknown>>(db, BACKLOG, [limit]);
}
