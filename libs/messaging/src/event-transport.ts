import type { LaneLease, LaneSource } from '@spendgate/store';
import type { TopicName } from './topics.js';

/** One record as it lies in the log. Nothing in it is trusted for having come from a topic. */
export interface TransportRecord {
  /** Name without the prefix. */
  readonly topic: TopicName;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | null;
  /** `null` is a tombstone (compacted topics), never an empty request. */
  readonly value: Buffer | null;
  /** The last of several headers of one name; bytes that are not UTF-8 arrive as U+FFFD. */
  readonly headers: Readonly<Record<string, string>>;
  /** LogAppendTime: the log's clock, never the producer's. Unix ms. */
  readonly appendedAtMs: number;
}

/** Consecutive records of one partition, in offset order, and the lane under which their effect is written. */
export interface RecordBatch {
  readonly topic: TopicName;
  readonly partition: number;
  /** Partitions of the topic, to tell whether a record lies where its key belongs. */
  readonly partitions: number;
  readonly lane: LaneLease;
  readonly records: readonly TransportRecord[];
  /** True once the partition went to another owner or the transport is stopping: leave off, nothing is lost. */
  isStale(): boolean;
}

/**
 * Resolves after the effect and the lane's `next` are committed in one transaction. A throw makes the transport rewind
 * to the stored offset and deliver again, with bounded backoff; `LaneLost` means another owner: dropped without a word.
 */
export type BatchHandler = (batch: RecordBatch) => Promise<void>;

export interface Subscription {
  readonly topic: TopicName;
  /** Consumer group, without prefix: the role (`authorizer`, `settlement-gate`, …). One group decides a topic. */
  readonly group: string;
  readonly onBatch: BatchHandler;
  /**
   * Called once after each acquisition of a partition's lane and before its first batch: the place to publish what the
   * owner before left unpublished. A throw counts as a failed delivery: the lane is acquired again after the backoff.
   */
  readonly onLane?: (lane: LaneLease, topic: TopicName, partition: number) => Promise<void>;
  /**
   * A record whose handling ended in a defect of ours, alone in its batch. Must commit the lane past it (contain the
   * flow, keep the evidence). Absent: the record goes to dead letters and the lane moves on.
   */
  readonly onDefect?: (record: TransportRecord, lane: LaneLease, defect: Error) => Promise<void>;
}

export interface OutgoingRecord {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Overrides the partition of the key (murmur2). */
  readonly partition?: number;
}

export interface PublishedAt {
  readonly partition: number;
  readonly offset: bigint;
}

/** How far a partition's stored offset is behind its end. */
export interface LagRow {
  readonly topic: TopicName;
  readonly partition: number;
  /** Next offset to be decided, from the lane; 0 while no owner ever acquired it. */
  readonly next: bigint;
  readonly endOffset: bigint;
  readonly lag: bigint;
  /** Why the lane stands still until an operator accepts; `null` while it runs. */
  readonly stoppedReason: string | null;
}

/** Moves records between the log and the roles. Two implementations, Kafka and embedded, held by one contract suite. */
export interface EventTransport {
  /** Joins the groups and delivers batches until `stop`. @throws {DependencyError} when the log cannot be reached. */
  start(subscriptions: readonly Subscription[]): Promise<void>;
  /**
   * Appends records and resolves when all replicas in sync have them, with each record's place, in the order given.
   * @throws {InvariantError} `ERR_RECORD_TOO_LARGE` before anything is sent: a value above `RECORD_VALUE_BYTES_MAX`.
   * @throws {DependencyError} the outcome is unknown; publishing again may append a second copy.
   */
  publish(topic: TopicName, records: readonly OutgoingRecord[]): Promise<PublishedAt[]>;
  lag(): Promise<LagRow[]>;
  /** What the log says of itself, as lanes compare it: what an operator accepts for a stopped lane (`acceptSource`). */
  source(topic: TopicName, partition: number): Promise<LaneSource>;
  /** `check` throws `DependencyError` naming each topic that is absent or set up otherwise; `create` makes what is absent. */
  ensureTopics(mode: 'create' | 'check'): Promise<void>;
  /** Lets running handlers finish, leaves the groups, closes connections. */
  stop(): Promise<void>;
}
