import { EVENTS, type EventSpec, type EventTopic } from './events/events.js';
import { eventSchemas, tokenSchemas, type JsonSchema } from './schemas.js';

export interface AsyncApiOptions {
  /** Version of the release the document describes. */
  readonly version: string;
  /** Topic prefix of the deployment. */
  readonly prefix?: string;
}

/** An AsyncAPI 3.0 document as plain JSON. */
export type AsyncApiDocument = { readonly asyncapi: '3.0.0'; readonly [member: string]: unknown };

const COMPACT_JWS: JsonSchema = {
  type: 'string',
  pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$',
  description: 'JWS compact serialization (RFC 7515 §7.1)',
};

const HEADERS: JsonSchema = {
  type: 'object',
  description: 'CloudEvents 1.0, binary content mode of the Kafka protocol binding',
  required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'content-type'],
  properties: {
    ce_specversion: { const: '1.0' },
    ce_id: { type: 'string' },
    ce_source: { type: 'string', format: 'uri-reference' },
    ce_type: { type: 'string' },
    ce_time: { type: 'string', format: 'date-time' },
    ce_subject: { type: 'string' },
    'content-type': { type: 'string' },
    traceparent: { type: 'string', description: 'W3C Trace Context' },
  },
};

interface Message {
  /** Within its channel. */
  readonly name: string;
  /** In `components`, where names hold letters, digits, `.`, `-` and `_` only. */
  readonly id: string;
  readonly payload: JsonSchema;
  readonly claims?: JsonSchema;
}

/** The topics and messages of a domain, from the tables that encode and judge them. Equal options, equal document. */
export function asyncApi({ version, prefix = 'spendgate.' }: AsyncApiOptions): AsyncApiDocument {
  const topics = Object.keys(EVENTS) as EventTopic[]; // the keys of the table are the topics
  const messages = new Map(topics.map((topic) => [topic, messagesOf(topic)] as const));
  return {
    asyncapi: '3.0.0',
    info: { title: 'Spendgate', version, license: { name: 'Apache-2.0' } },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(topics.map((topic) => [topic, channel(topic, prefix, messages.get(topic) ?? [])])),
    operations: Object.fromEntries(topics.map((topic) => [`${EVENTS[topic].direction}.${topic}`, operation(topic)])),
    components: {
      messages: Object.fromEntries(
        topics.flatMap((topic) =>
          (messages.get(topic) ?? []).map((message) => [message.id, component(topic, message)]),
        ),
      ),
    },
  };
}

function messagesOf(topic: EventTopic): Message[] {
  const spec: EventSpec = EVENTS[topic];
  if (spec.form === 'token') {
    const claims = tokenSchemas();
    return spec.typs.map((typ) => {
      const name = typ.replace('+', '-');
      return { name, id: `${topic}.${name}`, payload: COMPACT_JWS, claims: claims[typ] };
    });
  }
  const schemas: Readonly<Partial<Record<EventTopic, JsonSchema>>> = eventSchemas();
  return [
    { name: 'value', id: `${topic}.value`, payload: schemas[topic] ?? { type: 'string', description: spec.about } },
  ];
}

function channel(topic: EventTopic, prefix: string, messages: readonly Message[]): JsonSchema {
  const { about } = EVENTS[topic];
  return {
    address: `${prefix}${topic}`,
    description: about,
    messages: Object.fromEntries(messages.map(({ name, id }) => [name, { $ref: `#/components/messages/${id}` }])),
    bindings: { kafka: { topic: `${prefix}${topic}`, bindingVersion: '0.5.0' } },
  };
}

function operation(topic: EventTopic): JsonSchema {
  const { direction, about } = EVENTS[topic];
  return {
    action: direction === 'in' ? 'receive' : 'send',
    channel: { $ref: `#/channels/${topic}` },
    summary: about,
  };
}

function component(topic: EventTopic, { name, payload, claims }: Message): JsonSchema {
  const { ceType, contentType } = EVENTS[topic];
  const signed = claims === undefined ? {} : { 'x-claims': claims };
  return { name: ceType, title: name, contentType, headers: HEADERS, payload, ...signed };
}
