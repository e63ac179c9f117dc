import type { Consumer, ConsumerGroupJoinEvent, EachBatchPayload, Kafka } from 'kafkajs';
import type { LaneSource } from '@spendgate/store';
import type { Subscription } from '../event-transport.js';
import { type OwnerParts, PartitionOwner } from '../partition-owner.js';
import { topicFullName } from '../topics.js';
import type { KafkaLog } from './kafka-log.js';
import { toTransportRecord } from './kafka-record.js';

export interface GroupOptions {
  readonly prefix: string;
  /** Partitions handled side by side. */
  readonly partitionsAtOnce: number;
  /** Bytes fetched per partition at a time. */
  readonly batchBytesMax: number;
  /** A member silent for this long loses its partitions. */
  readonly sessionTimeoutMs: number;
}

/** An empty fetch waits this long on the Kafka broker; kafkajs's default of 5 s would stall a seek for as long. */
const FETCH_WAIT_MS = 200;
/** Offsets told to Kafka, at most this often per partition: lag tools read them, we never do. */
const TELL_OFFSET_MS = 5_000;
/** Pause before a consumer that kafkajs gave up on is made anew. */
const RESTART_MS = 1_000;

interface Assigned {
  readonly owner: PartitionOwner;
  readonly topic: string;
  readonly generation: number;
  /** Next offset expected from the fetch; anything else means that the log moved under us. */
  position: bigint;
  /** Set when another owner fenced us: we ask again after the next heartbeat the coordinator answers. */
  lost: boolean;
  toldAtMs: number;
  timer?: NodeJS.Timeout;
}

/**
 * The member of one consumer group. Every assigned partition is paused at once, its lane acquired, the consumer sought to
 * the lane's offset, and only then resumed: what Kafka remembers as the group's offset is never used.
 */
