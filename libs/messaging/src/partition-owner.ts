import type { LoggerService } from '@nestjs/common';
import { acquireLane, type LaneLease, LaneLost, type LaneSource, LaneStopped, type Pool } from '@spendgate/store';
import type { Subscription, TransportRecord } from './event-transport.js';
import { backoffMs, reactionTo } from './redeliver.js';
import { laneName } from './topics.js';

/** A stopped lane is asked for again this often, so that an operator's acceptance resumes it without a restart. */
export const STOPPED_RECHECK_MS = 1_000;

/** `wait`: call `acquire` again after the pause. */
export type Acquisition =
  { readonly outcome: 'acquired'; readonly next: bigint } | { readonly outcome: 'wait'; readonly afterMs: number };

/** `rewind`: the lane is given back; acquire it again after the pause. `lost`: another owner has it. */
export type Delivery =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'rewind'; readonly afterMs: number }
  | { readonly outcome: 'lost' };

export interface OwnerParts {
  readonly pool: Pool;
  readonly logger: LoggerService;
  /** Ends a record that is a defect of ours, when the subscription has no way of its own. */
  readonly endDefect: (record: TransportRecord, lane: LaneLease, defect: Error) => Promise<void>;
}

/**
 * One partition in the hands of this process: its lane, its place, and what follows from a handler's throw. Both
 * transports use it, so that they cannot differ here. The place comes from the lane row after every failure: what the
 * handler had committed before it threw is never delivered again, what it had not is never skipped.
 */
export class PartitionOwner {
  private lane: LaneLease | undefined;
  private partitions = 0;
  private failures = 0;
  private sizeMax = Number.MAX_SAFE_INTEGER;
  private isolatingBelow = -1n;
  private stoppedReason: string | undefined;
  readonly name: string;

  constructor(
    private readonly parts: OwnerParts,
    readonly subscription: Subscription,
    readonly partition: number,
  ) {
    this.name = laneName(subscription.group, subscription.topic, partition);
  }

  /** True between a successful `acquire` and the next failure. */
  get holdsLane(): boolean {
    return this.lane !== undefined;
  }

  /**
   * Raises the lane's epoch, which fences every owner before, and tells where to go on.
   *
   * @param source of the log; its second call asks the log anew
   */
  async acquire(source: () => Promise<LaneSource>): Promise<Acquisition> {
    this.lane = undefined;
    try {
      const found = await source();
      const { lease, next } = await acquireLane(this.parts.pool, this.name, found, source);
      await this.subscription.onLane?.(lease, this.subscription.topic, this.partition);
      this.lane = lease;
      this.partitions = found.partitions;
      if (this.stoppedReason !== undefined) this.parts.logger.log(`lane ${this.name} runs again`);
      this.stoppedReason = undefined;
      return { outcome: 'acquired', next };
    } catch (error) {
      if (error instanceof LaneStopped) return this.waitForOperator(error);
      this.failures += 1;
      this.parts.logger.warn(`lane ${this.name} not acquired: ${describe(error)}`);
      return { outcome: 'wait', afterMs: backoffMs(this.failures) };
    }
  }

  /** Hands records to the handler, in order, and resolves when they are committed or given back. */
  async deliver(records: readonly TransportRecord[], isStale: () => boolean): Promise<Delivery> {
    for (let at = 0; at < records.length;) {
      if (this.lane === undefined || isStale()) return { outcome: 'rewind', afterMs: 0 };
      const slice = this.sizeMax >= records.length ? records : records.slice(at, at + this.sizeMax);
      const failed = await this.handle(slice, this.lane, isStale);
      if (failed !== undefined) return failed;
      if (isStale()) return { outcome: 'rewind', afterMs: 0 }; // it may have left off: only the lane row knows where
      at += slice.length;
      this.failures = 0;
      const last = slice.at(-1);
      if (last !== undefined && last.offset >= this.isolatingBelow) this.sizeMax = Number.MAX_SAFE_INTEGER;
    }
    return { outcome: 'delivered' };
  }

  /** Forgets the lane without a word to the database: the next owner's epoch is what counts. */
  release(): void {
    this.lane = undefined;
  }

  private async handle(
    records: readonly TransportRecord[],
    lane: LaneLease,
    isStale: () => boolean,
  ): Promise<Delivery | undefined> {
    const { topic, onBatch } = this.subscription;
    try {
      await onBatch({ topic, partition: this.partition, partitions: this.partitions, lane, records, isStale });
      return undefined;
    } catch (error) {
      this.failures += 1;
      const reaction = reactionTo(error, this.failures);
      if (reaction === 'drop') {
        this.release();
        return { outcome: 'lost' };
      }
      if (reaction === 'rewind') return this.rewind(error, backoffMs(this.failures));
      const [only, second] = records;
      if (only !== undefined && second === undefined) return this.endDefect(only, lane, error);
      return this.isolate(records, error);
    }
  }

  private rewind(error: unknown, afterMs: number): Delivery {
    this.release();
    this.parts.logger.warn(`lane ${this.name} goes back to its stored offset in ${afterMs} ms: ${describe(error)}`);
    return { outcome: 'rewind', afterMs };
  }

  private isolate(records: readonly TransportRecord[], error: unknown): Delivery {
    this.sizeMax = Math.ceil(records.length / 2);
    const last = records.at(-1)?.offset ?? -1n;
    if (last > this.isolatingBelow) this.isolatingBelow = last;
    return this.rewind(error, 0);
  }

  /** The flow of the one record is contained, or the record set aside; the partition goes on either way. */
  private async endDefect(record: TransportRecord, lane: LaneLease, error: unknown): Promise<Delivery | undefined> {
    const defect = error instanceof Error ? error : new Error(String(error));
    this.parts.logger.error(`defect at ${this.name} offset ${record.offset}: ${describe(error)}`);
    try {
      await (this.subscription.onDefect ?? this.parts.endDefect)(record, lane, defect);
      return undefined;
    } catch (failure) {
      if (failure instanceof LaneLost) {
        this.release();
        return { outcome: 'lost' };
      }
      return this.rewind(failure, backoffMs(this.failures));
    }
  }

  private waitForOperator(stopped: LaneStopped): Acquisition {
    if (this.stoppedReason !== stopped.message) {
      this.stoppedReason = stopped.message;
      this.parts.logger.error(`lane ${this.name} stands still until an operator accepts: ${stopped.message}`);
    }
    return { outcome: 'wait', afterMs: STOPPED_RECHECK_MS };
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
