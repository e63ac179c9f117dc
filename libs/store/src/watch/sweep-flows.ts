import { type DriftSignal, type FlowVerdicts, LIFECYCLE, type WatchVerdict, verifyFlow } from '@spendgate/core';
import { texts, timestamps, uuids } from '../binary-arrays.js';
import { type ControlAct, inControlAct } from '../control-lock.js';
import { moveFlows, readMovingFlows } from '../control/move-flows.js';
import { type Contained, containWrites, recordContainment, suspendWrite } from '../incidents/contain-flow.js';
import { lock, locking } from '../lock-order.js';
import type { Pool } from '../pool.js';
import { FIRST_ROOT } from '../settlement/sweep-settlements.js';
import { execute, query, statement } from '../statement.js';
import { run } from '../together.js';
import { inSnapshot, inTransaction, readClockMs } from '../transaction.js';
import { type WatchedFlow, readWatchedFlows } from './flow-evidence.js';

// Nothing but the index on the time is read: the cost is that of the flows that are due, however many there are.
const DUE = statement(
  'watch-flows-due',
  `SELECT flow_id AS "flowId", verified_at::text AS at FROM flow_watches
   WHERE verified_at <= to_timestamp($1::float8 / 1000) AND (verified_at, flow_id) > ($2::timestamptz, $3::uuid)
   ORDER BY verified_at, flow_id LIMIT $4`,
);
const LOCK = locking(
  'flows',
  'watch-lock-flows',
  `SELECT count(*) FROM (
     SELECT 1 FROM flows WHERE flow_id = ANY ($1::uuid[]) ORDER BY flow_id FOR NO KEY UPDATE) AS locked`,
);
const VERIFIED = statement(
  'watch-flows-verified',
  `UPDATE flow_watches w SET verified_at = greatest(w.verified_at, f.at), unverified = f.unverified::jsonb
   FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS f (id, at, unverified) WHERE w.flow_id = f.id`,
);
const ENDED = statement(
  'watch-flows-ended',
  `DELETE FROM flow_watches w WHERE flow_id = ANY ($1::uuid[])
     AND NOT EXISTS (SELECT FROM holds h WHERE h.flow_id = w.flow_id AND NOT h.ended)`,
);

/** Where in the order of their last verification a round of visits is. */
export interface SweepPlace {
  readonly at: string;
  readonly flowId: string;
}
const ROUND_BEGIN: SweepPlace = { at: '-infinity', flowId: FIRST_ROOT };

/** What a visit to some flows found. */
export interface SweptFlows {
  /** Where to go on; `null`: the round is complete. */
  readonly next: SweepPlace | null;
  /** Those that were verified, with the time, Unix ms. */
  readonly verified: readonly { readonly flowId: string; readonly atMs: number }[];
  readonly contained: readonly string[];
}

export interface SweepOptions {
  /** Flows verified before this are due, ms before now. */
  readonly afterMs: number;
  /** Unwatched for longer than this, a flow with live artifacts has drifted. */
  readonly lapseMs: number;
  readonly limit: number;
  /** `null`: a new round. */
  readonly from: SweepPlace | null;
}

/**
 * Visits the flows that are due, those longest unverified first: judges each by what it rests on now, contains what is
 * broken, writes down the rest, and takes flows without a live artifact off the list. A flow of which something cannot be
 * established is left as it is: it becomes overdue, and is denied.
 */
