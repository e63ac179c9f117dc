import { outcomeId } from '@spendgate/codec';
import type { Clock } from '@spendgate/platform';
import {
  type AwaitedSettlement,
  type Pool,
  readAwaitedSettlements,
  readOverdueSettlements,
  readUnknownSettlements,
} from '@spendgate/store';
import type { RailCaller } from '../rails/rail-caller.js';
import type { ManagedTransfer } from '../rails/rail-port.js';
import type { ReportItem } from '../settling/gate-item.js';

/** Settlements looked at in one go; the next go follows at once while there are as many. */
const PAGE = 200;
/** Before every id there is. */
const FIRST = '00000000-0000-0000-0000-000000000000';

export interface OutcomeSweepParts {
  readonly pool: Pool;
  /** Decides reports; one that cannot be decided does not keep the others from it. */
  readonly decide: (items: readonly ReportItem[]) => Promise<void>;
  readonly caller: RailCaller;
  /** Rails the gate calls itself. */
  readonly managed: readonly string[];
  /** A managed rail is asked again when it has said nothing for this long; of unknown ones a page each time. */
  readonly recallAfterMs: number;
  readonly clock: Clock;
}

/**
 * Looks after granted money nobody has reported on. A managed rail is asked again, under the same transfer id. Silence
 * past `outcome_due` is `settlement_unknown`: it never expires, and nothing but the rail's word moves it on, so a rail
 * the gate calls is asked for that word until it gives one.
 */
export class OutcomeSweep {
  private afterUnknown = FIRST;
  private unknownDueMs = 0;

  constructor(private readonly parts: OutcomeSweepParts) {}

  /** After a restart: everything granted on managed rails that is still without an outcome. */
  async recover(): Promise<void> {
    await this.recall(0);
    await this.recallUnknown();
  }

  /** @returns whether there is more to do at once */
  async run(): Promise<boolean> {
    const overdue = await readOverdueSettlements(this.parts.pool, PAGE);
    if (overdue.length > 0) await this.parts.decide(overdue.map(silence));
    await this.recall(this.parts.recallAfterMs);
    await this.recallUnknown();
    return overdue.length === PAGE;
  }

  private async recall(olderThanMs: number): Promise<void> {
    const { pool, managed, caller } = this.parts;
    caller.call((await readAwaitedSettlements(pool, managed, olderThanMs, PAGE)).map(transferOf));
  }

  /** Round after round, one page a pause: a rail that is away for long is not flooded, and none waits behind another. */
  private async recallUnknown(): Promise<void> {
    const { pool, managed, caller, clock, recallAfterMs } = this.parts;
    if (clock.nowMs() < this.unknownDueMs) return;
    const page = await readUnknownSettlements(pool, managed, this.afterUnknown, PAGE);
    this.afterUnknown = page.length < PAGE ? FIRST : (page.at(-1)?.settlementId ?? FIRST);
    this.unknownDueMs = clock.nowMs() + recallAfterMs;
    caller.call(page.map(transferOf));
  }
}

function silence({ settlementId, artifactId }: AwaitedSettlement): ReportItem {
  return {
    kind: 'report',
    settlementId,
    artifactId,
    outcomeId: outcomeId('silence', settlementId),
    reporter: null,
    outcome: 'unknown',
    amount: null,
    railReference: null,
    occurredAtMs: null,
  };
}

function transferOf(settlement: AwaitedSettlement): ManagedTransfer {
  return {
    rail: settlement.rail,
    transferId: settlement.settlementId,
    direction: settlement.action === 'refund' ? 'refund' : 'capture',
    amount: settlement.amount,
    currency: settlement.currency,
    counterparty: settlement.counterpartyId,
  };
}
