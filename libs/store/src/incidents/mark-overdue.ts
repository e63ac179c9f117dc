import { uuids } from '../binary-arrays.js';
import { inControlAct } from '../control-lock.js';
import type { Pool } from '../pool.js';
import { type Queryable, execute, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

const AT_ONCE = 200;
const DUE = statement(
  'incidents-overdue',
  `SELECT i.incident_id AS id, i.flow_id AS "flowId", i.epoch, i.version, i.rule, i.opened_leaf AS leaf,
     array(SELECT DISTINCT c.kind FROM incident_causes c
       WHERE c.incident_id = i.incident_id AND c.cleared_at IS NULL ORDER BY 1) AS causes
   FROM incidents i WHERE i.closed_at IS NULL AND i.overdue_at IS NULL AND i.due_at <= clock_timestamp()
   ORDER BY i.due_at LIMIT ${AT_ONCE}`,
);
const MARK = statement(
  'incidents-mark-overdue',
  `UPDATE incidents i SET overdue_at = to_timestamp($1::float8 / 1000), version = version + 1
   FROM unnest($2::uuid[]) AS o (id) WHERE i.incident_id = o.id`,
);

interface Due {
  readonly id: string;
  readonly flowId: string;
  readonly epoch: number;
  readonly version: number;
  readonly rule: string;
  readonly leaf: Buffer;
  readonly causes: string[];
}

const readDue = (db: Queryable): Promise<Due[]> => query<Due & Record<string, unknown>>(db, DUE);

/**
 * Says of incidents past their due time that they are: a leaf and an event on `incidents.v1`, once each, however many
 * processes look. Nothing else changes: an overdue incident stays as stopped as it was.
 *
 * @returns incidents marked
 */
export async function markOverdue(pool: Pool): Promise<number> {
  if ((await guarded(() => readDue(pool))).length === 0) return 0;
  return inControlAct(pool, async (act) => {
    const due = await readDue(act.tx); // again, under the lock
    for (const { id, flowId, epoch, version, rule, leaf, causes } of due) {
      const change = 'overdue' as const;
      const payload = { incident: id, flow: flowId, epoch, change, by: [], causes };
      const event = { incident_id: id, flow_id: flowId, version: version + 1, change, causes, rule };
      act.record({ type: 'incident_changed', payload, causes: [leaf], event });
    }
    if (due.length > 0) await execute(act.tx, MARK, [act.atMs, uuids(due.map(({ id }) => id))]);
    return due.length;
  });
}