export class KafkaGroup {
  private consumer: Consumer | undefined;
  private assigned = new Map<string, Assigned>();
  private generation = 0;
  private rebalancing = false;
  private stopping = false;
  private handling = 0;
  private heartbeat: (() => Promise<void>) | undefined;
  private heartbeatTimer: NodeJS.Timeout | undefined;
  private restartTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly kafka: Kafka,
    private readonly log: KafkaLog,
    private readonly group: string,
    private readonly subscriptions: readonly Subscription[],
    private readonly parts: OwnerParts,
    private readonly options: GroupOptions,
  ) {}

  async start(): Promise<void> {
    const { batchBytesMax, sessionTimeoutMs, prefix, partitionsAtOnce } = this.options;
    const heartbeatInterval = Math.floor(sessionTimeoutMs / 10);
    const consumer = this.kafka.consumer({
      groupId: `${prefix}${this.group}`,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs * 2,
      heartbeatInterval,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      maxBytesPerPartition: batchBytesMax,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 6, restartOnFailure: () => Promise.resolve(true) },
    });
    this.consumer = consumer;
    consumer.on(consumer.events.GROUP_JOIN, (event) => this.onJoin(event));
    consumer.on(consumer.events.REBALANCING, () => void (this.rebalancing = true));
    consumer.on(consumer.events.HEARTBEAT, () => this.onHeartbeat());
    consumer.on(consumer.events.STOP, () => this.forgetAssignment());
    consumer.on(consumer.events.CRASH, ({ payload }) => this.onCrash(payload.restart));
    await consumer.connect();
    for (const { topic } of this.subscriptions) {
      await consumer.subscribe({ topic: topicFullName(prefix, topic), fromBeginning: true });
    }
    this.heartbeatTimer = setInterval(() => void this.beat(), heartbeatInterval);
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: partitionsAtOnce,
      eachBatch: (payload) => this.onBatch(payload),
    });
  }

  /** Running handlers see a stale batch, end, and the group is left. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.heartbeatTimer);
    clearTimeout(this.restartTimer);
    for (const { timer } of this.assigned.values()) clearTimeout(timer);
    await this.consumer?.disconnect();
  }

  /** Runs inside kafkajs's join, before the first fetch of the generation, so nothing is fetched from a wrong place. */
  private onJoin({ payload }: ConsumerGroupJoinEvent): void {
    this.forgetAssignment();
    this.rebalancing = false;
    for (const subscription of this.subscriptions) {
      const topic = topicFullName(this.options.prefix, subscription.topic);
      const partitions = payload.memberAssignment[topic] ?? [];
      if (partitions.length === 0) continue;
      this.consumer?.pause([{ topic, partitions }]);
      const source = this.log.sources(subscription.topic);
      source.catch(() => undefined); // each partition reports it by its own await
      for (const partition of partitions) {
        const owner = new PartitionOwner(this.parts, subscription, partition);
        const place = { owner, topic, generation: this.generation, position: -1n, lost: false, toldAtMs: 0 };
        this.assigned.set(key(topic, partition), place);
        void this.acquire(place, this.sharedThenFresh(source, place));
      }
    }
  }

  /**
   * After a crash kafkajs has no group until it has joined again, and a seek would throw: what is still being acquired
   * for the assignment before ends here.
   */
  private forgetAssignment(): void {
    this.generation += 1;
    for (const { timer, owner } of this.assigned.values()) {
      clearTimeout(timer);
      owner.release();
    }
    this.assigned = new Map();
  }

  private async acquire(place: Assigned, source = () => this.sourceOf(place)): Promise<void> {
    const got = await place.owner.acquire(source);
    if (!this.isCurrent(place)) return;
    if (got.outcome === 'wait') {
      this.acquireLater(place, got.afterMs);
      return;
    }
    place.lost = false;
    place.position = got.next;
    const { partition } = place.owner;
    this.consumer?.seek({ topic: place.topic, partition, offset: String(got.next) });
    this.consumer?.resume([{ topic: place.topic, partitions: [partition] }]);
  }

  /** The partition stays paused meanwhile; the others go on. */
  private acquireLater(place: Assigned, afterMs: number): void {
    this.consumer?.pause([{ topic: place.topic, partitions: [place.owner.partition] }]);
    clearTimeout(place.timer);
    place.timer = setTimeout(() => void this.acquire(place), afterMs);
  }

  /** One answer of the log serves all partitions of an assignment; who doubts it asks for its own. */
  private sharedThenFresh(shared: ReturnType<KafkaLog['sources']>, place: Assigned): () => Promise<LaneSource> {
    let first: typeof shared | undefined = shared;
    return async () => {
      const answer = first;
      first = undefined;
      return answer === undefined ? this.sourceOf(place) : (await answer)(place.owner.partition);
    };
  }

  private async sourceOf({ owner }: Assigned) {
    return (await this.log.sources(owner.subscription.topic))(owner.partition);
  }

  private isCurrent(place: Assigned): boolean {
    return !this.stopping && place.generation === this.generation;
  }

  private async onBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const place = this.assigned.get(key(batch.topic, batch.partition));
    const first = batch.messages[0];
    if (place === undefined || first === undefined || !this.isCurrent(place) || !place.owner.holdsLane) return;
    if (!(await this.continues(place, BigInt(first.offset)))) {
      if (this.isCurrent(place)) this.acquireLater(place, 0);
      return;
    }
    const isStale = (): boolean =>
      !this.isCurrent(place) || this.rebalancing || !payload.isRunning() || payload.isStale();
    const records = batch.messages.map((message) =>
      toTransportRecord(place.owner.subscription.topic, batch.partition, message),
    );
    this.heartbeat = () => payload.heartbeat();
    this.handling += 1;
    try {
      const delivery = await place.owner.deliver(records, isStale);
      if (!this.isCurrent(place)) return;
      if (delivery.outcome === 'delivered') this.moveOn(place, payload);
      else if (delivery.outcome === 'rewind') this.acquireLater(place, delivery.afterMs);
      else this.waitForHeartbeat(place);
    } finally {
      this.handling -= 1;
    }
  }

  /**
   * Whether a batch goes on where the last one ended. kafkajs answers an offset outside the log by starting over, without
   * a word: a batch before our place means just that. One after it may skip aborted or compacted records, or may have
   * lost records to retention; only the log's own first offset tells.
   */
  private async continues(place: Assigned, first: bigint): Promise<boolean> {
    if (first === place.position) return true;
    if (first < place.position) return false;
    const { firstOffset } = await this.sourceOf(place).catch(() => ({ firstOffset: first }));
    return firstOffset <= place.position;
  }

  private moveOn(place: Assigned, payload: EachBatchPayload): void {
    const { batch } = payload;
    const last = batch.messages.at(-1)?.offset;
    if (last === undefined) return;
    payload.resolveOffset(last);
    place.position = BigInt(batch.lastOffset()) + 1n; // past control records too, which never reach a handler
    const nowMs = Date.now();
    if (nowMs - place.toldAtMs < TELL_OFFSET_MS) return;
    place.toldAtMs = nowMs;
    const told = { topic: place.topic, partition: place.owner.partition, offset: String(place.position) };
    this.consumer?.commitOffsets([told]).catch(() => undefined); // information only
  }

  /** A process that was stopped for long finds out here: its heartbeat is refused, and it joins anew. */
  private waitForHeartbeat(place: Assigned): void {
    place.lost = true;
    this.consumer?.pause([{ topic: place.topic, partitions: [place.owner.partition] }]);
  }

  private onHeartbeat(): void {
    for (const place of this.assigned.values()) {
      if (place.lost && this.isCurrent(place)) {
        place.lost = false;
        void this.acquire(place);
      }
    }
  }

  /** kafkajs sends heartbeats between batches only; a long handler must not cost the membership. */
  private async beat(): Promise<void> {
    if (this.handling === 0) return;
    await this.heartbeat?.().catch((error: unknown) => {
      if (isMembershipError(error)) this.rebalancing = true; // handlers see a stale batch; kafkajs joins anew by itself
    });
  }

  private onCrash(restarts: boolean): void {
    if (restarts || this.stopping) return;
    clearInterval(this.heartbeatTimer);
    this.restartTimer = setTimeout(() => {
      this.start().catch((error: unknown) => {
        this.parts.logger.warn(`kafka group ${this.group} does not start: ${String(error)}`);
        this.onCrash(false);
      });
    }, RESTART_MS);
  }
}

function key(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

const MEMBERSHIP_ERRORS = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

function isMembershipError(error: unknown): boolean {
  return error instanceof Error && 'type' in error && MEMBERSHIP_ERRORS.has(String(error.type));
}
