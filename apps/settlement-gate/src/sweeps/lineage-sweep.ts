import { type DriftSignal, isFlowState } from '@spendgate/core';
import {
  type BrokenLineage,
  type LaneLease,
  type NumberedOutboxRow,
  type Pool,
  type SettlementFlow,
  FIRST_ROOT,
  advanceLane,
  changeFlowsWrite,
  containWrites,
  fenceLeased,
  inTransaction,
  lockHotRows,
  readBrokenLineages,
  readClockMs,
  readSettlementState,
  recordContainment,
  run,
  shareControl,
  suspendWrite,
  sweepLineages,
  writeLeaves,
  writeOutbox,
} from '@spendgate/store';
import type { LeafWriter } from '../settling/settlement-leaves.js';

/** Flows looked at per run; the next run goes on behind them. */
const FLOWS_PER_RUN = 50;

/**
 * Contains flows that hold money under a lineage that is broken in the database, also when nobody presents anything and
 * whatever this process remembers of their mandates (B6, design 4: continuous verification).
 */
export class LineageSweep {
  private after = FIRST_ROOT;

  constructor(
    private readonly pool: Pool,
    private readonly leafWriter: LeafWriter,
    private readonly publish: (lease: LaneLease, rows: readonly NumberedOutboxRow[]) => void,
  ) {}

  /** @returns flows contained */
  async run(lease: LaneLease): Promise<number> {
    const { broken, last } = await sweepLineages(this.pool, this.after, FLOWS_PER_RUN);
    this.after = last ?? FIRST_ROOT;
    return broken.length === 0 ? 0 : this.contain(lease, broken);
  }

  private async contain(lease: LaneLease, flowIds: readonly string[]): Promise<number> {
    const { count, events } = await inTransaction(this.pool, async (tx) => {
      await shareControl(tx); // no mandate changes while this runs
      const lane = await fenceLeased(tx, lease);
      await lockHotRows(tx, flowIds, []);
      const ids = { artifactIds: [], flowIds, agentIds: [], settlementIds: [], outcomeIds: [] };
      const { flows } = await readSettlementState(tx, ids); // a new statement after the locks, as is the next
      const records = this.leafWriter.records(await readClockMs(tx));
      const contained = (await readBrokenLineages(tx, flowIds)).flatMap((broken) => {
        const flow = flows.get(broken.flowId);
        return containmentOf(records, broken, flow) ?? [];
      });
      if (contained.length === 0) return { count: 0, events: [] };
      for (const write of containWrites(contained)) await run(tx, write);
      await run(tx, changeFlowsWrite(contained.map(({ flow }) => flow)));
      await run(tx, suspendWrite(contained));
      const leafSeq = await writeLeaves(tx, lease, lane.leafSeq, records.leaves);
      const outboxSeq = await writeOutbox(tx, lease, lane.outboxSeq, records.events);
      await advanceLane(tx, lease, { leafSeq, outboxSeq });
      const numbered = records.events.map((event, at) => ({ ...event, seq: lane.outboxSeq + BigInt(at) }));
      return { count: contained.length, events: numbered };
    });
    this.publish(lease, events);
    return count;
  }
}

function containmentOf(
  records: ReturnType<LeafWriter['records']>,
  { code, cause }: BrokenLineage,
  flow: SettlementFlow | undefined,
) {
  if (flow === undefined || !isFlowState(flow.state)) return null;
  const signal: DriftSignal = { kind: 'lineage', rule: `exact.${code}`, evidence: { code, found_by: 'sweep' } };
  return recordContainment(records, { flow: { ...flow, state: flow.state }, signal, cause });
}
