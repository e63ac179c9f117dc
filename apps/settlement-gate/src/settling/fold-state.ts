import { type BudgetDelta, type Hold, NO_DELTA, isUncaptured } from '@spendgate/core';
import { CounterChanges } from '@spendgate/store';
import type {
  BudgetChange,
  Contained,
  HoldChange,
  IssuedArtifact,
  OutcomeCase,
  OutcomeRow,
  RecordedOutcome,
  RecordedSettlement,
  SettlementChange,
  SettlementFlow,
  SettlementRow,
  SettlementState,
} from '@spendgate/store';
import { holdChange, holdOf } from './hold-view.js';

/** What a batch has changed so far: the rows read, and on top of them what earlier items of the batch decided. */
export class FoldState {
  readonly outcomeRows: OutcomeRow[] = [];
  readonly contained: Contained[] = [];
  readonly cases: OutcomeCase[] = [];
  /** As they stand now in the batch: later items meet a flow an earlier one contained. */
  readonly flows: Map<string, SettlementFlow>;
  readonly revoked = new Set<string>();
  readonly counters = new CounterChanges();
  private readonly holds = new Map<string, { row: IssuedArtifact; hold: Hold; changed: boolean }>();
  private readonly settlements: Map<string, RecordedSettlement>;
  private readonly outcomes: Map<string, RecordedOutcome>;
  private readonly fresh = new Map<string, SettlementRow>();
  private readonly touched = new Set<string>();
  private readonly budgets = new Map<string, BudgetDelta>();

  constructor(private readonly read: SettlementState) {
    this.flows = new Map(read.flows);
    this.settlements = new Map(read.settlements);
    this.outcomes = new Map(read.outcomes);
    for (const row of read.artifacts.values()) {
      // A renewal shares its hold with the artifact before it, so holds are kept by their own id.
      if (!this.holds.has(row.holdId)) this.holds.set(row.holdId, { row, hold: holdOf(row), changed: false });
    }
  }

  /** The row as it stands now in the batch: an artifact voided by an earlier item is revoked for the next one. */
  artifact(artifactId: string): IssuedArtifact | undefined {
    const row = this.read.artifacts.get(artifactId);
    return row !== undefined && this.revoked.has(artifactId) ? { ...row, status: 1 } : row;
  }

  hold(row: IssuedArtifact): Hold {
    return this.holds.get(row.holdId)?.hold ?? holdOf(row);
  }

  settlement(settlementId: string): RecordedSettlement | undefined {
    return this.settlements.get(settlementId);
  }

  outcome(outcomeId: string): RecordedOutcome | undefined {
    return this.outcomes.get(outcomeId);
  }

  /**
   * Moves money of a hold, and the same amounts at every level of its path. The move by which a hold has ended without a
   * capture, which is one at most, takes it out of the counters it entered; a capture that comes late puts it back.
   */
  move(row: IssuedArtifact, hold: Hold, delta: BudgetDelta): void {
    const [was, is] = [isUncaptured(this.hold(row)), isUncaptured(hold)];
    if (is && !was) this.counters.leave(row);
    if (was && !is) this.counters.comeBack(row);
    this.holds.set(row.holdId, { row, hold, changed: true });
    const { held, capturing, captured, refunded } = delta;
    if ([held, capturing, captured, refunded].every((amount) => amount.isZero())) return;
    for (const mandateId of row.path) {
      const sum = this.budgets.get(mandateId) ?? NO_DELTA;
      this.budgets.set(mandateId, {
        held: sum.held.plus(delta.held),
        capturing: sum.capturing.plus(delta.capturing),
        captured: sum.captured.plus(delta.captured),
        refunded: sum.refunded.plus(delta.refunded),
      });
    }
  }

  /** Records a settlement; later items of the batch see it. */
  insert(row: SettlementRow): void {
    this.fresh.set(`${row.settlementId}/${row.attempt}`, row);
    this.settlements.set(row.settlementId, row);
  }

  /** A row this batch made is changed before it is written, one of an earlier batch is updated. */
  change(settlement: RecordedSettlement): void {
    const { settlementId, attempt, state, refunding, refunded, restored } = settlement;
    this.settlements.set(settlementId, settlement);
    const key = `${settlementId}/${attempt}`;
    const row = this.fresh.get(key);
    if (row === undefined) this.touched.add(settlementId);
    else this.fresh.set(key, { ...row, state, refunding, refunded, restored });
  }

  inserted(): SettlementRow[] {
    return [...this.fresh.values()];
  }

  report(row: OutcomeRow): void {
    this.outcomeRows.push(row);
    this.outcomes.set(row.outcomeId, row);
  }

  holdChanges(): HoldChange[] {
    const changed = [...this.holds.values()].filter((each) => each.changed);
    return changed.map(({ row, hold }) => holdChange(row, hold));
  }

  budgetChanges(): BudgetChange[] {
    return [...this.budgets].map(([mandateId, delta]) => ({
      mandateId,
      held: delta.held.toFixed(),
      capturing: delta.capturing.toFixed(),
      captured: delta.captured.toFixed(),
      refunded: delta.refunded.toFixed(),
    }));
  }

  contain(contained: Contained): void {
    const { flowId, state, sequence } = contained.flow;
    const before = this.flows.get(flowId);
    if (before !== undefined) this.flows.set(flowId, { ...before, state, sequence });
    this.contained.push(contained);
  }

  settlementChanges(): SettlementChange[] {
    return [...this.touched].flatMap((id) => this.settlements.get(id) ?? []);
  }
}