export async function sweepFlows(pool: Pool, options: SweepOptions): Promise<SweptFlows> {
  const { at, flowId } = options.from ?? ROUND_BEGIN;
  const { atMs, flows, next } = await inSnapshot(pool, async (tx) => {
    const now = await readClockMs(tx);
    const due = await query<{ flowId: string; at: string }>(tx, DUE, [
      now - options.afterMs,
      at,
      flowId,
      options.limit,
    ]);
    const ids = due.map((row) => row.flowId);
    const last = due.length < options.limit ? null : (due.at(-1) ?? null);
    return { atMs: now, flows: await readWatchedFlows(tx, ids, now), next: last };
  });
  if (flows.length === 0) return { next, verified: [], contained: [] };
  const judged = flows.map((flow) => ({ flow, ...judgeFlow(flow, options.lapseMs) }));
  const hit = judged.filter(({ signals }) => signals.length > 0).map(({ flow }) => flow.flowId);
  const contained = hit.length === 0 ? [] : await containHits(pool, hit, options.lapseMs);
  const whole = judged.filter(({ flow, signals, verdicts }) => {
    return flow.isLive && signals.length === 0 && !Object.values(verdicts).includes('unknown');
  });
  const ended = flows.filter(({ isLive }) => !isLive).map(({ flowId }) => flowId);
  await inTransaction(pool, async (tx) => {
    await lock(tx, LOCK, [uuids([...whole.map(({ flow }) => flow.flowId), ...contained, ...ended])]);
    await execute(tx, VERIFIED, [
      uuids([...whole.map(({ flow }) => flow.flowId), ...contained]),
      timestamps([...whole, ...contained].map(() => atMs)),
      texts([...whole.map(({ verdicts }) => unverifiedOf(verdicts)), ...contained.map(() => null)]),
    ]);
    await execute(tx, ENDED, [uuids(ended)]);
  });
  return { next, verified: whole.map(({ flow }) => ({ flowId: flow.flowId, atMs })), contained };
}

const ALL_VERIFIED: FlowVerdicts = {
  identity: 'verified',
  environment: 'verified',
  policy: 'verified',
  lineage: 'verified',
  settlement: 'verified',
};

/** A flow that is contained already is left to people: what it shows beside is found when it goes on. */
function judgeFlow(flow: WatchedFlow, lapseMs: number): ReturnType<typeof verifyFlow> {
  const isRunning = flow.state !== null && LIFECYCLE[flow.state].phase <= 5;
  if (!flow.isLive || !isRunning) return { verdicts: ALL_VERIFIED, signals: [] };
  const { judgedAtMs } = flow.evidence;
  const found = verifyFlow(flow.evidence);
  if (flow.verifiedAtMs === null || judgedAtMs - flow.verifiedAtMs <= lapseMs) return found;
  return { ...found, signals: [...found.signals, lapsed(flow.verifiedAtMs, judgedAtMs)] };
}

/** Nobody can say what became of it in between, and too much time has passed to go on as if nothing had. */
function lapsed(fromMs: number, untilMs: number): DriftSignal {
  const evidence = { found_by: 'sweep', unwatched_from_ms: fromMs, unwatched_until_ms: untilMs };
  return { kind: 'audit', rule: 'exact.watch_lapsed', evidence };
}

/** Looked at again under the exclusive control lock: what was mended in between stands, and nothing is decided beside. */
function containHits(pool: Pool, hit: readonly string[], lapseMs: number): Promise<string[]> {
  return inControlAct(pool, async (act) => {
    const moving = new Map((await readMovingFlows(act, hit)).map((flow) => [flow.flowId, flow]));
    const flows = await readWatchedFlows(act.tx, hit, act.atMs);
    const contained = flows.flatMap((flow) => {
      const before = moving.get(flow.flowId);
      return before === undefined ? [] : containOne(act, flow, before, lapseMs);
    });
    if (contained.length === 0) return [];
    for (const write of containWrites(contained)) await run(act.tx, write);
    const last = new Map(contained.map(({ flow }) => [flow.flowId, flow]));
    await moveFlows(act, [...last.values()]);
    await run(act.tx, suspendWrite(contained));
    return [...last.keys()];
  });
}

function containOne(act: ControlAct, watched: WatchedFlow, before: Contained['flow'], lapseMs: number): Contained[] {
  const contained: Contained[] = [];
  let flow = before;
  for (const signal of judgeFlow(watched, lapseMs).signals) {
    const found = recordContainment(act, {
      flow,
      signal,
      cause: watched.cause ?? noCause(act, watched.flowId, signal),
    });
    if (found === null) continue;
    flow = found.flow;
    contained.push(found);
  }
  return contained;
}

/** Its artifacts were taken away with the decision behind them: the visit itself is what showed it. */
function noCause(act: ControlAct, flowId: string, { kind, rule }: DriftSignal): Buffer {
  const payload = { flow: flowId, epoch: null, limb: kind, verdict: 'broken', rule, evidence: { found_by: 'sweep' } };
  return act.record({ type: 'verification_changed', payload });
}

function unverifiedOf(verdicts: Readonly<Record<string, WatchVerdict>>): string | null {
  const left = Object.entries(verdicts).filter(([, verdict]) => verdict !== 'verified');
  return left.length === 0 ? null : JSON.stringify(Object.fromEntries(left));
}
