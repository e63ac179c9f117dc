import { type EventTransport, TOPIC_NAMES, TOPIC_SPECS, type TopicName, laneName } from '@spendgate/messaging';
import { type Pool, readLanePlaces } from '@spendgate/store';
import { type Finding, look, met, unmet } from './finding.js';

/** Records that may wait in a partition that is being decided; more for long means its role does not keep up, or does not run. */
const LAG_MAX = 10_000n;
const MIGRATE = 'spendgate migrate --topics';

/** Topics as they must be, and how far deciding is behind them. */
export async function checkTransport(transport: EventTransport, pool: Pool): Promise<Finding[]> {
  const topics = await look('topics', MIGRATE, async () => {
    await transport.ensureTopics('check');
    return met('topics', `${TOPIC_NAMES.length} there and set up as they must be`);
  });
  if (topics.ok !== true) return [topics];
  return [topics, await look('lag', 'spendgate serve ROLE', () => checkLag(transport, pool))];
}

async function checkLag(transport: EventTransport, pool: Pool): Promise<Finding> {
  const behind: string[] = [];
  let total = 0n;
  for (const topic of TOPIC_NAMES) {
    const { decidedBy } = TOPIC_SPECS[topic];
    if (decidedBy === undefined) continue;
    const waiting = await readWaiting(transport, pool, topic, decidedBy);
    total += waiting;
    if (waiting > LAG_MAX) behind.push(`${topic}: ${waiting} (spendgate serve ${decidedBy})`);
  }
  if (behind.length === 0) return met('lag', `${total} records wait`);
  return unmet('lag', behind.join('; '), 'start the roles named, or more of them');
}

async function readWaiting(transport: EventTransport, pool: Pool, topic: TopicName, group: string): Promise<bigint> {
  const { partitions } = await transport.source(topic, 0);
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const sources = await Promise.all(numbers.map((partition) => transport.source(topic, partition)));
  const names = numbers.map((partition) => laneName(group, topic, partition));
  const places = new Map((await readLanePlaces(pool, names)).map((place) => [place.name, place.next]));
  return sources.reduce((sum, { firstOffset, endOffset }, partition) => {
    const next = places.get(names[partition] ?? '') ?? firstOffset;
    return endOffset > next ? sum + endOffset - next : sum;
  }, 0n);
}
