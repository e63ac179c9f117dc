import { isUuid } from '@spendgate/codec';
import { execute, query, statement } from '../statement.js';
import { type OpsChange, refuseOps } from './ops-answer.js';
import type { Effect } from './ops-moment.js';

const STANDING = statement(
  'settlement-case-standing',
  'SELECT kind, closed_at IS NULL AS open FROM settlement_cases WHERE case_id = $1',
);
const CLOSE = statement(
  'settlement-case-close',
  `UPDATE settlement_cases SET closed_by = $2, closed_at = to_timestamp($3::float8 / 1000), closing_reason = $4,
     closing_leaf = $5 WHERE case_id = $1`,
);

/** Somebody looked, and says what it was. Money and flow stay as they are: what contained a flow is its incident's. */
export const closeCases: Effect = async ({ act, claims, requester, leaf }) => {
  const changes: OpsChange[] = [];
  for (const { id } of claims.targets) {
    if (!isUuid(id)) refuseOps('invalid', `"${id}" is no case id`);
    const [row] = await query<{ kind: string; open: boolean }>(act.tx, STANDING, [id]);
    if (row === undefined) return refuseOps('absent', `there is no case ${id}`);
    if (!row.open) refuseOps('conflict', `case ${id} is closed`);
    const payload = { case: id, kind: row.kind, by: requester.person, reason: claims.reason };
    const event = { name: 'case_closed', subject: { kind: 'case', id } };
    const closing = act.record({ type: 'case_closed', payload, causes: [leaf], event });
    await execute(act.tx, CLOSE, [id, requester.person, act.atMs, claims.reason, closing]);
    changes.push({ kind: 'case', id, change: 'closed' });
  }
  return changes;
};
