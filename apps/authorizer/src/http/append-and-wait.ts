import { eventHeaders } from '@spendgate/codec';
import { type EventTransport, type TopicName, laneName } from '@spendgate/messaging';
import type { Clock } from '@spendgate/platform';
import { placeName } from '../publishing/publish-committed.js';
import type { DecisionWaiters } from './decision-waiters.js';

interface AppendParts {
  readonly transport: EventTransport;
  readonly clock: Clock;
  readonly waiters: DecisionWaiters;
}

/** How its sender is answered. */
interface Waiting {
  /** 0: do not wait. */
  readonly waitMs: number;
  readonly traceparent: string | undefined;
}

/** A verified token on its way into the log. */
interface Appended {
  readonly topic: TopicName;
  /** The flow or agent it belongs to: where it lies in the log, and its event's subject. */
  readonly key: string;
  readonly value: Buffer | null;
  readonly id: string;
  readonly source: string;
}

/**
 * Appends one record and waits for what its partition's owner makes of it.
 *
 * @param look asked until it tells what came of the record at this place
 * @param wakes names beside the record's place at which looking is worth while
 * @returns `undefined`: nothing yet when the wait was over
 */
export async function appendAndWait<T>(
  { transport, clock, waiters }: AppendParts,
  { topic, key, value, id, source }: Appended,
  { waitMs, traceparent }: Waiting,
  look: (lane: string, offset: bigint) => Promise<T | undefined>,
  wakes: readonly string[] = [],
): Promise<T | undefined> {
  const headers = eventHeaders(topic, { id, source, timeMs: clock.nowMs(), subject: key, traceparent });
  const [place] = await transport.publish(topic, [{ key, value, headers }]);
  if (place === undefined || waitMs === 0) return undefined;
  const lane = laneName('authorizer', topic, place.partition);
  return waiters.waitFor([...wakes, placeName({ topic, ...place })], waitMs, () => look(lane, place.offset));
}
