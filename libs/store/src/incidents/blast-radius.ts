import type { HaltScope } from '@spendgate/core';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** What a halt or a revocation reaches, by currency; money in major units, decimal text. */
export interface BlastRadius {
  readonly currency: string;
  readonly flows: number;
  readonly holds: number;
  readonly held: string;
  /** Granted already: it settles whatever is halted now. */
  readonly capturing: string;
}

// Live holds only: nothing else can still be captured. A flow counts with its mandate's currency, also without holds.
const RADIUS = statement(
  'blast-radius',
  `WITH flows_in AS (
     SELECT m.mandate_id AS flow_id, m.currency FROM mandates m JOIN flows f ON f.flow_id = m.mandate_id
     WHERE m.revoked_at IS NULL AND m.agent_id IS NOT NULL AND f.state NOT IN ('revoked', 'archived') AND CASE $1
       WHEN 'artifact' THEN m.mandate_id IN (SELECT flow_id FROM artifacts WHERE artifact_id::text = $2)
       WHEN 'flow' THEN m.mandate_id::text = $2
       WHEN 'mandate' THEN $2 = ANY (m.path::text[])
       WHEN 'agent' THEN EXISTS (SELECT FROM mandates l WHERE l.mandate_id = ANY (m.path) AND l.agent_id = $2)
       WHEN 'principal' THEN m.principal_id = $2
       WHEN 'counterparty' THEN m.mandate_id IN (
         SELECT flow_id FROM holds WHERE NOT ended AND counterparty_id = $2)
       ELSE true END)
   SELECT i.currency, count(DISTINCT i.flow_id)::int AS flows, count(h.hold_id)::int AS holds,
     trim_scale(coalesce(sum(h.held), 0))::text AS held, trim_scale(coalesce(sum(h.capturing), 0))::text AS capturing
   FROM flows_in i LEFT JOIN holds h ON h.flow_id = i.flow_id AND NOT h.ended
     AND ($1 <> 'artifact' OR h.artifact_id::text = $2) AND ($1 <> 'counterparty' OR h.counterparty_id = $2)
   GROUP BY i.currency ORDER BY i.currency`,
);

/** Shown before anything is halted: flows that would stop, live holds, and their money. */
export function readBlastRadius(db: Queryable, scope: HaltScope, id: string): Promise<BlastRadius[]> {
  return guarded(() => query<BlastRadius & Record<string, unknown>>(db, RADIUS, [scope, id]));
}
