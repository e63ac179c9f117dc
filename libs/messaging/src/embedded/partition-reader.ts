import { type Pool, readRecords, type StoredRecord } from '@spendgate/store';
import type { TransportRecord } from '../event-transport.js';
import type { PartitionOwner } from '../partition-owner.js';
import { backoffMs } from '../redeliver.js';
import type { TopicName } from '../topics.js';
import { readSource } from './read-source.js';
import type { Semaphore } from './semaphore.js';

/** Records read at a time; the lane's batch is at most this long. */
const READ_RECORDS_MAX = 512;

/** Reads one partition on behalf of its owner: acquire the lane, read on from its offset, deliver, until stopped. */
export class PartitionReader {
  /** Next offset to read; -1 while the lane is not ours. */
  position = -1n;
  private running: Promise<void> | undefined;
  private stopped = false;
  private awake: () => void = () => undefined;
  private wakeUps = 0;
  private heartbeats = 0;
  private failures = 0;

  constructor(
    private readonly owner: PartitionOwner,
    private readonly pool: Pool,
    private readonly slots: Semaphore,
    /** False once our heartbeats are overdue: others may have taken over. */
    private readonly isMember: () => boolean,
    private readonly batchBytesMax: number,
  ) {}

  get topic(): TopicName {
    return this.owner.subscription.topic;
  }

  get partition(): number {
    return this.owner.partition;
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.awake();
    await this.running;
    this.owner.release();
  }

  /** There may be something to read. */
  wake(): void {
    this.wakeUps += 1;
    this.awake();
  }

  /** The group still counts us in and this partition as ours. */
  afterHeartbeat(): void {
    this.heartbeats += 1;
    if (!this.owner.holdsLane) this.awake();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const got = await this.slots.run(() =>
        this.owner.acquire(() => readSource(this.pool, this.topic, this.partition)),
      );
      if (got.outcome === 'wait') {
        this.position = -1n;
        await this.pause(got.afterMs);
        continue;
      }
      this.position = got.next;
      await this.follow();
    }
  }

  /** Delivers until the lane is given back. */
  private async follow(): Promise<void> {
    while (!this.stopped) {
      const seen = this.wakeUps;
      const records = await this.read();
      if (records === undefined) continue;
      const [first] = records;
      if (first === undefined) {
        await this.untilWoken(seen);
        continue;
      }
      if (first.offset !== this.position) return; // the log moved under us: the lane's own check says what it is
      const delivery = await this.slots.run(() => this.owner.deliver(records, () => this.isStale()));
      if (delivery.outcome === 'delivered') {
        this.position = (records.at(-1)?.offset ?? this.position) + 1n;
        continue;
      }
      this.position = -1n;
      if (delivery.outcome === 'rewind') await this.pause(delivery.afterMs);
      else await this.untilHeartbeat();
      return;
    }
  }

  private isStale(): boolean {
    return this.stopped || !this.isMember();
  }

  /** @returns `undefined` after a failed read, once its pause is over */
  private async read(): Promise<TransportRecord[] | undefined> {
    const cursor = { topic: this.topic, partition: this.partition, offset: this.position };
    try {
      const records = await readRecords(this.pool, [cursor], READ_RECORDS_MAX, this.batchBytesMax);
      this.failures = 0;
      return records.map((record) => toTransportRecord(this.topic, record));
    } catch {
      this.failures += 1;
      await this.pause(backoffMs(this.failures));
      return undefined;
    }
  }

  private async untilWoken(seen: number): Promise<void> {
    if (this.wakeUps !== seen || this.stopped) return;
    await new Promise<void>((resolve) => (this.awake = resolve));
  }

  /** After a lost lane: asking again at once would take it back from its rightful owner. */
  private async untilHeartbeat(): Promise<void> {
    const seen = this.heartbeats;
    while (this.heartbeats === seen && !this.stopped) {
      await new Promise<void>((resolve) => (this.awake = resolve));
    }
  }

  private async pause(ms: number): Promise<void> {
    const untilMs = performance.now() + ms;
    while (!this.stopped && performance.now() < untilMs) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, untilMs - performance.now());
        this.awake = () => {
          if (!this.stopped) return; // new records are no reason to be hasty
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

function toTransportRecord(topic: TopicName, record: StoredRecord): TransportRecord {
  return { ...record, topic };
}
