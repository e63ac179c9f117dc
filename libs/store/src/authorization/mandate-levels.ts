import { type Queryable, query, statement } from '../statement.js';

/** One level of a mandate's path with its money; decimal text, major units. */
export interface MandateLevel {
  readonly mandateId: string;
  readonly version: number;
  readonly depth: number;
  readonly principalId: string;
  readonly agentId: string | null;
  /** base64url SHA-256 of the signed claim, and its RFC 8785 form. */
  readonly hash: string;
  readonly claims: string;
  /** Who signed this version. */
  readonly grantorKind: string;
  readonly grantorId: string;
  readonly currency: string;
  readonly limit: string;
  readonly available: string;
  readonly held: string;
  readonly capturing: string;
  readonly captured: string;
  readonly refunded: string;
  readonly revoked: boolean;
  readonly state: string | null;
}

// I9: available + held + capturing + captured − refunded = limit. Holds past their end stop counting before any sweep.
const LEVELS = statement(
  'mandate-levels',
  `SELECT m.mandate_id AS "mandateId", m.version, m.depth, m.principal_id AS "principalId", m.agent_id AS "agentId",
     m.mandate_hash AS hash, m.claims, m.grantor_kind AS "grantorKind", m.grantor_id AS "grantorId", m.currency,
     trim_scale(m.total_limit)::text AS limit,
     trim_scale(m.total_limit - (b.held - gone.held) - b.capturing - b.captured + b.refunded)::text AS available,
     trim_scale(b.held - gone.held)::text AS held, trim_scale(b.capturing)::text AS capturing,
     trim_scale(b.captured)::text AS captured, trim_scale(b.refunded)::text AS refunded,
     m.revoked_at IS NOT NULL AS revoked, f.state
   FROM mandates self
   JOIN mandates m ON m.mandate_id = ANY (self.path)
   JOIN budgets b ON b.mandate_id = m.mandate_id
   LEFT JOIN flows f ON f.flow_id = m.mandate_id
   CROSS JOIN LATERAL (
     SELECT coalesce(sum(h.held), 0) AS held FROM holds h
     WHERE h.root_id = self.root_id AND NOT h.ended AND h.ends_at <= clock_timestamp() AND m.mandate_id = ANY (h.path)
   ) AS gone
   WHERE self.mandate_id = $1 ORDER BY m.depth`,
);

/** The levels of a mandate, root first; empty when there is no such mandate. */
export function readMandateLevels(db: Queryable, mandateId: string): Promise<MandateLevel[]> {
  return query<MandateLevel & Record<string, unknown>>(db, LEVELS, [mandateId]);
}
