import type { LaneLease } from '@spendgate/store';
import type { AuthorizerParts } from '../authorizer-parts.js';
import type { Committed } from '../deciding/decide-in-transaction.js';

/** Signs and sends what a transaction committed, then wakes whoever waits for it at the HTTP door. */
export async function publishCommitted(parts: AuthorizerParts, lane: LaneLease, committed: Committed): Promise<void> {
  const { metrics, publisher, progress, waiters, renderFromMemory } = parts;
  await metrics.wall('authorizer_publish', () =>
    publisher.publish(lane, committed.events, renderFromMemory(committed)),
  );
  progress.published(lane, committed.nextOutboxSeq);
  waiters.wake(committed.decisions.map(({ decision }) => decision.intentId));
  waiters.wake(committed.refusals.map(({ record }) => placeName(record)));
}

/** What the HTTP door waits for beside the intent id: the place its record got. */
export function placeName({ topic, partition, offset }: { topic: string; partition: number; offset: bigint }): string {
  return `${topic}/${partition}@${offset}`;
}
