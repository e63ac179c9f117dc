import type { PartyKind } from '../registry/facts.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** A registered party with the keys it may sign with now. */
export interface PartyLine {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** RFC 7638 thumbprints, newest first. */
  readonly kids: readonly string[];
}

const LIST = statement(
  'parties-list',
  `SELECT p.party_id AS id, p.name, p.state, coalesce(k.kids, '{}') AS kids FROM parties p
   LEFT JOIN LATERAL (
     SELECT array_agg(k.kid ORDER BY k.active_from DESC, k.kid) AS kids FROM party_keys k
     WHERE k.kind = p.kind AND k.party_id = p.party_id AND k.removed_at IS NULL
       AND (k.retired_at IS NULL OR k.retired_at > clock_timestamp())) AS k ON true
   WHERE p.kind = $1 ORDER BY p.party_id LIMIT $2`,
);

export function listParties(db: Queryable, kind: PartyKind, limit: number): Promise<PartyLine[]> {
  return guarded(() => query<PartyLine & Record<string, unknown>>(db, LIST, [kind, limit]));
}
