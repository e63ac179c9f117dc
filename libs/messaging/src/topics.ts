/** The topics of a domain (docs/ARCHITECTURE.md). Names here carry no prefix; `topicFullName` adds it at the edge. */
export const TOPICS = {
  paymentIntents: 'payment-intents.v1',
  authorizationDecisions: 'authorization-decisions.v1',
  settlementRequests: 'settlement-requests.v1',
  settlementDecisions: 'settlement-decisions.v1',
  observations: 'observations.v1',
  flowTransitions: 'flow-transitions.v1',
  control: 'control.v1',
  checkpoints: 'checkpoints.v1',
  authorizationArtifacts: 'authorization-artifacts.v1',
  intentRefusals: 'intent-refusals.v1',
  incidents: 'incidents.v1',
  deadLetters: 'dead-letters.v1',
} as const;

/** A topic's name without the prefix; also the pattern of its `@EventPattern` handler. */
export type TopicName = (typeof TOPICS)[keyof typeof TOPICS];

/** What a topic is made with, and checked for at start. */
export interface TopicSpec {
  /** What the record key holds; one key is one order. */
  readonly key: 'flow id' | 'subject' | 'log origin' | 'source partition';
  readonly cleanup: 'delete' | 'compact';
  /** Partitions when nothing else is set. A change later needs the operator's acceptance: it moves keys. */
  readonly partitions: number;
  /** Readable only by those the record is for (deploy/kafka/acls.yaml). */
  readonly confidential: boolean;
  /** The group whose lanes carry the topic's decisions; other groups that read it have lanes of their own. */
  readonly decidedBy?: string;
  readonly about: string;
}

const flowTopic = (about: string, confidential = false): TopicSpec => ({
  key: 'flow id',
  cleanup: 'delete',
  partitions: 8,
  confidential,
  about,
});

/** The table `ensureTopics`, deploy/kafka/topics.yaml and the generated reference follow. */
export const TOPIC_SPECS: Readonly<Record<TopicName, TopicSpec>> = {
  'payment-intents.v1': {
    ...flowTopic('payment intents, approvals, renewals and releases, as signed tokens'),
    decidedBy: 'authorizer',
  },
  'authorization-decisions.v1': flowTopic('what was decided: ids, outcome, code and hash'),
  'settlement-requests.v1': {
    ...flowTopic('captures, voids, refunds and outcomes asked for, as signed tokens'),
    decidedBy: 'settlement-gate',
  },
  'settlement-decisions.v1': flowTopic('what the gate decided: ids, outcome, code and hash'),
  'observations.v1': { ...flowTopic('attestation results'), key: 'subject', decidedBy: 'authorizer' },
  'flow-transitions.v1': flowTopic('each step of a flow through its life'),
  'control.v1': {
    ...flowTopic('revocations, halts, policy and key changes; notifies only'),
    key: 'subject',
    partitions: 1,
  },
  'checkpoints.v1': {
    key: 'log origin',
    cleanup: 'compact',
    partitions: 1,
    confidential: false,
    about: 'signed heads of the transparency log',
  },
  'authorization-artifacts.v1': flowTopic('signed artifacts', true),
  'intent-refusals.v1': { ...flowTopic('records refused before a decision, with their code'), key: 'source partition' },
  'incidents.v1': flowTopic('incidents opened, escalated and closed'),
  'dead-letters.v1': {
    ...flowTopic('what could not be read as a request at all, with the reason', true),
    key: 'source partition',
  },
};

export const TOPIC_NAMES: readonly TopicName[] = Object.values(TOPICS);

/**
 * Largest record value in bytes. The topic's `max.message.bytes` is larger by what key, headers and the batch frame
 * take, so a value of exactly this size is accepted by every Kafka broker that was set up with our topics.
 */
export const RECORD_VALUE_BYTES_MAX = 1_000_000;
export const TOPIC_MESSAGE_BYTES_MAX = 1_048_588;

/**
 * Topic configuration, as Kafka names it. LogAppendTime: the Kafka broker's clock gives order and `appendedAtMs`, not a
 * producer's. `uncompressed`: a producer may use any codec it likes and the Kafka broker undoes it, so that no record
 * arrives in a codec this client lacks and stops its partition.
 */
export function topicConfig(topic: TopicName): Readonly<Record<string, string>> {
  return {
    'cleanup.policy': TOPIC_SPECS[topic].cleanup,
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(TOPIC_MESSAGE_BYTES_MAX),
    'compression.type': 'uncompressed',
  };
}

/** @returns the name on the Kafka cluster: `spendgate.payment-intents.v1`. */
export function topicFullName(prefix: string, topic: TopicName): string {
  return `${prefix}${topic}`;
}

/**
 * @returns the name of a partition's lane in the database, without the prefix: `payment-intents.v1/3`; for a group that
 * only follows the topic, its name before it: `drift-detector:payment-intents.v1/3`.
 */
export function laneName(group: string, topic: TopicName, partition: number): string {
  const place = `${topic}/${partition}`;
  return TOPIC_SPECS[topic].decidedBy === group ? place : `${group}:${place}`;
}
