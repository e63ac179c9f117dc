import type { OutboxPublisher } from '@spendgate/messaging';
import type { Logger } from '@spendgate/platform';
import type { LaneLease, NumberedOutboxRow } from '@spendgate/store';

const RETRY_MS = 1_000;
/** The mark is moved this often at most: losing it only publishes again. */
const MARK_EVERY_MS = 200;

interface LaneQueue {
  readonly lease: LaneLease;
  rows: NumberedOutboxRow[];
  /** Number of the next row to publish; `undefined` until the outbox has said it. */
  next: bigint | undefined;
  running: Promise<void> | undefined;
  markedAtMs: number;
}

/**
 * Publishes what lanes committed, in order per lane and beside the next batch: an answer never waits for an event. What
 * could not be published stays in the outbox and is tried again from there, and so is what a commit of unknown outcome
 * wrote: a lane's rows are numbered without gaps, so a gap in what is pushed says that the outbox holds more.
 */
export class LaneEvents {
  private readonly queues = new Map<string, LaneQueue>();
  private stopped = false;

  constructor(
    private readonly publisher: OutboxPublisher,
    private readonly logger: Logger,
  ) {}

  /** Publishes what the owner before left. @throws {DependencyError} the log or the database is away */
  async takeOver(lease: LaneLease): Promise<void> {
    await this.publisher.catchUp(lease);
  }

  push(lease: LaneLease, rows: readonly NumberedOutboxRow[]): void {
    if (rows.length === 0 || this.stopped) return;
    const queue = this.queueOf(lease);
    for (const row of rows) queue.rows.push(row);
    queue.running ??= this.drain(queue);
  }

  /** Publishes what is queued and stops. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const queue of this.queues.values()) await queue.running;
  }

  private queueOf(lease: LaneLease): LaneQueue {
    const known = this.queues.get(lease.name);
    if (known?.lease.epoch === lease.epoch) return known;
    const queue: LaneQueue = { lease, rows: [], next: undefined, running: undefined, markedAtMs: 0 };
    this.queues.set(lease.name, queue);
    return queue;
  }

  private async drain(queue: LaneQueue): Promise<void> {
    while (queue.rows.length > 0) {
      const rows = queue.rows.filter(({ seq }) => seq >= (queue.next ?? 0n));
      queue.rows = [];
      try {
        if (isNext(rows, queue.next)) await this.publish(queue, rows);
        else await this.catchUp(queue);
      } catch (error) {
        if (this.stopped) break; // its next owner publishes them
        this.logger.warn(`events of ${queue.lease.name} are not published yet: ${String(error)}`);
        await this.again(queue);
      }
    }
    queue.running = undefined;
  }

  private async publish(queue: LaneQueue, rows: readonly NumberedOutboxRow[]): Promise<void> {
    const last = rows.at(-1);
    if (last === undefined) return;
    await this.publisher.publish(queue.lease, rows);
    queue.next = last.seq + 1n;
    await this.mark(queue, rows);
  }

  /** All the outbox holds of the lane, and where that ends. */
  private async catchUp(queue: LaneQueue): Promise<void> {
    const through = await this.publisher.catchUp(queue.lease);
    if (through > (queue.next ?? -1n)) queue.next = through;
  }

  private async mark(queue: LaneQueue, rows: readonly NumberedOutboxRow[]): Promise<void> {
    const last = rows.at(-1);
    const nowMs = performance.now();
    const isDue = nowMs - queue.markedAtMs >= MARK_EVERY_MS || queue.rows.length === 0;
    if (last === undefined || !isDue) return;
    queue.markedAtMs = nowMs;
    await this.publisher.markThrough(queue.lease, last.seq + 1n);
  }

  /** From the outbox, because rows of a failed attempt must not be overtaken by newer ones. */
  private async again(queue: LaneQueue): Promise<void> {
    let said = '';
    while (!this.stopped) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      try {
        return await this.catchUp(queue);
      } catch (error) {
        if (String(error) !== said) this.logger.warn(`events of ${queue.lease.name} still wait: ${String(error)}`);
        said = String(error);
      }
    }
  }
}

/** Whether rows follow on what is published, each the next of the one before. */
function isNext(rows: readonly NumberedOutboxRow[], next: bigint | undefined): boolean {
  return rows.length === 0 || rows.every(({ seq }, at) => next !== undefined && seq === next + BigInt(at));
}
