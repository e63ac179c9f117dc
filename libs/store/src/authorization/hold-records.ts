import { uuids } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';
import type { DecisionPlace } from './decisions-page.js';

/** What became of the amount a decision held. */
export interface HoldEnd {
  readonly decisionId: string;
  /** When what was not captured stopped counting, Unix ms; `null`: it counts to this day. */
  readonly releasedAtMs: number | null;
  /** Captured or in capture, less what a rail gave back: decimal text, major units. */
  readonly kept: string;
}

// A hold ends with its last capture or its void, else at its time.
const HOLD_ENDS = statement(
  'hold-ends',
  `SELECT d.decision_id AS "decisionId", trim_scale(h.captured + h.capturing - h.restored)::text AS kept,
     CASE WHEN h.ended THEN floor(extract(epoch FROM least(h.ends_at, (
       SELECT max(s.judged_at) FROM settlements s
       WHERE s.artifact_id = h.artifact_id AND s.flow_id = h.flow_id AND s.outcome = 'authorized'
         AND s.action IN ('capture', 'void')))) * 1000)::float8 END AS "releasedAtMs"
   FROM unnest($1::uuid[], $2::uuid[]) AS asked (decision_id, flow_id)
   JOIN decisions d ON d.decision_id = asked.decision_id AND d.flow_id = asked.flow_id
   JOIN artifacts a ON a.artifact_id = d.artifact_id AND a.flow_id = d.flow_id
   JOIN holds h ON h.hold_id = a.hold_id AND h.flow_id = a.flow_id`,
);

/** @returns one for each of the decisions that issued an artifact */
export function readHoldEnds(db: Queryable, decisions: readonly DecisionPlace[]): Promise<HoldEnd[]> {
  return query<HoldEnd>(db, HOLD_ENDS, [
    uuids(decisions.map(({ decisionId }) => decisionId)),
    uuids(decisions.map(({ flowId }) => flowId)),
  ]);
}

/** Live artifacts that one pair of agent and counterparty has under one policy slice. */
export interface LiveUnderPolicy {
  readonly policyId: string;
  readonly agentId: string;
  readonly counterpartyId: string;
  /** The artifact's `policy.hash`. */
  readonly hash: string;
  readonly currency: string;
  readonly artifacts: number;
  /** Held or in capture: decimal text, major units. */
  readonly amount: string;
}

const LIVE_UNDER = statement(
  'live-under-policies',
  `SELECT p.policy ->> 'id' AS "policyId", a.agent_id AS "agentId", h.counterparty_id AS "counterpartyId",
     p.policy ->> 'hash' AS hash, h.currency, count(*)::int AS artifacts,
     trim_scale(sum(h.held + h.capturing))::text AS amount
   FROM holds h JOIN artifacts a ON a.hold_id = h.hold_id AND a.flow_id = h.flow_id AND a.status <> 1
   CROSS JOIN LATERAL (SELECT a.claims::jsonb -> 'policy' AS policy) AS p
   WHERE NOT h.ended AND h.ends_at > clock_timestamp() AND p.policy ->> 'id' = ANY ($1::text[])
   GROUP BY 1, 2, 3, 4, 5`,
);

/** What can still be captured under policies, suspended artifacts included: for the preview of an activation. */
export function readLiveUnder(db: Queryable, policyIds: readonly string[]): Promise<LiveUnderPolicy[]> {
  return query<LiveUnderPolicy>(db, LIVE_UNDER, [policyIds]);
}
