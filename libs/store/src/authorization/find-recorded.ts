import { uuids } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

const FIND = statement(
  'authorization-find-recorded',
  'SELECT intent_id, body_hash FROM decisions WHERE intent_id = ANY ($1::uuid[]) AND attempt = 0',
);

/** Body hashes of the intents that have a decision already, by intent id. Outside any lock: nothing is decided on it. */
export async function findRecordedIntents(
  db: Queryable,
  intentIds: readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  type Row = { intent_id: string; body_hash: Buffer };
  const rows = await guarded(() => query<Row>(db, FIND, [uuids(intentIds)]));
  return new Map(rows.map((row) => [row.intent_id, row.body_hash]));
}
