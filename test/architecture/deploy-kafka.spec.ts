import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { TOPICS, TOPIC_NAMES, TOPIC_SPECS, topicConfig, topicFullName } from '@spendgate/messaging';
import { parse } from 'yaml';

const PREFIX = 'spendgate.';
/** Kafka's names of operations on topics and groups (org.apache.kafka.common.acl.AclOperation). */
const OPERATIONS = ['Create', 'Read', 'Write', 'Describe', 'DescribeConfigs'];

interface TopicRow {
  readonly name: string;
  readonly partitions: number;
  readonly confidential: boolean;
  readonly config: Readonly<Record<string, string>>;
}
interface AclRow {
  readonly principal: string;
  readonly topic?: string;
  readonly group?: string;
  readonly pattern?: string;
  readonly operations: readonly string[];
}

function read(file: string): unknown {
  return parse(readFileSync(path.join(import.meta.dirname, '..', '..', 'deploy', 'kafka', file), 'utf8'));
}

describe('deploy/kafka', () => {
  const { topics } = read('topics.yaml') as { topics: TopicRow[] }; // the rows are compared with the table below
  const { acls } = read('acls.yaml') as { acls: AclRow[] }; // each member is checked below

  it('lists every topic with the configuration the roles check at start', () => {
    expect(topics).toEqual(
      TOPIC_NAMES.map((name) =>
        expect.objectContaining({
          name: topicFullName(PREFIX, name),
          partitions: TOPIC_SPECS[name].partitions,
          confidential: TOPIC_SPECS[name].confidential,
          config: topicConfig(name),
        }),
      ),
    );
  });

  it('grants known operations on topics that exist, or on groups', () => {
    const names = new Set([PREFIX, ...TOPIC_NAMES.map((name) => topicFullName(PREFIX, name))]);
    for (const { principal, topic, group, pattern, operations } of acls) {
      expect(principal).toMatch(/^User:[a-z-]+$/);
      expect(topic === undefined).not.toBe(group === undefined);
      if (topic !== undefined) expect(names).toContain(topic);
      if (topic === PREFIX) expect(pattern).toBe('prefixed');
      expect(OPERATIONS).toEqual(expect.arrayContaining([...operations]));
    }
  });

  it('lets nobody but the roles touch a confidential topic', () => {
    const confidential = topics.filter((each) => each.confidential).map(({ name }) => name);
    const readers = acls.filter(
      ({ topic, operations }) => operations.includes('Read') && confidential.includes(topic ?? ''),
    );
    expect(readers).toEqual([]);
    const prefixed = acls.filter(({ topic, operations }) => topic === PREFIX && operations.includes('Read'));
    expect(prefixed).toEqual([]);
  });

  /** Who may read or write a topic; rights on the prefix are held to be none of these above. */
  const allowed = (operation: 'Read' | 'Write', topic: (typeof TOPIC_NAMES)[number]): string[] =>
    acls
      .filter((row) => row.topic === topicFullName(PREFIX, topic) && row.operations.includes(operation))
      .map(({ principal }) => principal.replace(/^User:/, ''))
      .sort();

  it('shows no agent the decisions of all agents: each fetches its own with a signed read', () => {
    expect(allowed('Read', TOPICS.authorizationDecisions)).toEqual([]);
  });

  it('I5: lets attesters alone write observations, and rails report by signed outcomes to the gate', () => {
    expect(allowed('Write', TOPICS.observations)).toEqual(['attester-example']);
    expect(allowed('Write', TOPICS.settlementRequests)).toEqual([
      'rail-example',
      'settlement-example',
      'spendgate-settlement-gate',
    ]);
  });

  it('lets each role write the topics it publishes, and no other', () => {
    const written = Object.fromEntries(
      ['authorizer', 'settlement-gate', 'log', 'drift-detector'].map((role) => [
        role,
        TOPIC_NAMES.filter((topic) => allowed('Write', topic).includes(`spendgate-${role}`)).sort(),
      ]),
    );
    expect(written).toEqual({
      authorizer: [
        TOPICS.authorizationArtifacts,
        TOPICS.authorizationDecisions,
        TOPICS.deadLetters,
        TOPICS.flowTransitions,
        TOPICS.incidents,
        TOPICS.intentRefusals,
        TOPICS.paymentIntents,
      ],
      'settlement-gate': [
        TOPICS.deadLetters,
        TOPICS.flowTransitions,
        TOPICS.incidents,
        TOPICS.intentRefusals,
        TOPICS.settlementDecisions,
        TOPICS.settlementRequests,
      ],
      log: [TOPICS.checkpoints, TOPICS.control, TOPICS.flowTransitions, TOPICS.incidents],
      'drift-detector': [],
    });
  });
});
