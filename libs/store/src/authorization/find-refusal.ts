import { type Queryable, query, statement } from '../statement.js';

/** Why a record got no decision; `decisionId` of a replay: the decision recorded before. */
export interface FoundRefusal {
  readonly code: string;
  readonly field: string | null;
  readonly decisionId: string | null;
}

interface RefusalColumns {
  code: string;
  field: string | null;
  decision_id: string | null;
}

const FIND = statement(
  'refusal-by-place',
  `SELECT r.code, r.field, r.decision_id FROM lanes l JOIN refusals r ON r.lane_id = l.lane_id AND r.lane_offset = $2
   WHERE l.name = $1`,
);

/** @param lane name of the partition's lane */
export async function findRefusal(db: Queryable, lane: string, offset: bigint): Promise<FoundRefusal | undefined> {
  const [row] = await query<RefusalColumns>(db, FIND, [lane, offset]);
  return row === undefined ? undefined : { code: row.code, field: row.field, decisionId: row.decision_id };
}
