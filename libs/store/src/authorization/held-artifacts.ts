import { type Queryable, query, statement } from '../statement.js';

/** An artifact that still holds money, for the party that must settle or let go. */
export interface HeldArtifact {
  readonly artifactId: string;
  readonly flowId: string;
  readonly counterpartyId: string;
  readonly audience: string;
  readonly currency: string;
  /** Decimal text, major units. */
  readonly held: string;
  readonly capturing: string;
  readonly captured: string;
  readonly settleByMs: number;
  readonly cursor: HeldCursor;
}

/** Place in the list: the order of the index that finds live holds. */
export interface HeldCursor {
  readonly rootId: string;
  readonly endsAtMs: number;
  readonly holdId: string;
}

/** Whose artifacts: an agent sees its own, a settlement service those it is the audience of. */
export type HeldScope = { readonly agent: string } | { readonly audience: string };

interface HeldRow {
  artifact_id: string;
  flow_id: string;
  counterparty_id: string;
  audience: string;
  currency: string;
  held: string;
  capturing: string;
  captured: string;
  settle_by: Date;
  root_id: string;
  ends_at: Date;
  hold_id: string;
}

// Each walks the live holds of its caller through an index of their own: the cost follows what the caller has open,
// never what others have, nor the history.
const held = (scope: string): string =>
  `SELECT h.artifact_id, h.flow_id, h.counterparty_id, h.audience, h.currency, trim_scale(h.held)::text AS held,
     trim_scale(h.capturing)::text AS capturing, trim_scale(h.captured)::text AS captured, h.settle_by, h.root_id,
     h.ends_at, h.hold_id
   FROM holds h
   WHERE NOT h.ended AND ${scope} AND h.held > 0 AND h.ends_at > clock_timestamp()
     AND ($2::timestamptz IS NULL OR h.settle_by < $2)
     AND ($3::uuid IS NULL OR (h.root_id, h.ends_at, h.hold_id) > ($3, $4::timestamptz, $5::uuid))
   ORDER BY h.root_id, h.ends_at, h.hold_id LIMIT $6`;
/** By scope; exported for the spec that looks at their plans. */
export const HELD_ARTIFACTS = {
  audience: statement('held-artifacts-of-audience', held('h.audience = $1')),
  // A flow is its mandate's, and a mandate its agent's.
  agent: statement(
    'held-artifacts-of-agent',
    held('h.flow_id IN (SELECT mandate_id FROM mandates WHERE agent_id = $1)'),
  ),
} as const;

/** @param settleByBeforeMs Unix ms; `null`: all. @param limit rows at most; ask for one more to learn if more follow. */
export async function listHeldArtifacts(
  db: Queryable,
  scope: HeldScope,
  settleByBeforeMs: number | null,
  after: HeldCursor | null,
  limit: number,
): Promise<HeldArtifact[]> {
  const [text, owner] =
    'audience' in scope ? [HELD_ARTIFACTS.audience, scope.audience] : [HELD_ARTIFACTS.agent, scope.agent];
  const rows = await query<HeldRow>(db, text, [
    owner,
    settleByBeforeMs === null ? null : new Date(settleByBeforeMs),
    after?.rootId ?? null,
    after === null ? null : new Date(after.endsAtMs),
    after?.holdId ?? null,
    limit,
  ]);
  return rows.map((row) => ({
    artifactId: row.artifact_id,
    flowId: row.flow_id,
    counterpartyId: row.counterparty_id,
    audience: row.audience,
    currency: row.currency,
    held: row.held,
    capturing: row.capturing,
    captured: row.captured,
    settleByMs: row.settle_by.getTime(),
    cursor: { rootId: row.root_id, endsAtMs: row.ends_at.getTime(), holdId: row.hold_id },
  }));
}
