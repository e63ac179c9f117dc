import type { ControlAct } from '../control-lock.js';
import { inControlAct } from '../control-lock.js';
import { endHolds, lockTrees } from '../control/end-holds.js';
import { revokeMandates } from '../control/revoke-mandates.js';
import type { Pool } from '../pool.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

const DISABLE_PARTIES = statement(
  'revoke-parties-disable',
  `UPDATE parties SET state = 'disabled', version = version + 1 WHERE kind = $1 AND party_id = ANY ($2::text[])
   RETURNING party_id AS id`,
);
const DISABLE_COUNTERPARTIES = statement(
  'revoke-counterparties-disable',
  `UPDATE counterparties SET state = 'disabled', version = version + 1 WHERE counterparty_id = ANY ($1::text[])
   RETURNING counterparty_id AS id`,
);

/** Of revoked agents, principals and payees. Their halt row never goes, so declaring them active again changes nothing. */
export async function disableParties(act: ControlAct, kind: string, ids: readonly string[]): Promise<string[]> {
  const rows =
    kind === 'counterparty'
      ? await query<{ id: string }>(act.tx, DISABLE_COUNTERPARTIES, [ids])
      : await query<{ id: string }>(act.tx, DISABLE_PARTIES, [kind, ids]);
  return rows.map(({ id }) => id);
}

/** Mandates, or holds, ended by one control act: while it runs nothing is decided. */
const ENDED_AT_ONCE = 100;
const ROUNDS_MAX = 100_000;

// Asked every second, nearly always of no halt at all: then no mandate may be looked at.
const MANDATES_LEFT = statement(
  'revoke-parties-mandates',
  `SELECT m.mandate_id AS id, h.set_by AS by, h.reason
   FROM (SELECT * FROM halts WHERE permanent AND scope IN ('agent', 'principal') OFFSET 0) AS h
   CROSS JOIN LATERAL (
     SELECT mandate_id, depth FROM mandates WHERE revoked_at IS NULL AND (
       h.scope = 'agent' AND agent_id = h.target_id OR h.scope = 'principal' AND principal_id = h.target_id) OFFSET 0) AS m
   ORDER BY m.depth, m.mandate_id LIMIT ${ENDED_AT_ONCE}`,
);
const HOLDS_LEFT = statement(
  'revoke-parties-holds',
  `SELECT o.hold_id AS "holdId", o.flow_id AS "flowId", o.artifact_id AS "artifactId", h.leaf_hash AS leaf
   FROM halts h JOIN holds o ON h.scope = 'counterparty' AND o.counterparty_id = h.target_id
   WHERE h.permanent AND NOT o.ended LIMIT ${ENDED_AT_ONCE}`,
);
const HOLDS = statement(
  'revoke-parties-holds-again',
  `SELECT hold_id AS "holdId", flow_id AS "flowId", artifact_id AS "artifactId" FROM holds
   WHERE hold_id = ANY ($1::uuid[]) AND NOT ended`,
);

interface MandateLeft {
  id: string;
  by: string;
  reason: string;
}
interface HoldLeft {
  holdId: string;
  flowId: string;
  artifactId: string;
  leaf: Buffer;
}

/**
 * Ends what a permanent revocation leaves behind, a bounded part per act: mandates of revoked agents and principals with
 * all under them, open holds of revoked payees. The revocation itself took effect with its row; this gives the money
 * back, and what is interrupted is taken up by the next call.
 *
 * @returns mandates and holds ended
 */
export async function cascadeRevocations(pool: Pool): Promise<number> {
  let ended = 0;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const count = await cascadeOnce(pool);
    if (count === 0) break;
    ended += count;
  }
  return ended;
}

async function cascadeOnce(pool: Pool): Promise<number> {
  const [mandates, holds] = [await left<MandateLeft>(pool, MANDATES_LEFT), await left<HoldLeft>(pool, HOLDS_LEFT)];
  const [first] = mandates;
  if (first !== undefined) {
    const own = mandates.filter(({ by, reason }) => by === first.by && reason === first.reason);
    await inControlAct(pool, (act) =>
      revokeMandates(act, { mandateIds: own.map(({ id }) => id), by: first.by, reason: first.reason }),
    );
    return own.length;
  }
  if (holds.length === 0) return 0;
  const causes = new Map(holds.map(({ flowId, leaf }) => [flowId, leaf]));
  await inControlAct(pool, async (act) => {
    await lockTrees(act, [...causes.keys()]);
    const find = { statement: HOLDS, values: [holds.map(({ holdId }) => holdId)] };
    await endHolds(act, find, 'counterparty_revoked', (flowId) => causes.get(flowId) ?? null);
  });
  return holds.length;
}

function left<R>(db: Queryable, text: typeof MANDATES_LEFT): Promise<R[]> {
  return guarded(() => query<R & Record<string, unknown>>(db, text));
}
