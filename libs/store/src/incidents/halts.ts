import { canonicalize, sha256, uuid8 } from '@spendgate/codec';
import type { DriftSignal, HaltScope } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import { moveFlows, readMovingFlows } from '../control/move-flows.js';
import { type Queryable, execute, query, statement } from '../statement.js';
import { run } from '../together.js';
import { guarded } from '../transaction.js';
import { containWrites, recordContainment, suspendWrite } from './contain-flow.js';

/** What is to stop, or go on. */
export interface HaltTarget {
  readonly scope: HaltScope;
  readonly id: string;
}

/** Who halts, why, and the leaf of their act. */
export interface HaltBy {
  readonly person: string;
  readonly reason: string;
  readonly cause: Buffer;
}

/** Loaded with every change of the control epoch, so their number has a bound: a wider scope halts more with one row. */
const HALTS_MAX = 10_000;

const INSERT = statement(
  'halts-insert',
  `INSERT INTO halts AS h (halt_id, scope, target_id, permanent, reason, set_by, set_at, leaf_hash)
   SELECT $1::uuid, $2, $3, $4::boolean, $5, $6, to_timestamp($7::float8 / 1000), $8::bytea
   WHERE $4::boolean OR (SELECT count(*) FROM halts WHERE released_at IS NULL) < ${HALTS_MAX}
   ON CONFLICT (scope, target_id) WHERE released_at IS NULL DO UPDATE
     SET permanent = true, reason = excluded.reason WHERE excluded.permanent AND NOT h.permanent`,
);
const RELEASE = statement(
  'halts-release',
  `UPDATE halts SET released_by = $3, released_at = to_timestamp($4::float8 / 1000)
   WHERE scope = $1 AND target_id = $2 AND released_at IS NULL AND NOT permanent`,
);
const SUSPEND = statement(
  'halts-suspend-artifact',
  'UPDATE artifacts SET status = 2 WHERE artifact_id = $1 AND status = 0',
);
/** Only where its flow may go on: a quarantined flow's artifacts stay suspended, a later epoch's stay dead. */
const REINSTATE = statement(
  'halts-reinstate-artifact',
  `UPDATE artifacts a SET status = 0 FROM flows f
   WHERE a.artifact_id = $1 AND a.status = 2 AND f.flow_id = a.flow_id AND f.epoch = a.epoch
     AND f.state IN ('authorized', 'activated', 'executing')`,
);
const RETRY_PARKED = statement(
  'halts-retry-parked',
  `UPDATE parked_intents p SET released = true FROM decisions d
   WHERE d.decision_id = p.decision_id AND d.flow_id = p.flow_id AND d.code = 'flow_contained'`,
);
const STANDING = statement(
  'halts-standing',
  `SELECT scope, target_id AS id, permanent, reason, set_by AS "setBy",
     floor(extract(epoch FROM set_at) * 1000)::float8 AS "setAtMs"
   FROM halts WHERE released_at IS NULL ORDER BY set_at DESC LIMIT $1`,
);

/** A halt that stands. */
export interface StandingHalt {
  readonly scope: string;
  readonly id: string;
  readonly permanent: boolean;
  readonly reason: string;
  readonly setBy: string;
  readonly setAtMs: number;
}

/** The newest first. */
export function listHalts(db: Queryable, limit: number): Promise<StandingHalt[]> {
  return guarded(() => query<StandingHalt & Record<string, unknown>>(db, STANDING, [limit]));
}

/**
 * Halts. Wider than a flow it is one row, whatever it reaches; a flow is contained with an incident; an artifact is
 * suspended. When the act has committed nothing under it is authorized or captured.
 *
 * @param permanent a revocation's row: never released
 * @returns the targets that were not halted before
 */
export async function setHalts(
  act: ControlAct,
  targets: readonly HaltTarget[],
  by: HaltBy,
  permanent = false,
): Promise<HaltTarget[]> {
  const flows = targets.filter(({ scope }) => scope === 'flow').map(({ id }) => id);
  const set = flows.length === 0 ? [] : await haltFlows(act, flows, by);
  for (const target of targets.filter(({ scope }) => scope !== 'flow')) {
    const { scope, id } = target;
    if (scope === 'artifact' && (await execute(act.tx, SUSPEND, [id])) === 0) continue;
    const leaf = recordHalt(act, target, by, permanent);
    const haltId = uuid8(sha256(canonicalize(['halt', scope, id, leaf.toString('base64url')])));
    const values = [haltId, scope, id, permanent, by.reason, by.person, act.atMs, leaf];
    if ((await execute(act.tx, INSERT, values)) > 0) set.push(target);
  }
  return set;
}

/** An operator's halt is a drift signal like any other. */
async function haltFlows(act: ControlAct, ids: readonly string[], by: HaltBy): Promise<HaltTarget[]> {
  const { person, reason, cause } = by;
  const signal: DriftSignal = { kind: 'operator', rule: 'operator.halt', evidence: { person, reason } };
  const flows = await readMovingFlows(act, ids);
  const contained = flows.flatMap((flow) => recordContainment(act, { flow, signal, cause }) ?? []);
  if (contained.length === 0) return [];
  for (const write of containWrites(contained)) await run(act.tx, write);
  await moveFlows(
    act,
    contained.map(({ flow }) => flow),
  );
  await run(act.tx, suspendWrite(contained));
  return contained.map(({ flow }) => ({ scope: 'flow', id: flow.flowId }));
}

function recordHalt(act: ControlAct, { scope, id }: HaltTarget, by: HaltBy, permanent: boolean): Buffer {
  const { person, reason, cause } = by;
  if (scope === 'artifact') {
    return act.record({
      type: 'artifact_suspended',
      payload: { artifact: id, status: 2, reason, by: person },
      causes: [cause],
      event: { name: 'artifact_suspended', subject: { kind: 'artifact', id } },
    });
  }
  const name = permanent ? `${scope}_revoked` : 'halt_set';
  return act.record({
    type: 'control_act',
    payload: { act: name, scope, id, reason, by: person },
    causes: [cause],
    event: { name, subject: { kind: scope, id } },
  });
}

/**
 * Releases halts wider than a flow, and suspended artifacts; a flow goes on by revalidation only. What waited under any
 * of them is decided afresh.
 *
 * @returns the targets that were halted, and are no more
 */
export async function releaseHalts(
  act: ControlAct,
  targets: readonly HaltTarget[],
  { person, reason, cause }: HaltBy,
): Promise<HaltTarget[]> {
  const released: HaltTarget[] = [];
  for (const target of targets) {
    const { scope, id } = target;
    if ((await execute(act.tx, RELEASE, [scope, id, person, act.atMs])) === 0) continue;
    released.push(target);
    const isBack = scope === 'artifact' && (await execute(act.tx, REINSTATE, [id])) > 0;
    act.record({
      type: isBack ? 'artifact_reinstated' : 'control_act',
      payload: isBack
        ? { artifact: id, status: 0, reason, by: person }
        : { act: 'halt_released', scope, id, reason, by: person },
      causes: [cause],
      event: { name: 'halt_released', subject: { kind: scope, id } },
    });
  }
  if (released.length > 0) await execute(act.tx, RETRY_PARKED);
  return released;
}
