import { type RowRule, base64url, differing, placeOf, said } from './rule.js';

const AMOUNT = `(claims #>> '{authorization_details,0,amount,value}')::numeric`;
const seconds = (column: string): string => `extract(epoch FROM ${column})::bigint::text`;

/** The columns a gate decides on, against the claims the log commits to by their hash. */
const ARTIFACTS = differing(
  'artifacts',
  `SELECT a.artifact_id::text AS subject, ${placeOf('d.leaf_hash')} AS index, a.claims::jsonb AS claims, a.artifact_id,
     d.artifact_id AS decided, a.agent_id, a.audience, a.flow_id, a.epoch, a.status_idx, a.status, a.claims_hash,
     sha256(convert_to(a.claims, 'UTF8')) AS hash, e.n AS ended,
     coalesce(r.epoch >= a.epoch, false) AS buried, coalesce(t.status = '2', false) AS suspended,
     f.epoch = a.epoch AND f.state IN ('drifting', 'contained', 'recovering') AS contained,
     EXISTS (SELECT 1 FROM holds h WHERE h.artifact_id = a.artifact_id AND h.flow_id = a.flow_id AND NOT h.ended) AS live
   FROM artifacts a LEFT JOIN decisions d ON d.decision_id = a.decision_id AND d.flow_id = a.flow_id
   LEFT JOIN (
     SELECT coalesce(said #>> '{artifact,id}', said ->> 'artifact') AS id, max(n) AS n
     FROM ${said('artifact_revoked', 'artifact_renewed', 'settlement_void_authorized')} AS s GROUP BY 1) AS e
     ON e.id = a.artifact_id::text
   LEFT JOIN flows f ON f.flow_id = a.flow_id
   LEFT JOIN (
     SELECT said ->> 'flow' AS flow, max((said ->> 'epoch')::integer) AS epoch
     FROM ${said('flow_transition')} AS s WHERE said ->> 'event' = 'flow_revalidated' GROUP BY 1) AS r
     ON r.flow = a.flow_id::text
   LEFT JOIN (
     SELECT DISTINCT ON (said ->> 'artifact') said ->> 'artifact' AS id, said ->> 'status' AS status
     FROM ${said('artifact_suspended', 'artifact_reinstated')} AS s ORDER BY said ->> 'artifact', n DESC) AS t
     ON t.id = a.artifact_id::text`,
  {
    not_in_log: 'decided IS DISTINCT FROM artifact_id',
    claims_hash: 'claims_hash IS DISTINCT FROM hash',
    agent_id: `agent_id IS DISTINCT FROM claims ->> 'sub'`,
    audience: `audience IS DISTINCT FROM claims ->> 'aud'`,
    flow_id: `flow_id::text IS DISTINCT FROM claims #>> '{flow,id}'`,
    epoch: `epoch::text IS DISTINCT FROM claims #>> '{flow,epoch}'`,
    status_idx: `claims #>> '{status,status_list,idx}' IS NULL`,
    status: `CASE status
       WHEN 0 THEN ended IS NOT NULL OR suspended OR contained AND live
       WHEN 1 THEN ended IS NULL AND NOT buried
       ELSE ended IS NOT NULL OR buried OR NOT (suspended OR contained) END`,
  },
);

/** Ended by the log's word: let go at its time, or with its artifact. */
const ENDED = `(SELECT (h ->> 'hold_id') AS id FROM ${said('holds_released')} AS s, jsonb_array_elements(s.said -> 'holds') AS h)`;

