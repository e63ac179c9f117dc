import type { z } from 'zod';
import { canonicalize } from '../canonical.js';
import { cloudEventHeaders, type RecordHeaders } from '../cloudevents.js';
import { RECORD_JSON_LIMITS } from '../limits.js';
import { fieldPath, problem, type Problem } from '../problem.js';
import { parseStrictJson, type JsonProblem } from '../strict-json.js';
import { EVENTS, type EventOf, type EventTopic, type JsonEventSpec, type JsonEventTopic } from './events.js';

/** A record value: RFC 8785 text, so that an event published twice is the same bytes. */
export function encodeEvent<T extends JsonEventTopic>(topic: T, event: EventOf<T>): Buffer {
  return Buffer.from(canonicalize(specOf(topic).schema.parse(event)));
}

export type EventResult<E> = { readonly ok: true; readonly event: E } | JsonProblem | Problem<'unknown_field'>;

/** Reads a record value back: every boundary is checked twice. */
export function parseEvent<T extends JsonEventTopic>(topic: T, value: Uint8Array): EventResult<EventOf<T>> {
  const json = parseStrictJson(value, RECORD_JSON_LIMITS);
  if (!json.ok) return json;
  const parsed = specOf(topic).schema.safeParse(json.value);
  return parsed.success ? { ok: true, event: parsed.data } : eventProblem(parsed.error.issues);
}

function specOf<T extends JsonEventTopic>(topic: T): JsonEventSpec<z.ZodType<EventOf<T>>> {
  // The row of a topic has the type of that topic, which an indexed access over the union cannot say.
  return EVENTS[topic] as unknown as JsonEventSpec<z.ZodType<EventOf<T>>>;
}

function eventProblem(issues: readonly z.core.$ZodIssue[]): Problem<'malformed' | 'unknown_field'> {
  const issue = issues.find(({ code }) => code !== 'unrecognized_keys') ?? issues[0];
  const steps = (issue?.path ?? []).map((step) => (typeof step === 'number' ? step : String(step)));
  const path = steps.reduce<string>(fieldPath, '');
  if (issue?.code === 'unrecognized_keys') return problem('unknown_field', fieldPath(path, issue.keys[0] ?? ''));
  return problem('malformed', path === '' ? 'payload' : path);
}

/** What an event says about itself beside its value. */
export interface EventNaming {
  readonly id: string;
  /** Issuer of the domain. */
  readonly source: string;
  readonly timeMs: number;
  readonly subject?: string;
  readonly traceparent?: string | undefined;
}

/** CloudEvents headers of a topic's event. */
export function eventHeaders(topic: EventTopic, naming: EventNaming): RecordHeaders {
  const { ceType, contentType } = EVENTS[topic];
  return cloudEventHeaders({ ...naming, type: ceType, contentType });
}
