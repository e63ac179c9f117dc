import { Sweeper } from '@spendgate/platform';
import type { GateParts } from './gate-parts.js';
import type { ReportItem } from './settling/gate-item.js';
import { HoldSweep } from './sweeps/hold-sweep.js';
import { LineageSweep } from './sweeps/lineage-sweep.js';
import { RefundSweep } from './sweeps/refund-sweep.js';
import { OutcomeSweep } from './sweeps/outcome-sweep.js';

/** A managed rail that has said nothing for this many of its timeouts is asked again. */
const RECALL_TIMEOUTS = 3;
/** A share of a day changes slowly: looked at once in this many of the sweep's pauses. */
const REFUND_PAUSES = 30;

/** What a gate does of its own accord: asks rails again, notices silence, gives back ended holds, contains
 * flows whose lineage broke, opens cases of too many refunds. */
export class RunningGate {
  private readonly outcomes: OutcomeSweep;
  private readonly sweepers: readonly Sweeper[];

  constructor(private readonly parts: GateParts) {
    const { runtime, caller, managed, sweepLane, leafWriter } = parts;
    const { pool, logger, clock } = runtime;
    const recallAfterMs = parts.numberOf('SPENDGATE_RAIL_TIMEOUT_MS') * RECALL_TIMEOUTS;
    const decide = (items: readonly ReportItem[]): Promise<void> => this.report(items);
    this.outcomes = new OutcomeSweep({ pool, decide, caller, managed, recallAfterMs, clock });
    const holds = new HoldSweep(pool, leafWriter);
    const lineages = new LineageSweep(pool, leafWriter, (lease, rows) => parts.events.push(lease, rows));
    const refunds = new RefundSweep(pool, {
      sharePercent: parts.numberOf('SPENDGATE_REFUND_SHARE_PERCENT'),
      countMin: parts.numberOf('SPENDGATE_REFUND_CASE_COUNT'),
    });
    const pauseMs = parts.numberOf('SPENDGATE_GATE_SWEEP_MS');
    this.sweepers = [
      new Sweeper('outcome', pauseMs, () => this.outcomes.run(), logger),
      new Sweeper('hold', pauseMs, async () => (await sweepLane.run((lease) => holds.run(lease))) > 0, logger),
      new Sweeper('refund', pauseMs * REFUND_PAUSES, async () => (await refunds.run(), false), logger),
      new Sweeper('lineage', pauseMs, async () => (await sweepLane.run((lease) => lineages.run(lease))) > 0, logger),
    ];
  }

  async start(): Promise<void> {
    await this.outcomes.recover();
    for (const sweeper of this.sweepers) sweeper.start();
  }

  /** Finishes what is under way, gives the lanes back. */
  async stop(): Promise<void> {
    const { simulatedRail, caller, door, events, httpLane, sweepLane } = this.parts;
    await Promise.all(this.sweepers.map((sweeper) => sweeper.stop()));
    simulatedRail.stop();
    await caller.stop();
    await door.settled();
    await events.stop();
    await Promise.all([httpLane.stop(), sweepLane.stop()]);
  }

  /** Silence, decided like any report: one that meets a defect of ours is contained and holds up no other. */
  private async report(items: readonly ReportItem[]): Promise<void> {
    await Promise.all(items.map((item) => this.parts.door.submit(item)));
  }
}
