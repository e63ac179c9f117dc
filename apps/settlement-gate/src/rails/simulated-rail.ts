import { createHash } from 'node:crypto';
import type { Clock } from '@spendgate/platform';
import type { RailListener, RailPort, RailReport, RailTransfer } from './rail-port.js';

/** A late answer comes this long after the question, unless a test says otherwise. */
const LATE_AFTER_MS = 5_000;
/** What `demo-other-amount` says it moved. */
const OTHER_AMOUNT = '1.00';
/** Transfers remembered, so that a repeated call is seen as one; the oldest go first. */
const REMEMBERED_MAX = 100_000;

/**
 * The rail of demos: answers by the counterparty's id. `demo-decline` fails, `demo-timeout` never answers, `demo-late`
 * answers after the caller gave up, `demo-duplicate` reports twice, `demo-lie` says that nothing moved and later that it
 * did, `demo-other-amount` moves another amount than it was asked for; everyone else completes.
 */
export class SimulatedRail implements RailPort {
  private readonly moved = new Set<string>();
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly clock: Clock,
    private readonly report: RailListener,
    private readonly lateAfterMs = LATE_AFTER_MS,
  ) {}

  /** How many movements of money happened: once per transfer id, however often it was called. */
  get movements(): number {
    return this.moved.size;
  }

  transfer(transfer: RailTransfer): Promise<RailReport> {
    switch (transfer.counterparty) {
      case 'demo-decline':
        return Promise.resolve(this.answer(transfer, 'failed'));
      case 'demo-timeout':
        return new Promise(() => undefined);
      case 'demo-late':
        this.later(transfer);
        return new Promise(() => undefined);
      case 'demo-duplicate': {
        const report = this.move(transfer);
        setImmediate(() => this.report(transfer.transferId, report));
        return Promise.resolve(report);
      }
      case 'demo-lie':
        this.later(transfer);
        return Promise.resolve(this.answer(transfer, 'failed'));
      case 'demo-other-amount':
        return Promise.resolve({ ...this.move(transfer), amount: OTHER_AMOUNT });
      default:
        return Promise.resolve(this.move(transfer));
    }
  }

  /** Forgets answers still to come. */
  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private later(transfer: RailTransfer): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.report(transfer.transferId, this.move(transfer));
    }, this.lateAfterMs);
    timer.unref();
    this.timers.add(timer);
  }

  private move(transfer: RailTransfer): RailReport {
    if (this.moved.size >= REMEMBERED_MAX) {
      const oldest = this.moved.values().next();
      if (oldest.done !== true) this.moved.delete(oldest.value);
    }
    this.moved.add(transfer.transferId);
    return this.answer(transfer, 'completed');
  }

  private answer({ transferId }: RailTransfer, outcome: RailReport['outcome']): RailReport {
    // The same transfer has the same reference, also after a restart.
    const railReference = `sim-${createHash('sha256').update(transferId).digest('hex').slice(0, 16)}`;
    return { outcome, railReference, occurredAtMs: this.clock.nowMs() };
  }
}
