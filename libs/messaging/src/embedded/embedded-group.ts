import { randomUUID } from 'node:crypto';
import { beat, leave, readRanges, readTopics } from '@spendgate/store';
import type { Subscription } from '../event-transport.js';
import { type OwnerParts, PartitionOwner } from '../partition-owner.js';
import type { TransportOptions } from '../transport-options.js';
import { PartitionReader } from './partition-reader.js';
import { Semaphore } from './semaphore.js';

/** Without any wake-up, new records are found after this long: NOTIFY may be lost, and other writers may not send it. */
const POLL_MS = 1_000;
/** Heartbeats per session timeout. */
const BEATS = 5;

/**
 * The member of one consumer group. Every member works out the same assignment from the same list of living members; where
 * two disagree for a moment, the lane's epoch decides who may write.
 */
export class EmbeddedGroup {
  private readonly member = randomUUID();
  private readonly readers = new Map<string, PartitionReader>();
  private readonly slots: Semaphore;
  private partitionCounts = new Map<string, number>();
  private lastBeatMs = 0;
  private stopping = false;
  private beatTimer: NodeJS.Timeout | undefined;
  private pollTimer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private wakeAgain = false;
  private waking: Promise<void> | undefined;
  private readonly ending = new Set<Promise<void>>();

  constructor(
    private readonly group: string,
    private readonly subscriptions: readonly Subscription[],
    private readonly parts: OwnerParts,
    private readonly options: TransportOptions,
  ) {
    this.slots = new Semaphore(options.partitionsAtOnce);
  }

  async start(): Promise<void> {
    const topics = await readTopics(
      this.parts.pool,
      this.subscriptions.map(({ topic }) => topic),
    );
    this.partitionCounts = new Map(topics.map(({ topic, partitions }) => [topic, partitions]));
    await this.beat();
    this.beatTimer = setInterval(() => this.beatOnce(), this.options.sessionTimeoutMs / BEATS);
    this.pollTimer = setInterval(() => this.wake(), POLL_MS);
  }

  /** Running handlers see a stale batch and end; the others take over at once. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.beatTimer);
    clearInterval(this.pollTimer);
    await this.beating;
    await this.waking;
    for (const place of [...this.readers.keys()]) this.drop(place);
    await Promise.all(this.ending);
    await leave(this.parts.pool, this.group, this.member).catch(() => undefined); // silence does the same, later
  }

  /** This process has just appended there. */
  wakePartition(topic: string, partition: number): void {
    this.readers.get(`${topic}/${partition}`)?.wake();
  }

  /** Something may have been appended somewhere: one statement finds the partitions with something new. */
  wake(): void {
    this.wakeAgain = true;
    this.waking ??= this.wakeBehind();
  }

  private async wakeBehind(): Promise<void> {
    while (this.wakeAgain && !this.stopping) {
      this.wakeAgain = false;
      const readers = [...this.readers.values()];
      const topics = [...new Set(readers.map((reader) => reader.topic))];
      const ranges = await readRanges(this.parts.pool, topics).catch(() => []); // the next poll asks again
      const ends = new Map(ranges.map((range) => [`${range.topic}/${range.partition}`, range.endOffset]));
      for (const reader of readers) {
        if (ends.get(`${reader.topic}/${reader.partition}`) !== reader.position) reader.wake();
      }
    }
    this.waking = undefined;
  }

  private beatOnce(): void {
    this.beating ??= this.beat()
      .catch((error: unknown) => {
        this.parts.logger.warn(`group ${this.group}: no heartbeat: ${String(error)}`);
      })
      .finally(() => (this.beating = undefined));
  }

  private async beat(): Promise<void> {
    const { pool } = this.parts;
    const members = await beat(pool, this.group, this.member, this.options.sessionTimeoutMs);
    this.lastBeatMs = performance.now();
    if (!this.stopping) this.assign(members);
  }

  /** Partitions in order, dealt out to the members in order. */
  private assign(members: readonly string[]): void {
    const mine = members.indexOf(this.member);
    const wanted = new Map<string, { subscription: Subscription; partition: number }>();
    let index = 0;
    for (const subscription of this.subscriptions) {
      for (let partition = 0; partition < (this.partitionCounts.get(subscription.topic) ?? 0); partition += 1) {
        if (index % members.length === mine) {
          wanted.set(`${subscription.topic}/${partition}`, { subscription, partition });
        }
        index += 1;
      }
    }
    for (const place of [...this.readers.keys()]) if (!wanted.has(place)) this.drop(place);
    for (const [place, { subscription, partition }] of wanted) {
      const reader = this.readers.get(place);
      if (reader === undefined) this.take(place, subscription, partition);
      else reader.afterHeartbeat();
    }
  }

  private take(place: string, subscription: Subscription, partition: number): void {
    const owner = new PartitionOwner(this.parts, subscription, partition);
    const isMember = (): boolean => performance.now() - this.lastBeatMs < this.options.sessionTimeoutMs;
    const reader = new PartitionReader(owner, this.parts.pool, this.slots, isMember, this.options.batchBytesMax);
    this.readers.set(place, reader);
    reader.start();
  }

  private drop(place: string): void {
    const reader = this.readers.get(place);
    if (reader === undefined) return;
    this.readers.delete(place);
    const ended = reader.stop().finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }
}
