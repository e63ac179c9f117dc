import { outcomeId } from '@spendgate/codec';
import type { Clock, Logger } from '@spendgate/platform';
import type { GateAnswer, ReportItem } from '../settling/gate-item.js';
import type { ManagedTransfer, RailPort, RailReport } from './rail-port.js';

/** Transfers under way at once; the rest wait in memory, and in the database should this process end. */
const AT_ONCE_MAX = 64;
const WAITING_MAX = 100_000;

/** Finds the artifact of a settlement and decides a report on it. */
export interface ReportSink {
  artifactOf(settlementId: string): Promise<string | undefined>;
  submit(item: ReportItem): Promise<GateAnswer>;
}

/**
 * Asks managed rails to move granted money, after the commit, and reports what they say. A call that does not answer in
 * time is `unknown`: the money stays in capture until the rail's word, which is still heard when it comes late.
 */
export class RailCaller {
  /** By id, in the order asked: the sweep finds again what is still waiting here, and must not ask twice for it. */
  private readonly waiting = new Map<string, ManagedTransfer>();
  private readonly underWay = new Map<string, Promise<void>>();
  private stopped = false;

  constructor(
    private readonly rails: ReadonlyMap<string, RailPort>,
    private readonly sink: ReportSink,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly timeoutMs: number,
  ) {}

  /** Queues transfers. What does not fit is found again by the sweep: granted captures are in the database. */
  call(transfers: readonly ManagedTransfer[]): void {
    for (const transfer of transfers) {
      if (this.stopped || this.waiting.size >= WAITING_MAX || this.underWay.has(transfer.transferId)) continue;
      this.waiting.set(transfer.transferId, transfer);
    }
    this.pump();
  }

  /** A report that came on its own. */
  report(rail: string, transferId: string, report: RailReport): void {
    void this.deliver(rail, transferId, report);
  }

  /** Resolves when no call is under way or waiting. */
  async idle(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay.values());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.waiting.clear();
    await this.idle();
  }

  private pump(): void {
    for (const [id, transfer] of this.waiting) {
      if (this.underWay.size >= AT_ONCE_MAX) return;
      this.waiting.delete(id);
      const call = this.transfer(transfer).finally(() => {
        this.underWay.delete(id);
        this.pump();
      });
      this.underWay.set(id, call);
    }
  }

  private async transfer(transfer: ManagedTransfer): Promise<void> {
    const port = this.rails.get(transfer.rail);
    if (port === undefined) return;
    const { rail, transferId } = transfer;
    // A rail that throws, at once or later, has not said that no money moved.
    const answer = Promise.resolve()
      .then(() => port.transfer(transfer))
      .catch(() => this.unknown());
    const report = await this.inTime(answer);
    await this.deliver(rail, transferId, report ?? this.unknown());
    if (report === undefined) void answer.then((late) => this.deliverLate(rail, transferId, late));
  }

  private unknown(): RailReport {
    return { outcome: 'unknown', railReference: null, occurredAtMs: this.clock.nowMs() };
  }

  /** The slot of this call is free again; a process that ends meanwhile asks the rail anew. */
  private async deliverLate(rail: string, transferId: string, report: RailReport): Promise<void> {
    if (!this.stopped && report.outcome !== 'unknown') await this.deliver(rail, transferId, report);
  }

  /** `undefined`: no answer in time. */
  private async inTime(answer: Promise<RailReport>): Promise<RailReport | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.timeoutMs);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private async deliver(rail: string, transferId: string, report: RailReport): Promise<void> {
    try {
      const artifactId = await this.sink.artifactOf(transferId);
      if (artifactId === undefined) return;
      await this.sink.submit({
        kind: 'report',
        settlementId: transferId,
        artifactId,
        outcomeId: outcomeId(rail, wordOf(transferId, report)),
        reporter: rail,
        outcome: report.outcome,
        amount: report.amount ?? null,
        railReference: report.railReference,
        occurredAtMs: report.occurredAtMs,
      });
    } catch (error) {
      // Not lost: the capture is still in movement, so the sweep asks the rail again under the same id.
      this.logger.warn(`report of ${rail} on ${transferId} could not be recorded: ${String(error)}`);
    }
  }
}

/** Equal words of a rail about one transfer are one report; with another amount it is another word. */
function wordOf(transferId: string, { outcome, amount }: RailReport): string {
  return amount === undefined ? `${transferId}:${outcome}` : `${transferId}:${outcome}:${amount}`;
}
