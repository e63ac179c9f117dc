import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** An artifact that is not valid: its place in the partition's status numbers, and its status (1 revoked, 2 suspended). */
export interface StatusEntry {
  readonly idx: number;
  readonly status: number;
}

const CHANGED = statement(
  'status-entries',
  `SELECT status_idx::float8 AS idx, status FROM artifacts
   WHERE status_partition = $1 AND status_idx >= $2 AND status_idx < $3 AND status <> 0`,
);
const HALTED = statement('status-halted', 'SELECT EXISTS (SELECT FROM halts WHERE released_at IS NULL) AS halted');
// Live holds under a halt wider than their flow, read only while one stands: the act itself touches no artifact.
const UNDER_HALTS = statement(
  'status-under-halts',
  `SELECT a.status_idx::float8 AS idx, 2 AS status FROM holds h
   JOIN artifacts a ON a.artifact_id = h.artifact_id AND a.flow_id = h.flow_id
   WHERE NOT h.ended AND a.status = 0 AND a.status_partition = $1 AND a.status_idx >= $2 AND a.status_idx < $3
     AND EXISTS (
       SELECT FROM halts x WHERE x.released_at IS NULL AND CASE x.scope
         WHEN 'all' THEN true
         WHEN 'domain' THEN x.target_id = (SELECT issuer FROM domain)
         WHEN 'mandate' THEN x.target_id = ANY (h.path::text[])
         WHEN 'counterparty' THEN x.target_id = h.counterparty_id
         WHEN 'agent' THEN x.target_id = a.agent_id OR EXISTS (
           SELECT FROM mandates m WHERE m.mandate_id = ANY (h.path) AND m.agent_id = x.target_id)
         WHEN 'principal' THEN x.target_id = (SELECT principal_id FROM mandates m WHERE m.mandate_id = h.root_id)
         ELSE false END)`,
);
const ISSUABLE = statement('status-issuable', 'SELECT next::float8 AS next FROM lanes WHERE name = $1');

/**
 * Statuses of a partition's artifacts with numbers from `first` to before `end`.
 *
 * @param lane the partition's lane: status numbers are offsets, so what it has not reached was never issued
 * @returns `undefined` when no artifact can have such a number yet
 */
export async function readStatusEntries(
  db: Queryable,
  lane: string,
  place: { readonly partition: number; readonly first: number; readonly end: number },
): Promise<readonly StatusEntry[] | undefined> {
  const [known] = await guarded(() => query<{ next: number }>(db, ISSUABLE, [lane]));
  if (known === undefined || known.next <= place.first) return undefined;
  const values = [place.partition, place.first, place.end];
  return guarded(async () => {
    const own = await query<StatusEntry & Record<string, unknown>>(db, CHANGED, values);
    const [standing] = await query<{ halted: boolean }>(db, HALTED);
    if (standing?.halted === false) return own;
    return [...own, ...(await query<StatusEntry & Record<string, unknown>>(db, UNDER_HALTS, values))];
  });
}
