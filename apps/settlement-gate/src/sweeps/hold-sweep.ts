import { decimal } from '@spendgate/core';
import {
  type EndedHold,
  FIRST_ROOT,
  type LaneLease,
  type Pool,
  advanceLane,
  CounterChanges,
  changeCounters,
  changeHeld,
  endHolds,
  fenceLeased,
  inTransaction,
  lockHotRows,
  readHoldRoots,
  readHotState,
  releasePayload,
  shareControl,
  writeLeaves,
} from '@spendgate/store';
import type { LeafWriter } from '../settling/settlement-leaves.js';

/** Trees looked at per run: bounds the run however many trees there are; the next run goes on behind them. */
const ROOTS_PER_RUN = 500;
/** Trees released in one transaction: all of them stand still while it runs. */
const ROOTS_PER_BATCH = 16;

/**
 * Gives back what ended holds still keep, so that budgets recover also when nobody spends. A hold stops counting at its
 * end whether or not this ran: the authorizer releases what it meets; this is for what nobody meets.
 */
export class HoldSweep {
  private after = FIRST_ROOT;

  constructor(
    private readonly pool: Pool,
    private readonly leafWriter: LeafWriter,
  ) {}

  /** @returns holds released */
  async run(lease: LaneLease): Promise<number> {
    const roots = await readHoldRoots(this.pool, this.after, ROOTS_PER_RUN);
    this.after = roots.length < ROOTS_PER_RUN ? FIRST_ROOT : (roots.at(-1)?.rootId ?? FIRST_ROOT);
    const due = roots.filter((root) => root.due).map((root) => root.rootId);
    let released = 0;
    for (let at = 0; at < due.length; at += ROOTS_PER_BATCH) {
      released += await this.release(lease, due.slice(at, at + ROOTS_PER_BATCH));
    }
    return released;
  }

  /** One transaction under the locks of every writer of these trees, one leaf. */
  private release(lease: LaneLease, rootIds: readonly string[]): Promise<number> {
    return inTransaction(this.pool, async (tx) => {
      await shareControl(tx);
      const lane = await fenceLeased(tx, lease);
      await lockHotRows(tx, [], rootIds); // whoever holds a root excludes every other writer of its tree
      const keys = { flowIds: [], mandateIds: [], rootIds, agentIds: [], intentIds: [], counters: [] };
      const { judgedAtMs, endedHolds } = await readHotState(tx, keys);
      if (endedHolds.length === 0) return 0;
      await endHolds(tx, endedHolds);
      await changeHeld(tx, releasedByMandate(endedHolds));
      const counters = new CounterChanges();
      for (const hold of endedHolds) counters.leave(hold);
      await changeCounters(tx, counters);
      const leaf = this.leafWriter.write('holds_released', judgedAtMs, releasePayload(endedHolds), []);
      const leafSeq = await writeLeaves(tx, lease, lane.leafSeq, [leaf]);
      await advanceLane(tx, lease, { leafSeq, outboxSeq: lane.outboxSeq });
      return endedHolds.length;
    });
  }
}

function releasedByMandate(holds: readonly EndedHold[]): Map<string, string> {
  const sums = new Map<string, ReturnType<typeof decimal>>();
  for (const { path, held } of holds) {
    for (const mandateId of path) sums.set(mandateId, (sums.get(mandateId) ?? decimal('0')).minus(held));
  }
  return new Map([...sums].map(([mandateId, sum]) => [mandateId, sum.toFixed()]));
}
