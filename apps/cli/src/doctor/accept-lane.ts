import type { EventTransport } from '@spendgate/messaging';
import { TOPIC_NAMES } from '@spendgate/messaging';
import { StartError } from '@spendgate/platform';
import { type AcceptedSource, type Pool, acceptSource, inControlAct, recordPersonAct } from '@spendgate/store';
import { type Person, signAct } from '../apply/person.js';

const LIFETIME_SECONDS = 300;

/** A lane's topic and partition: `payment-intents.v1/3`, or with the group before it when it only follows the topic. */
const LANE = /^(?:[a-z-]+:)?(?<topic>[a-z0-9.-]+)\/(?<partition>\d{1,4})$/;

/**
 * Lets a stopped lane go on with the log as it is now, from its first record: what was decided already is met again and
 * recognised, so nothing is lost and nothing is decided twice.
 *
 * @throws {StartError} there is no such lane, it is not stopped, or the signature is no operator's
 */
export async function acceptLane(
  { pool, transport, issuer }: { pool: Pool; transport: EventTransport; issuer: string },
  lane: string,
  person: Person,
): Promise<AcceptedSource> {
  const { topic: name, partition } = LANE.exec(lane)?.groups ?? {};
  const topic = TOPIC_NAMES.find((each) => each === name);
  if (topic === undefined) throw new StartError(`"${lane}" is no lane; spendgate doctor lists the stopped ones`);
  const { clusterId, partitions, firstOffset } = await transport.source(topic, Number(partition));
  const source: AcceptedSource = { clusterId, partitions, next: firstOffset };
  const target = { kind: 'lane', id: lane };
  const token = await signAct(person, {
    action: 'accept_lane',
    targets: [{ ...target, version: null }],
    reason: `accepts the log as it is from offset ${firstOffset}`,
    issuer,
    lifetimeSeconds: LIFETIME_SECONDS,
  });
  await inControlAct(pool, async (act) => {
    const problem = await recordPersonAct(act, token, { action: 'accept_lane', target });
    if (problem !== null) throw new StartError(`nothing was accepted: ${problem}`);
    if (!(await acceptSource(act, lane, source, person.id))) throw new StartError(`lane ${lane} is not stopped`);
  });
  return source;
}
