import {
  type LaneLease,
  type NumberedOutboxRow,
  type Pool,
  markPublished,
  readOutbox,
  trimOutbox,
} from '@spendgate/store';
import type { EventTransport, OutgoingRecord } from './event-transport.js';
import type { TopicName } from './topics.js';

/** An event ready to send. */
export interface RenderedEvent {
  readonly topic: TopicName;
  readonly record: OutgoingRecord;
}

/**
 * Makes the events of outbox rows, in order. The same row must give the same bytes each time: after a crash the next
 * owner publishes what the last one may already have published, and a consumer drops what it has seen.
 */
export type RenderEvents = (rows: readonly NumberedOutboxRow[], lease: LaneLease) => Promise<readonly RenderedEvent[]>;

/** Rows read at a time after a takeover. */
const PAGE = 500;
/** Published rows deleted at a time; one call follows each batch, so a batch's rows go with the next ones. */
const TRIM_MAX = 4_000;

/** Publishes what lanes wrote, each row after the commit of its effect and in the order of the lane. */
export class OutboxPublisher {
  constructor(
    private readonly pool: Pool,
    private readonly transport: EventTransport,
    private readonly render: RenderEvents,
  ) {}

  /**
   * Sends rows just committed, without reading them back. Does not move the lane's mark: see `markThrough`.
   * @param render renders from memory what `this.render` would read; must give the same bytes
   */
  async publish(lease: LaneLease, rows: readonly NumberedOutboxRow[], render = this.render): Promise<void> {
    if (rows.length === 0) return;
    await this.send(await render(rows, lease));
  }

  /** Records that rows below `through` are published and drops them. Losing this only publishes them again. */
  async markThrough(lease: LaneLease, through: bigint): Promise<void> {
    await markPublished(this.pool, lease, through);
    await trimOutbox(this.pool, lease, through, TRIM_MAX);
  }

  /** Publishes what an owner before left: rows from the lane's mark on. @returns the mark afterwards */
  async catchUp(lease: LaneLease): Promise<bigint> {
    let from = 0n; // published rows are trimmed; those that are not are published again, which is harmless
    for (;;) {
      const rows = await readOutbox(this.pool, lease, from, PAGE);
      const last = rows.at(-1);
      if (last === undefined) return from;
      await this.publish(lease, rows);
      from = last.seq + 1n;
      await this.markThrough(lease, from);
    }
  }

  private async send(events: readonly RenderedEvent[]): Promise<void> {
    const byTopic = new Map<TopicName, OutgoingRecord[]>();
    for (const { topic, record } of events) {
      const records = byTopic.get(topic) ?? [];
      records.push(record);
      byTopic.set(topic, records);
    }
    await Promise.all([...byTopic].map(([topic, records]) => this.transport.publish(topic, records)));
  }
}
