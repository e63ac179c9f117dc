import type { INestApplication, LoggerService } from '@nestjs/common';
import {
  type CustomTransportStrategy,
  type MessageHandler,
  type NestMicroservice,
  Server,
} from '@nestjs/microservices';
import { DependencyError, InvariantError, SpendgateError } from '@spendgate/core';
import type { LaneLease } from '@spendgate/store';
import { isObservable, lastValueFrom } from 'rxjs';
import type { EventTransport, Subscription, TransportRecord } from './event-transport.js';
import { OriginalErrors } from './original-errors.filter.js';
import { TOPIC_NAMES, TOPIC_SPECS, type TopicName } from './topics.js';

/** Payload of `@EventPattern(laneAcquired(topic))`: the lane is ours, its first batch is still to come. */
export interface LaneAcquired {
  readonly lane: LaneLease;
  readonly topic: TopicName;
  readonly partition: number;
}

/** Payload of `@EventPattern(recordDefect(topic))`; the handler must commit the lane past the record. */
export interface RecordDefect {
  readonly record: TransportRecord;
  readonly lane: LaneLease;
  readonly defect: Error;
}

/** Pattern of the handler that publishes what the owner before left unpublished (`Subscription.onLane`). */
export const laneAcquired = <T extends TopicName>(topic: T): `${T}#lane-acquired` => `${topic}#lane-acquired`;
/** Pattern of the handler that ends a record which is a defect of ours (`Subscription.onDefect`). */
export const recordDefect = <T extends TopicName>(topic: T): `${T}#record-defect` => `${topic}#record-defect`;

/** A handler of Nest's, with what its decorator said. */
type Handler = MessageHandler & { readonly extras?: Readonly<Record<string, unknown>> };

/**
 * Hands record batches to `@EventPattern(TOPICS.…)` methods, over whichever transport it is given. The consumer group is
 * the role that decides the topic; for other topics the decorator names it: `@EventPattern(TOPICS.control, { group })`.
 *
 * Nothing is skipped in silence: a pattern that is no topic, a topic in `required` without a handler, two handlers of
 * one group, a request-response pattern: each fails the start.
 */
export class SpendgateTransport extends Server implements CustomTransportStrategy {
  /** Failures reach the transport, which redelivers; Nest need not report them a second time. */
  override readonly propagatesEventHandlerErrors = true;
  private readonly handlers: { readonly pattern: string; readonly handler: Handler }[] = [];

  constructor(
    private readonly transport: EventTransport,
    protected override readonly logger: LoggerService,
    private readonly required: readonly TopicName[] = [],
  ) {
    super();
  }

  /** Nest would chain handlers of one pattern and join their results; here each is a subscription of its own group. */
  override addHandler(pattern: unknown, callback: MessageHandler, isEventHandler = false, extras = {}): void {
    const text = this.normalizePattern(pattern as string); // Nest hands over what the decorator was given
    if (!isEventHandler) throw new InvariantError('ERR_HANDLER_UNFIT', `${text}: topics take events, not requests`);
    this.handlers.push({ pattern: text, handler: Object.assign(callback, { isEventHandler, extras }) });
    this.messageHandlers.set(text, callback);
  }

  /** Starts the transport. A failure is handed to the callback, which makes Nest's start fail. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.transport.start(this.subscriptions());
      callback();
    } catch (error) {
      callback(error);
    }
  }

  close(): Promise<void> {
    return this.transport.stop();
  }

  on(): never {
    throw new InvariantError('ERR_EVENTS_UNSUPPORTED', 'the transport has no events of its own');
  }

  unwrap<T>(): T {
    return this.transport as T; // the caller names the type it expects, as Nest's contract has it
  }

  private subscriptions(): Subscription[] {
    const subscriptions = new Map<string, Subscription>();
    for (const { pattern, handler } of this.handlers) {
      const topic = TOPIC_NAMES.find((name) => name === pattern);
      if (topic === undefined) {
        this.refuseUnknown(pattern);
        continue;
      }
      const group = groupOf(topic, handler);
      const place = `${group}:${topic}`;
      if (subscriptions.has(place)) throw unfit(`${topic} has two handlers in group ${group}`);
      subscriptions.set(place, this.subscription(topic, group, handler));
    }
    for (const topic of this.required) {
      if (![...subscriptions.values()].some((each) => each.topic === topic)) throw unfit(`${topic} has no handler`);
    }
    return [...subscriptions.values()];
  }

  private subscription(topic: TopicName, group: string, handler: Handler): Subscription {
    const onLane = this.extraHandler(laneAcquired(topic), group);
    const onDefect = this.extraHandler(recordDefect(topic), group);
    return {
      topic,
      group,
      onBatch: (batch) => call(handler, batch),
      ...(onLane && { onLane: (lane, name, partition) => call(onLane, { lane, topic: name, partition }) }),
      ...(onDefect && { onDefect: (record, lane, defect) => call(onDefect, { record, lane, defect }) }),
    };
  }

  private extraHandler(pattern: string, group: string): Handler | undefined {
    const topic = topicOf(pattern);
    const found = this.handlers.filter((each) => each.pattern === pattern && groupOf(topic, each.handler) === group);
    if (found.length > 1) throw unfit(`${pattern} has two handlers in group ${group}`);
    return found[0]?.handler;
  }

  /** `topic#lane-acquired` and `topic#record-defect` belong to a topic's handler; everything else is a mistake. */
  private refuseUnknown(pattern: string): void {
    const topic = TOPIC_NAMES.find((name) => pattern === laneAcquired(name) || pattern === recordDefect(name));
    if (topic === undefined) throw unfit(`"${pattern}" is no topic`);
    if (!this.handlers.some((each) => each.pattern === topic)) throw unfit(`${pattern} without a handler of ${topic}`);
  }
}

/**
 * Connects the strategy to an application that serves HTTP as well, with a filter that keeps errors as they are: Nest
 * would turn a lost lane, a defect and a dead database into one and the same "Internal server error".
 */
export function connectTransport(app: INestApplication, strategy: SpendgateTransport): void {
  // Without deferring, Nest binds the handlers inside this call, before a filter can be set.
  const service = app.connectMicroservice({ strategy }, { deferInitialization: true }) as NestMicroservice;
  service.useGlobalFilters(new OriginalErrors());
  service.registerListeners();
  service.setIsInitialized(true);
  service.setIsInitHookCalled(true);
}

async function call(handler: Handler, payload: unknown): Promise<void> {
  try {
    const result: unknown = await handler(payload);
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  } catch (error) {
    throw error instanceof Error ? error : opaque(error);
  }
}

/** Nest has hidden what happened. Nothing is known, so nothing is given up: the batch is delivered again. */
function opaque(error: unknown): SpendgateError {
  const message = 'connect the strategy with connectTransport, or add the OriginalErrors filter';
  return new DependencyError('ERR_HANDLER_OPAQUE', message, { cause: error });
}

function groupOf(topic: TopicName, handler: Handler): string {
  const named: unknown = handler.extras?.['group'];
  const group = typeof named === 'string' ? named : TOPIC_SPECS[topic].decidedBy;
  if (group === undefined)
    throw unfit(`${topic} is decided by no role: name the group in @EventPattern(topic, { group })`);
  return group;
}

function topicOf(pattern: string): TopicName {
  const topic = TOPIC_NAMES.find((name) => name === pattern.split('#')[0]);
  if (topic === undefined) throw unfit(`"${pattern}" is no topic`);
  return topic;
}

function unfit(message: string): InvariantError {
  return new InvariantError('ERR_HANDLER_UNFIT', message);
}
