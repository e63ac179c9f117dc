import type { PartyKind } from '../registry/facts.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** A party's key as registered; times in Unix ms. */
export interface KeyLine {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly kind: PartyKind;
  readonly party: string;
  /** By the database's clock. `overlap`: it still signs, and its retirement is set. */
  readonly state: 'planned' | 'active' | 'overlap' | 'retired' | 'removed';
  readonly activeFromMs: number;
  readonly retiredAtMs: number | null;
  /** The key its signed transition names. */
  readonly successor: string | null;
}

const COLUMNS = `k.kid, k.kind, k.party_id AS party, k.successor_kid AS successor,
  CASE WHEN k.removed_at IS NOT NULL THEN 'removed'
    WHEN k.retired_at <= clock_timestamp() THEN 'retired'
    WHEN k.active_from > clock_timestamp() THEN 'planned'
    WHEN k.retired_at IS NOT NULL THEN 'overlap' ELSE 'active' END AS state,
  floor(extract(epoch FROM k.active_from) * 1000)::float8 AS "activeFromMs",
  floor(extract(epoch FROM k.retired_at) * 1000)::float8 AS "retiredAtMs"`;
const LIST = statement(
  'keys-list',
  `SELECT ${COLUMNS} FROM party_keys k WHERE $1::text IS NULL OR k.party_id = $1
   ORDER BY k.party_id, k.kind, k.active_from DESC, k.kid LIMIT $2`,
);
/** A chain is no longer than the keys one party may have; a ring of edited rows ends there too. */
const SUCCESSORS = statement(
  'keys-successors',
  `WITH RECURSIVE chain AS (
     SELECT successor_kid AS kid, 1 AS depth FROM party_keys WHERE kid = $1
     UNION ALL SELECT k.successor_kid, c.depth + 1 FROM chain c JOIN party_keys k USING (kid) WHERE c.depth < 1000)
   SELECT ${COLUMNS} FROM (SELECT kid, min(depth) AS depth FROM chain GROUP BY kid) AS c JOIN party_keys k USING (kid)
   ORDER BY c.depth`,
);

/** Keys of every party, or of those of this id, each party's newest first. */
export function listKeys(db: Queryable, limit: number, party: string | null = null): Promise<KeyLine[]> {
  return guarded(() => query<KeyLine & Record<string, unknown>>(db, LIST, [party, limit]));
}

/** The keys that followed a key by signed transitions, nearest first: whoever held it could have made them. */
export function listSuccessors(db: Queryable, kid: string): Promise<KeyLine[]> {
  return guarded(() => query<KeyLine & Record<string, unknown>>(db, SUCCESSORS, [kid]));
}