/** What an artifact keeps back, computed again from its claims and the settlements on it. */
const HOLDS = differing(
  'holds',
  `SELECT coalesce(h.hold_id, a.hold_id)::text AS subject, ${placeOf('d.leaf_hash')} AS index, a.claims::jsonb AS claims,
     h.hold_id, h.flow_id, a.flow_id AS flow, h.path, m.path AS levels, h.root_id, h.counterparty_id, h.audience, a.audience AS presenter,
     h.currency, h.amount, h.held, h.capturing, h.captured, h.released, h.refunded, h.restored, h.capture_count,
     h.expires_at, h.settle_by, h.ended, s.*, e.id AS let_go
   FROM artifacts a
   LEFT JOIN decisions d ON d.decision_id = a.decision_id AND d.flow_id = a.flow_id
   LEFT JOIN mandates m ON m.mandate_id = a.flow_id
   FULL JOIN holds h ON h.hold_id = a.hold_id AND h.artifact_id = a.artifact_id
   LEFT JOIN (
     SELECT x.hold_id AS of_hold, count(*) FILTER (WHERE action = 'capture') AS captures,
       sum(x.amount) FILTER (WHERE action = 'capture' AND x.state IN ('capturing', 'unknown')) AS in_capture,
       sum(x.amount) FILTER (WHERE action = 'capture' AND x.state = 'captured') AS taken,
       sum(x.amount) FILTER (WHERE action = 'refund' AND x.state = 'refunded') AS given_back,
       sum(x.amount) FILTER (WHERE action = 'refund' AND x.restored) AS free_again
     FROM settlements x WHERE x.outcome = 'authorized' GROUP BY x.hold_id) AS s ON s.of_hold = h.hold_id
   LEFT JOIN ${ENDED} AS e ON e.id = h.hold_id::text
   WHERE h.hold_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM holds o WHERE o.hold_id = a.hold_id)`,
  {
    not_in_log: 'claims IS NULL',
    row_missing: 'hold_id IS NULL',
    flow_id: 'flow_id IS DISTINCT FROM flow',
    path: 'path IS DISTINCT FROM levels OR root_id IS DISTINCT FROM levels[1]',
    counterparty_id: `counterparty_id IS DISTINCT FROM claims #>> '{authorization_details,0,counterparty,id}'`,
    audience: 'audience IS DISTINCT FROM presenter',
    currency: `currency IS DISTINCT FROM claims #>> '{authorization_details,0,amount,currency}'`,
    amount: `amount IS DISTINCT FROM ${AMOUNT}`,
    sum: 'held + capturing + captured + released <> amount',
    capturing: 'capturing <> coalesce(in_capture, 0)',
    captured: 'captured <> coalesce(taken, 0)',
    refunded: 'refunded <> coalesce(given_back, 0)',
    restored: 'restored <> coalesce(free_again, 0)',
    capture_count: 'capture_count <> coalesce(captures, 0)',
    expires_at: `${seconds('expires_at')} IS DISTINCT FROM claims ->> 'exp'`,
    settle_by: `${seconds('settle_by')} IS DISTINCT FROM claims #>> '{authorization_details,0,capture,settle_by}'`,
    ended: 'ended AND held <> 0 OR NOT ended AND (let_go IS NOT NULL OR released <> 0)',
  },
);

/** I9: each level's use is the sum of the holds under it. */
const BUDGETS = differing(
  'budgets',
  `SELECT coalesce(b.mandate_id, m.mandate_id)::text AS subject, ${placeOf('m.leaf_hash')} AS index, m.mandate_id AS mandate,
     b.mandate_id, b.depth, m.depth AS level, b.held, b.capturing, b.captured, b.refunded, u.*
   FROM budgets b FULL JOIN mandates m USING (mandate_id)
   LEFT JOIN (
     SELECT level AS of_mandate, sum(h.held) AS in_hold, sum(h.capturing) AS in_capture, sum(h.captured) AS taken,
       sum(h.restored) AS free_again
     FROM holds h, unnest(h.path) AS level GROUP BY level) AS u ON u.of_mandate = b.mandate_id`,
  {
    not_in_log: 'mandate IS NULL',
    row_missing: 'mandate_id IS NULL',
    depth: 'depth IS DISTINCT FROM level',
    held: 'held <> coalesce(in_hold, 0)',
    capturing: 'capturing <> coalesce(in_capture, 0)',
    captured: 'captured <> coalesce(taken, 0)',
    refunded: 'refunded <> coalesce(free_again, 0)',
  },
);

const OUTCOME_LEAVES = said('settlement_outcome_recorded', 'settlement_unknown');
const SETTLEMENT_LEAVES = said(
  'settlement_capture_authorized',
  'settlement_void_authorized',
  'settlement_refund_authorized',
  'settlement_denied',
);

