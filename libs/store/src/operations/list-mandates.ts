import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** A mandate in a list, with its money as its budget row has it; decimal text, major units. */
export interface MandateLine {
  readonly mandateId: string;
  readonly depth: number;
  readonly principalId: string;
  /** `null`: a level that groups others. */
  readonly agentId: string | null;
  readonly currency: string;
  readonly limit: string;
  readonly available: string;
  readonly held: string;
  readonly captured: string;
  /** Lifecycle state of its flow; `revoked` also when only the mandate says so. */
  readonly state: string;
}

const LIST = statement(
  'mandates-list',
  `SELECT m.mandate_id AS "mandateId", m.depth, m.principal_id AS "principalId", m.agent_id AS "agentId", m.currency,
     trim_scale(m.total_limit)::text AS limit,
     trim_scale(m.total_limit - b.held - b.capturing - b.captured + b.refunded)::text AS available,
     trim_scale(b.held)::text AS held, trim_scale(b.captured - b.refunded)::text AS captured,
     CASE WHEN m.revoked_at IS NOT NULL THEN 'revoked' ELSE f.state END AS state
   FROM mandates m JOIN budgets b USING (mandate_id) JOIN flows f ON f.flow_id = m.mandate_id
   WHERE ($1::text IS NULL OR m.agent_id = $1) AND ($2::text IS NULL OR m.principal_id = $2)
   ORDER BY m.depth, m.mandate_id LIMIT $3`,
);

/** Roots first. Holds past their end count until the sweep has seen them; `readMandateLevels` leaves them out. */
export function listMandates(
  db: Queryable,
  filter: { readonly agent?: string; readonly principal?: string },
  limit: number,
): Promise<MandateLine[]> {
  const values = [filter.agent ?? null, filter.principal ?? null, limit];
  return guarded(() => query<MandateLine & Record<string, unknown>>(db, LIST, values));
}
