import { canonicalize, sha256, uuid8 } from '@spendgate/codec';
import { type RefundBounds, decimal, exceedsRefundShare } from '@spendgate/core';
import { byteas, texts, uuids } from '../binary-arrays.js';
import { inControlAct } from '../control-lock.js';
import type { Pool } from '../pool.js';
import { type Queryable, execute, query, statement } from '../statement.js';

/** What one settlement service was granted on one day (UTC) in one currency. Amounts: decimal text, major units. */
export interface ServiceDay {
  readonly service: string;
  readonly day: string;
  readonly currency: string;
  readonly refunds: number;
  readonly refunded: string;
}

// settlements_refunds holds refunds only, and of it the last two days are read: one ends while the other begins.
const REFUNDS = statement(
  'refund-shares-refunds',
  `SELECT r.service, r.day::text AS day, r.currency, r.refunds, trim_scale(r.refunded)::text AS refunded FROM (
     SELECT presenter AS service, (judged_at AT TIME ZONE 'UTC')::date AS day, currency, count(*)::integer AS refunds,
       sum(amount) AS refunded
     FROM settlements
     WHERE action = 'refund' AND outcome = 'authorized' AND state <> 'returned'
       AND judged_at >= (date_trunc('day', now() AT TIME ZONE 'UTC') - interval '1 day') AT TIME ZONE 'UTC'
     GROUP BY 1, 2, 3 HAVING count(*) >= $1) AS r
   WHERE NOT EXISTS (
     SELECT 1 FROM settlement_cases c WHERE c.kind = 'refund_share' AND c.service = r.service AND c.day = r.day
       AND c.currency = r.currency)`,
);
// Captures that came back are no business: a service could let them fail to make its refunds look few.
const CAPTURES = statement(
  'refund-shares-captures',
  `SELECT k.service, k.day, k.currency, coalesce(sum(s.amount), 0)::text AS captured
   FROM unnest($1::text[], $2::text[], $3::text[]) AS k (service, day, currency)
   LEFT JOIN settlements s ON s.presenter = k.service AND s.currency = k.currency AND s.action = 'capture'
     AND s.outcome = 'authorized' AND s.state <> 'returned'
     AND s.judged_at >= k.day::timestamp AT TIME ZONE 'UTC'
     AND s.judged_at < (k.day::timestamp + interval '1 day') AT TIME ZONE 'UTC'
   GROUP BY 1, 2, 3`,
);
const INSERT = statement(
  'refund-shares-insert-cases',
  `INSERT INTO settlement_cases (case_id, kind, service, day, amount, currency, opened_at, leaf_hash)
   SELECT c.case_id, 'refund_share', c.service, c.day::date, c.amount::numeric, c.currency,
     to_timestamp($1::float8 / 1000), c.leaf_hash
   FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])
     AS c (case_id, service, day, amount, currency, leaf_hash)`,
);

/** Services with at least `countMin` refunds on a day, today or yesterday, and no case for it yet. */
export function readRefundDays(db: Queryable, countMin: number): Promise<ServiceDay[]> {
  return query<ServiceDay & Record<string, unknown>>(db, REFUNDS, [countMin]);
}

/** Those of the days on which refunds are above their share of captures. */
export async function readExcessiveDays(
  db: Queryable,
  days: readonly ServiceDay[],
  bounds: RefundBounds,
): Promise<ServiceDay[]> {
  if (days.length === 0) return [];
  const keys = [days.map((each) => each.service), days.map((each) => each.day), days.map((each) => each.currency)];
  const rows = await query<Record<'service' | 'day' | 'currency' | 'captured', string>>(db, CAPTURES, keys.map(texts));
  const captured = new Map(rows.map((row) => [keyOf(row), row.captured]));
  return days.filter((each) => {
    const sums = { captured: decimal(captured.get(keyOf(each)) ?? '0'), refunded: decimal(each.refunded) };
    return exceedsRefundShare({ ...sums, refunds: each.refunds }, bounds);
  });
}

/**
 * Opens a case for every day above its share. Under the exclusive control lock all of it is read anew, so that however
 * many processes look there is one case, with one leaf.
 *
 * @returns services with a new case
 */
export function openRefundCases(pool: Pool, bounds: RefundBounds): Promise<string[]> {
  return inControlAct(pool, async (act) => {
    const days = await readExcessiveDays(act.tx, await readRefundDays(act.tx, bounds.countMin), bounds);
    const cases = days.map((each) => ({ ...each, id: uuid8(sha256(canonicalize(['refund case', keyOf(each)]))) }));
    const leaves = cases.map(({ id, service, day, currency, refunds, refunded }) => {
      const payload = { case: id, kind: 'refund_share', service, day, currency, refunds, refunded, ...bounds };
      const event = { name: 'case_opened', subject: { kind: 'settlement_service', id: service } };
      return act.record({ type: 'case_opened', payload, event });
    });
    if (cases.length === 0) return [];
    await execute(act.tx, INSERT, [
      act.atMs,
      uuids(cases.map((each) => each.id)),
      texts(cases.map((each) => each.service)),
      texts(cases.map((each) => each.day)),
      texts(cases.map((each) => each.refunded)),
      texts(cases.map((each) => each.currency)),
      byteas(leaves),
    ]);
    return cases.map((each) => each.service);
  });
}

function keyOf({ service, day, currency }: Pick<ServiceDay, 'service' | 'day' | 'currency'>): string {
  return canonicalize([service, day, currency]);
}
