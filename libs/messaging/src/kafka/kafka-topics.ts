import { setTimeout as wait } from 'node:timers/promises';
import { DependencyError } from '@spendgate/core';
import kafkajs, { type Admin } from 'kafkajs';
import { TOPIC_NAMES, TOPIC_SPECS, topicConfig, topicFullName, type TopicName } from '../topics.js';

/** New topics are asked for this often, with this pause: 10 s in all. */
const LISTED_ASKS_MAX = 100;
const LISTED_PAUSE_MS = 100;

export interface TopicShape {
  readonly prefix: string;
  /** Partitions of topics that have more than one. */
  readonly partitions: number;
  readonly replication: number;
}

/** Creates what is absent. A topic that exists is left as it is; `checkTopics` says what is wrong with it. */
export async function createTopics(admin: Admin, shape: TopicShape): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const absent = TOPIC_NAMES.filter((topic) => !existing.has(topicFullName(shape.prefix, topic)));
  if (absent.length === 0) return;
  await admin.createTopics({
    waitForLeaders: false, // kafkajs gives up on the first Kafka broker that has not heard of the topic yet
    topics: absent.map((topic) => ({
      topic: topicFullName(shape.prefix, topic),
      numPartitions: TOPIC_SPECS[topic].partitions === 1 ? 1 : shape.partitions,
      replicationFactor: shape.replication,
      configEntries: Object.entries(topicConfig(topic)).map(([name, value]) => ({ name, value })),
    })),
  });
  await untilListed(
    admin,
    absent.map((topic) => topicFullName(shape.prefix, topic)),
  );
}

/** The controller has made them; the Kafka brokers hear of it a moment later. */
async function untilListed(admin: Admin, names: readonly string[]): Promise<void> {
  for (let ask = 0; ask < LISTED_ASKS_MAX; ask += 1) {
    const listed = new Set(await admin.listTopics());
    if (names.every((name) => listed.has(name))) return;
    await wait(LISTED_PAUSE_MS);
  }
  throw new DependencyError('ERR_TOPICS_UNFIT', `made, but not listed yet: ${names.join(', ')}. Run it again`);
}

/**
 * Compares the topics with the table. Only what our correctness rests on is compared: retention and the like are the
 * operator's.
 * @throws {DependencyError} `ERR_TOPICS_UNFIT`, naming every difference and the command that mends it.
 */
export async function checkTopics(admin: Admin, prefix: string, topics: readonly TopicName[]): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const problems: string[] = [];
  const present: TopicName[] = [];
  for (const topic of topics) {
    if (existing.has(topicFullName(prefix, topic))) present.push(topic);
    else problems.push(`${topicFullName(prefix, topic)} does not exist: spendgate migrate --topics`);
  }
  if (present.length > 0) problems.push(...(await configProblems(admin, prefix, present)));
  if (problems.length > 0) {
    throw new DependencyError('ERR_TOPICS_UNFIT', problems.join('; '));
  }
}

async function configProblems(admin: Admin, prefix: string, topics: readonly TopicName[]): Promise<string[]> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((topic) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name: topicFullName(prefix, topic) })),
  });
  return topics.flatMap((topic) => {
    const name = topicFullName(prefix, topic);
    const entries = resources.find((resource) => resource.resourceName === name)?.configEntries ?? [];
    const actual = new Map(entries.map((entry) => [entry.configName, entry.configValue]));
    return unfitEntries(topic, actual).map((problem) => `${name}: ${problem} --topic ${name}`);
  });
}

function unfitEntries(topic: TopicName, actual: ReadonlyMap<string, string>): string[] {
  return Object.entries(topicConfig(topic)).flatMap(([name, wanted]) => {
    const value = actual.get(name);
    if (value === wanted) return [];
    if (name === 'max.message.bytes' && Number(value) >= Number(wanted)) return [];
    if (name === 'compression.type' && value === 'gzip') return []; // the one codec every client here can read
    const mend = `kafka-configs --alter --add-config ${name}=${wanted}`; // not ours to do: kafkajs would drop all others
    return [`${name} is ${value ?? 'unknown'}, must be ${wanted}: ${mend}`];
  });
}