/** A settlement and, where outcomes were applied since, the state the last of them left it in. */
const SETTLEMENTS = differing(
  'settlements',
  `SELECT coalesce(s.settlement_id::text, l.said ->> 'settlement') AS subject, l.index, l.said, s.settlement_id, s.attempt,
     s.flow_id, s.artifact_id, s.action, s.action_id, s.presenter, ${base64url('s.body_hash')} AS request_hash,
     s.outcome, s.code, s.field, s.amount, s.currency, ${base64url('s.decision_hash')} AS decision_hash, s.state, o.state AS after,
     s.claims::jsonb AS claims, s.refunding, s.refunded, r.waiting, r.done
   FROM settlements s FULL JOIN ${SETTLEMENT_LEAVES} AS l ON l.leaf_hash = s.leaf_hash
   LEFT JOIN (
     SELECT DISTINCT ON (said ->> 'settlement') said ->> 'settlement' AS of_settlement, said ->> 'state' AS state
     FROM ${OUTCOME_LEAVES} AS x WHERE said ->> 'applied' = 'true'
     ORDER BY said ->> 'settlement', index DESC NULLS FIRST, n DESC) AS o
     ON o.of_settlement = s.settlement_id::text AND s.outcome = 'authorized'
   LEFT JOIN (
     SELECT x.refund_of AS capture, sum(x.amount) FILTER (WHERE x.state IN ('refunding', 'unknown')) AS waiting,
       sum(x.amount) FILTER (WHERE x.state = 'refunded') AS done
     FROM settlements x WHERE x.outcome = 'authorized' GROUP BY x.refund_of) AS r ON r.capture = s.settlement_id`,
  {
    not_in_log: 'said IS NULL',
    row_missing: 'settlement_id IS NULL',
    settlement_id: `settlement_id::text IS DISTINCT FROM said ->> 'settlement'`,
    attempt: `attempt::text IS DISTINCT FROM said ->> 'attempt'`,
    flow_id: `flow_id::text IS DISTINCT FROM said ->> 'flow'`,
    artifact_id: `artifact_id::text IS DISTINCT FROM said #>> '{artifact,id}'`,
    action: `action IS DISTINCT FROM said ->> 'action'`,
    action_id: `action_id IS DISTINCT FROM said ->> 'action_id'`,
    presenter: `presenter IS DISTINCT FROM said ->> 'presenter'`,
    body_hash: `request_hash IS DISTINCT FROM said ->> 'request_hash'`,
    outcome: `outcome IS DISTINCT FROM said ->> 'outcome'`,
    code: `code IS DISTINCT FROM said ->> 'code'`,
    field: `field IS DISTINCT FROM said ->> 'field'`,
    amount: `amount IS DISTINCT FROM (said ->> 'amount')::numeric`,
    currency: `currency IS DISTINCT FROM said ->> 'currency'`,
    decision_hash: `decision_hash IS DISTINCT FROM said ->> 'decision_hash'`,
    claims: `claims ->> 'outcome' IS DISTINCT FROM outcome OR claims ->> 'code' IS DISTINCT FROM code
      OR (claims #>> '{amount,value}')::numeric IS DISTINCT FROM amount`,
    state: `state IS DISTINCT FROM coalesce(after, said ->> 'state')`,
    refunding: 'refunding <> coalesce(waiting, 0)',
    refunded: 'refunded <> coalesce(done, 0)',
  },
);

/**
 * The amount of an outcome: signed, it is an object; in the gate's own rail's words a text, which may be no amount; and
 * where that rail named none it is what was granted.
 */
const MOVED = `CASE jsonb_typeof(l.said -> 'amount')
     WHEN 'object' THEN (l.said #>> '{amount,value}')::numeric
     WHEN 'string' THEN CASE WHEN l.said ->> 'amount' ~ '^[0-9]{1,20}([.][0-9]{1,18})?$'
       THEN (l.said ->> 'amount')::numeric END
     ELSE s.amount END`;

const OUTCOMES = differing(
  'settlement_outcomes',
  `SELECT coalesce(o.outcome_id::text, l.said ->> 'outcome_id') AS subject, l.index, l.said, o.outcome_id, o.settlement_id,
     o.flow_id, o.reporter, o.outcome, o.amount, o.rail_reference, o.occurred_at, o.applied, ${MOVED} AS moved
   FROM settlement_outcomes o FULL JOIN ${OUTCOME_LEAVES} AS l ON l.leaf_hash = o.leaf_hash
   LEFT JOIN settlements s ON s.settlement_id::text = l.said ->> 'settlement' AND s.outcome = 'authorized'`,
  {
    not_in_log: 'said IS NULL',
    row_missing: 'outcome_id IS NULL',
    settlement_id: `settlement_id::text IS DISTINCT FROM said ->> 'settlement'`,
    flow_id: `flow_id::text IS DISTINCT FROM said ->> 'flow'`,
    reporter: `reporter IS DISTINCT FROM said ->> 'reporter'`,
    outcome: `outcome IS DISTINCT FROM said ->> 'outcome'`,
    amount: 'amount IS DISTINCT FROM moved',
    rail_reference: `rail_reference IS DISTINCT FROM said ->> 'rail_reference'`,
    occurred_at: `floor(extract(epoch FROM occurred_at) * 1000) IS DISTINCT FROM (said ->> 'occurred_at')::numeric`,
    applied: `applied IS DISTINCT FROM (said ->> 'applied')::boolean`,
  },
);

export const MONEY_RULES: readonly RowRule[] = [ARTIFACTS, HOLDS, BUDGETS, SETTLEMENTS, OUTCOMES];
