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
  return guarded(() => query<StatusEntry & Record<string, unknown>>(db, CHANGED, values));
}
