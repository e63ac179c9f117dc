import { DependencyError } from '@spendgate/core';
import type { Pool } from '../pool.js';
import { execute, query, statement } from '../statement.js';
import { guarded, inTransaction } from '../transaction.js';

export interface EmbeddedTopic {
  readonly topic: string;
  readonly partitions: number;
}

export interface ExistingTopic extends EmbeddedTopic {
  /** Made new with the topic. It stands for Kafka's cluster id: a topic made anew is another log. */
  readonly incarnation: string;
}

const CREATE = statement(
  'embedded-topics-create',
  `WITH made AS (
     INSERT INTO embedded_topics (topic, partitions, incarnation)
     SELECT t.topic, t.partitions, gen_random_uuid() FROM unnest($1::text[], $2::int[]) AS t (topic, partitions)
     ON CONFLICT (topic) DO NOTHING RETURNING topic, partitions)
   INSERT INTO embedded_partitions (topic, partition)
   SELECT m.topic, p FROM made m, generate_series(0, m.partitions - 1) AS p`,
);
const READ = statement(
  'embedded-topics-read',
  'SELECT topic, partitions, incarnation FROM embedded_topics WHERE topic = ANY ($1::text[]) ORDER BY topic',
);
const DELETE = [
  statement('embedded-topic-delete', 'DELETE FROM embedded_topics WHERE topic = $1'),
  statement('embedded-partitions-delete', 'DELETE FROM embedded_partitions WHERE topic = $1'),
  statement('embedded-records-delete', 'DELETE FROM embedded_records WHERE topic = $1'),
];

/** Makes the topics that are absent; existing ones stay as they are. */
export async function createTopics(pool: Pool, topics: readonly EmbeddedTopic[]): Promise<void> {
  const values = [topics.map((each) => each.topic), topics.map((each) => each.partitions)];
  await guarded(() => execute(pool, CREATE, values));
}

export function readTopics(pool: Pool, topics: readonly string[]): Promise<ExistingTopic[]> {
  return guarded(() => query<ExistingTopic & Record<string, unknown>>(pool, READ, [topics]));
}

/** @throws {DependencyError} `ERR_TOPICS_DIFFER` naming each topic that is absent or has another partition count */
export async function checkTopics(pool: Pool, topics: readonly EmbeddedTopic[]): Promise<void> {
  const found = new Map(
    (
      await readTopics(
        pool,
        topics.map((each) => each.topic),
      )
    ).map((each) => [each.topic, each]),
  );
  const differences = topics.flatMap(({ topic, partitions }) => {
    const existing = found.get(topic);
    if (existing === undefined) return [`${topic} is absent`];
    return existing.partitions === partitions
      ? []
      : [`${topic} has ${existing.partitions} partitions, not ${partitions}`];
  });
  if (differences.length === 0) return;
  throw new DependencyError(
    'ERR_TOPICS_DIFFER',
    `${differences.join('; ')}. Make them with: spendgate migrate --topics`,
  );
}

/** Removes a topic with all its records. Made again it has a new incarnation, so its lanes stop for the operator. */
export async function deleteTopic(pool: Pool, topic: string): Promise<void> {
  await inTransaction(pool, async (tx) => {
    for (const each of DELETE) await execute(tx, each, [topic]);
  });
}
